//! What was chosen by measurement, in one place, so that the measurement can be repeated with other values.

use std::time::Duration;

/// Figures that change how fast a ledger is and nothing else. Not part of the interface: for `bench ledger-tuning`, whose
/// figures are in `docs/ledger.md`.
#[doc(hidden)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tuning {
    /// Pages of WAL, 4 KiB each, after which its content is moved into the database.
    pub wal_autocheckpoint_pages: u32,
    /// Pages kept by the writer, KiB. At most commits SQLite looks at each of them, so more make it slower, not faster.
    pub cache_kib: u32,
    /// How long a group waits for the next command while more executions are under way than are in it.
    pub gathering: Duration,
}

impl Tuning {
    /// What a ledger runs with.
    pub const DEFAULT: Self =
        Self { wal_autocheckpoint_pages: 16_384, cache_kib: 8_192, gathering: Duration::from_micros(100) };
}
