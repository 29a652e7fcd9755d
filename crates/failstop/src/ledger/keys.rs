//! Keys held in this process: one execution at a time under each.

use std::{collections::HashMap, sync::Arc};

use execution_orchestration_core::idempotency::Digest;
use parking_lot::Mutex;
use tokio::sync::Notify;

/// The keys that executions of this process hold under one ledger. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct Keys {
    held: Arc<Mutex<HashMap<Arc<str>, Holder>>>,
}

#[derive(Debug, Clone)]
struct Holder {
    fingerprint: Digest,
    freed: Arc<Notify>,
}

/// Why a key is not to be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Held {
    /// The same decision is being executed.
    InProgress,
    /// It stands for another decision.
    Reused,
}

/// A key held by one execution; free again when dropped.
#[derive(Debug)]
pub(crate) struct HeldKey {
    key: Arc<str>,
    keys: Keys,
}

impl Keys {
    /// Holds `key`, if nobody does.
    pub(crate) fn try_hold(&self, key: &str, fingerprint: Digest) -> Result<HeldKey, Held> {
        let mut held = self.held.lock();
        match held.get(key) {
            Some(holder) if holder.fingerprint == fingerprint => return Err(Held::InProgress),
            Some(_) => return Err(Held::Reused),
            None => {}
        }
        let key: Arc<str> = key.into();
        held.insert(Arc::clone(&key), Holder { fingerprint, freed: Arc::default() });
        Ok(HeldKey { key, keys: self.clone() })
    }

    /// Resolves when whoever holds `key` lets go of it; at once where nobody does.
    pub(crate) async fn freed(&self, key: &str) {
        let Some(freed) = self.freed_by(key) else { return };
        let mut notified = std::pin::pin!(freed.notified());
        notified.as_mut().enable();
        if self.freed_by(key).is_some_and(|current| Arc::ptr_eq(&current, &freed)) {
            notified.await;
        }
    }

    fn freed_by(&self, key: &str) -> Option<Arc<Notify>> {
        self.held.lock().get(key).map(|holder| Arc::clone(&holder.freed))
    }

    /// Whether an execution, or work that was abandoned and has not ended, holds `key`.
    pub fn is_held(&self, key: &str) -> bool {
        self.held.lock().contains_key(key)
    }

    /// How many are held: by executions, or by work that was abandoned and has not ended.
    pub fn held_count(&self) -> usize {
        self.held.lock().len()
    }
}

impl HeldKey {
    /// The key.
    pub(crate) fn name(&self) -> Arc<str> {
        Arc::clone(&self.key)
    }
}

impl Drop for HeldKey {
    fn drop(&mut self) {
        let holder = self.keys.held.lock().remove(&self.key);
        if let Some(holder) = holder {
            holder.freed.notify_waiters();
        }
    }
}
