//! The embedded ledger does what every ledger must.

use std::sync::Arc;

use failstop_conformance::{Bench, conformance};
use failstop_sqlite::{Options, SqliteLedger};
use tempfile::TempDir;

/// A file, and as many owners as open it.
struct Sqlite(TempDir);

impl Bench for Sqlite {
    type Ledger = SqliteLedger;

    const IS_SHARED: bool = true;

    fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    async fn open(&self) -> Arc<SqliteLedger> {
        let path = self.0.path().join("failstop.db");
        Arc::new(SqliteLedger::open(&path, Options::default()).unwrap())
    }

    async fn kill(&self, owner: Arc<SqliteLedger>) {
        drop(Arc::into_inner(owner).expect("the suite keeps no handle to the dead"));
    }
}

conformance!(Sqlite);
