//! A shared gate as this process last saw it. What it says is decided in a ledger's start step; what it shows is for
//! everything between starts: admission, waits, attempts in flight.

use decision_schema::Action;
use execution_orchestration_core::stop::{GateEntry, Level, Scope, StopCode, Verdict};

use super::{SCOPES, index, latched, pack};
use crate::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Every latch of a shared gate, and whether it could be read.
#[derive(Debug)]
pub(super) struct Mirror {
    latches: [AtomicU64; SCOPES],
    is_unreadable: AtomicBool,
}

impl Mirror {
    /// A mirror that has seen nothing yet, which means stop.
    pub(super) fn new() -> Self {
        Self {
            latches: std::array::from_fn(|_| AtomicU64::new(pack(Level::Run, 0))),
            is_unreadable: AtomicBool::new(true),
        }
    }

    pub(super) fn verdict(&self, action: Action) -> Verdict {
        if self.is_unreadable.load(Ordering::Acquire) {
            return Verdict::new(Level::Stop, StopCode::Unreadable, Scope::Global, 0);
        }
        latched(&self.latches, action)
    }

    /// Shows what was read, or that it could not be; whether anything is different now.
    pub(super) fn show(&self, read: Option<&[GateEntry]>) -> bool {
        let mut has_changed = false;
        for entry in read.into_iter().flatten() {
            if let Some(at) = index(entry.scope) {
                let latch = pack(entry.level, entry.epoch);
                has_changed |= self.latches[at].swap(latch, Ordering::AcqRel) != latch;
            }
        }
        has_changed | (self.is_unreadable.swap(read.is_none(), Ordering::AcqRel) != read.is_none())
    }
}
