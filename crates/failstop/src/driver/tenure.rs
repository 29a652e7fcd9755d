//! What a running attempt holds, for as long as anything of it may still run.

use super::Drive;
use crate::{
    executor::Control,
    ledger::{HeldKey, Ledger, Started},
    limits::Slot,
    locks::AttemptLock,
};

/// What a running attempt holds: slot, key, and the lock that shows it to other processes. Where something outlives
/// the attempt, they stay with it.
pub(super) struct Tenure<'a> {
    pub(super) control: Control,
    slot: Option<Slot<'a>>,
    pub(super) key: Option<Box<HeldKey>>,
    recorded: Option<Box<Recorded<'a>>>,
}

/// What of an attempt stands in a ledger.
struct Recorded<'a> {
    ledger: &'a dyn Ledger,
    fence: u64,
    lock: Option<AttemptLock>,
}

impl<'a> Tenure<'a> {
    /// The lock that whatever outlives this process is to hold.
    pub(super) fn lock(&self) -> Option<&AttemptLock> {
        self.recorded.as_ref()?.lock.as_ref()
    }

    /// Gives slot and key back to `drive`, unless something still runs.
    pub(super) fn end(&mut self, drive: &mut Drive<'a>) {
        if self.control.is_held() {
            return;
        }
        drive.slot = self.slot.take();
        if self.key.is_some() {
            drive.key = self.key.take();
        }
    }
}

impl Drop for Tenure<'_> {
    fn drop(&mut self) {
        if !self.control.is_held() {
            return;
        }
        let (slot, key) = (self.slot.take().map(Slot::abandon), self.key.take());
        let lock = self.recorded.take().and_then(|recorded| {
            let Recorded { ledger, fence, lock } = *recorded;
            lock.or_else(|| ledger.hold_attempt(fence))
        });
        std::mem::take(&mut self.control).when_ended(move || drop((slot, lock, key)));
    }
}

impl<'a> Drive<'a> {
    /// Hands slot and key over to an attempt that begins.
    pub(super) fn take_tenure(&mut self, started: Started) -> Tenure<'a> {
        self.fence = started.fence;
        if let Some(pass) = &mut self.pass {
            pass.begin(self.now);
        }
        let Started { fence, lock } = started;
        let ledger = self.house.ledger().filter(|_| self.key.is_some());
        Tenure {
            control: Control::default(),
            slot: self.slot.take(),
            key: self.key.take(),
            recorded: ledger.map(|ledger| Box::new(Recorded { ledger, fence, lock })),
        }
    }
}
