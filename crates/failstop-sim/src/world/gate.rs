//! The gate's file: one read and one write of a slot are atomic.

use decision_schema::Action;
use execution_orchestration_core::stop::{Level, Scope, StopCode, Verdict};

/// The scopes that this world has.
pub(super) const SCOPES: [Scope; 2] = [Scope::Global, Scope::Action(Action::Act)];

/// The epoch of a new ledger's gate.
pub(super) const FIRST_EPOCH: u64 = 1;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Slot {
    pub(super) level: Level,
    pub(super) epoch: u64,
    /// Not in the file: whether a stop of it was acknowledged.
    pub(super) is_acknowledged: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Gate {
    pub(super) slots: [Slot; SCOPES.len()],
}

impl Gate {
    pub(super) const fn new() -> Self {
        let slot = Slot { level: Level::Run, epoch: FIRST_EPOCH, is_acknowledged: false };
        Self { slots: [slot; SCOPES.len()] }
    }

    pub(super) fn epoch(&self) -> u64 {
        self.slots.iter().map(|slot| slot.epoch).max().unwrap_or(0)
    }

    /// As the shared gate's state puts it together.
    pub(super) fn verdict(&self, action: Action) -> Verdict {
        self.verdict_where(action, |_| true)
    }

    /// What is in force because somebody was told so.
    pub(super) fn acknowledged_verdict(&self, action: Action) -> Verdict {
        self.verdict_where(action, |slot| slot.is_acknowledged)
    }

    fn verdict_where(&self, action: Action, counts: impl Fn(&Slot) -> bool) -> Verdict {
        let speaks = |scope| scope == Scope::Global || scope == Scope::Action(action);
        let slots = SCOPES.into_iter().zip(&self.slots);
        let verdicts = slots
            .filter(|(scope, slot)| speaks(*scope) && counts(slot))
            .map(|(scope, slot)| Verdict::new(slot.level, StopCode::Stopped, scope, slot.epoch));
        verdicts.fold(Verdict::RUN, Verdict::or)
    }
}

pub(super) fn index(scope: Scope) -> usize {
    SCOPES.iter().position(|known| *known == scope).unwrap_or_default()
}
