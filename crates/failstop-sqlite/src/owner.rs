//! Who this handle is to the ledger, and who else lives.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use failstop::{
    core::ledger::{KeyRecord, OwnerId},
    ledger::Keys,
    locks::{AttemptState, LockDirectory},
};

/// A handle's name, and the locks by which it knows the others.
#[derive(Debug, Clone)]
pub(crate) struct Owner {
    pub(crate) id: OwnerId,
    pub(crate) locks: LockDirectory,
    /// What is being executed by this handle.
    pub(crate) keys: Keys,
    /// Set once the files are not those that were opened: nothing is written any more, and nothing that is read is
    /// believed.
    lost: Arc<AtomicBool>,
}

impl Owner {
    /// The owner with this name.
    pub(crate) fn new(id: OwnerId, locks: LockDirectory) -> Self {
        Self { id, locks, keys: Keys::default(), lost: Arc::default() }
    }

    /// Whether the ledger is not the one that was opened.
    pub(crate) fn has_lost_ledger(&self) -> bool {
        self.lost.load(Ordering::Acquire)
    }

    /// The ledger is not the one that was opened; whether that is news.
    pub(crate) fn lose_ledger(&self) -> bool {
        !self.lost.swap(true, Ordering::AcqRel)
    }

    /// Whether another owner of an unfinished key lives. Where that cannot be told, it does: no guess takes a key over.
    pub(crate) fn is_someone_else_alive(&self, record: &KeyRecord) -> bool {
        !record.is_terminal()
            && record.owner != self.id
            && record.owner != OwnerId::NOBODY
            && self.locks.is_alive(record.owner).unwrap_or(true)
    }

    /// Whether what an attempt left behind still runs. Where that cannot be told, it does.
    pub(crate) fn is_attempt_running(&self, fence: u64) -> bool {
        self.locks.attempt(fence).map_or(true, |state| state != AttemptState::Ended)
    }

    /// Whether anybody may be having an effect under `key`, this handle's own executions included.
    pub(crate) fn is_running(&self, key: &str, record: &KeyRecord) -> bool {
        let is_ours = !record.is_terminal() && record.owner == self.id && self.keys.is_held(key);
        is_ours || self.is_someone_else_alive(record) || self.is_attempt_running(record.fence)
    }

    /// Whether an unfinished key's owner lives, or its last attempt still runs. The key is reserved in this process, so
    /// what this owner has begun under it is over.
    pub(crate) fn is_someone_at(&self, record: &KeyRecord) -> bool {
        !record.is_terminal() && (self.is_someone_else_alive(record) || self.is_attempt_running(record.fence))
    }
}
