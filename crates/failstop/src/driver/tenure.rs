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
    pub(super) key: Option<HeldKey>,
    pub(super) lock: Option<AttemptLock>,
    ledger: Option<&'a dyn Ledger>,
    fence: u64,
}

impl<'a> Tenure<'a> {
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
        let is_recorded = key.is_some();
        let lock = self.lock.take();
        let lock = lock.or_else(|| self.ledger.filter(|_| is_recorded)?.hold_attempt(self.fence));
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
        Tenure {
            control: Control::default(),
            slot: self.slot.take(),
            key: self.key.take(),
            lock: started.lock,
            ledger: self.house.ledger(),
            fence: started.fence,
        }
    }
}
