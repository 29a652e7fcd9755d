//! The ledger of a configuration, and how it is opened.

use std::{
    error::Error,
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
};

use failstop::ledger::{Ledger, MemoryLedger};
use failstop_sqlite::{OpenError, Options, SqliteLedger};

use crate::Config;

/// What an engine writes down on: the ledger of a configuration, opened or made.
#[derive(Debug)]
pub struct OpenedLedger {
    kept: Kept,
}

#[derive(Debug)]
enum Kept {
    Memory(Arc<MemoryLedger>),
    Sqlite(PathBuf, Arc<SqliteLedger>),
}

/// A ledger that was not opened. It prints as `PATH: what is wrong (code)`.
#[derive(Debug)]
pub struct UnopenedLedger {
    /// Its file.
    pub path: PathBuf,
    /// Why.
    pub error: OpenError,
}

impl Config {
    /// Opens this configuration's ledger, or makes it. Where keys are off none is needed, and it is one in memory.
    ///
    /// # Errors
    /// Where its file cannot be opened.
    pub fn open_ledger(&self) -> Result<OpenedLedger, UnopenedLedger> {
        let idempotency = self.policy.idempotency();
        let kept = match self.ledger_path().filter(|_| idempotency.enabled) {
            None => Kept::Memory(Arc::new(MemoryLedger::new())),
            Some(path) => {
                let ledger = open(&path, idempotency.retention_ms)?;
                Kept::Sqlite(path, Arc::new(ledger))
            }
        };
        Ok(OpenedLedger { kept })
    }
}

/// Opens the ledger at `path` to work on it, and makes it where there is none. What ended more than `retention_ms` ago is
/// retired.
///
/// # Errors
/// Where it cannot be opened.
pub fn open(path: &Path, retention_ms: u64) -> Result<SqliteLedger, UnopenedLedger> {
    let options = Options::default().retention_ms(i64::try_from(retention_ms).unwrap_or(i64::MAX));
    SqliteLedger::open(path, options).map_err(|error| UnopenedLedger { path: path.to_owned(), error })
}

impl OpenedLedger {
    /// The ledger for an engine.
    pub fn shared(&self) -> Arc<dyn Ledger> {
        match &self.kept {
            Kept::Memory(ledger) => Arc::clone(ledger) as Arc<dyn Ledger>,
            Kept::Sqlite(_, ledger) => Arc::clone(ledger) as Arc<dyn Ledger>,
        }
    }

    /// The ledger, if it is kept in a file.
    pub const fn sqlite(&self) -> Option<&Arc<SqliteLedger>> {
        match &self.kept {
            Kept::Memory(_) => None,
            Kept::Sqlite(_, ledger) => Some(ledger),
        }
    }

    /// Its file, if it is kept in one.
    pub fn path(&self) -> Option<&Path> {
        match &self.kept {
            Kept::Memory(_) => None,
            Kept::Sqlite(path, _) => Some(path),
        }
    }

    /// Whether its file was made by this opening.
    pub fn is_new(&self) -> bool {
        self.sqlite().is_some_and(|ledger| ledger.is_new())
    }

    /// How many keys this opening found in doubt, left by processes that died.
    pub fn recovered(&self) -> usize {
        self.sqlite().map_or(0, |ledger| ledger.recovered())
    }

    /// Waits until all that was noted is durable; whether it is.
    pub fn flush(&self) -> bool {
        self.sqlite().is_none_or(|ledger| ledger.flush())
    }
}

impl fmt::Display for UnopenedLedger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, error } = self;
        write!(f, "{}: {error} ({})", shown(path), error.code())
    }
}

impl Error for UnopenedLedger {}

/// The path as people named it.
pub fn shown(path: &Path) -> String {
    path.strip_prefix(".").unwrap_or(path).display().to_string()
}
