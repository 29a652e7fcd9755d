//! Cooldowns: after a success, the same action of the same tenant is denied for a while, in this process.

use std::collections::HashMap;

use decision_schema::Action;
use execution_orchestration_core::time::Timestamp;

use crate::sync::{
    Mutex,
    atomic::{AtomicBool, Ordering},
};

/// Past this many entries, those that are over are swept out before another is added.
const SWEEP_AT: usize = 1024;

/// What cools down: an action, for a tenant.
type Subject = (Option<Box<str>>, Action);

/// The cooldowns that are running.
#[derive(Debug, Default)]
pub(crate) struct Cooldowns {
    /// Whether there ever was one: decisions without cooldowns take no lock.
    used: AtomicBool,
    until: Mutex<HashMap<Subject, Timestamp>>,
}

impl Cooldowns {
    /// Whether `action` of `tenant` is cooling down.
    pub(crate) fn is_active(&self, now: Timestamp, tenant: Option<&str>, action: Action) -> bool {
        self.used.load(Ordering::Acquire)
            && self.until.lock().get(&(tenant.map(Into::into), action)).is_some_and(|until| now < *until)
    }

    /// Starts a cooldown, or extends the one that runs.
    pub(crate) fn start(&self, now: Timestamp, tenant: Option<&str>, action: Action, cooldown_ms: u64) {
        let mut until = self.until.lock();
        self.used.store(true, Ordering::Release);
        if until.len() >= SWEEP_AT {
            until.retain(|_, until| now < *until);
        }
        let end = until.entry((tenant.map(Into::into), action)).or_default();
        *end = (*end).max(now.plus_ms(cooldown_ms));
    }
}
