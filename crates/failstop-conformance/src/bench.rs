//! What the suite asks of a backend: a store, owners that open it, and their death.

use std::{future::Future, sync::Arc};

use failstop::ledger::Ledger;

/// One empty store of a backend, and its owners. Each case has a bench of its own.
pub trait Bench: Sized {
    /// The backend.
    type Ledger: Ledger;

    /// Whether several owners can have the store open at once. Cases about two owners say nothing where they cannot.
    const IS_SHARED: bool;

    /// An empty store.
    fn new() -> Self;

    /// Opens the store, or opens it again. Where it is shared, each call makes one more owner, who lives until it is
    /// killed.
    fn open(&self) -> impl Future<Output = Arc<Self::Ledger>>;

    /// Ends an owner as SIGKILL would: it writes nothing more. The suite has given up every other handle to it.
    fn kill(&self, owner: Arc<Self::Ledger>) -> impl Future<Output = ()>;
}
