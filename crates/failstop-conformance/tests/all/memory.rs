//! The ledger in memory.

use std::sync::Arc;

use failstop::ledger::MemoryLedger;
use failstop_conformance::{Bench, conformance};

/// One process's: whoever opens it sees the same, and executions die while it lives.
#[derive(Default)]
struct Memory(Arc<MemoryLedger>);

impl Bench for Memory {
    type Ledger = MemoryLedger;

    const IS_SHARED: bool = false;

    fn new() -> Self {
        Self::default()
    }

    async fn open(&self) -> Arc<MemoryLedger> {
        Arc::clone(&self.0)
    }

    async fn kill(&self, _owner: Arc<MemoryLedger>) {}
}

conformance!(Memory);
