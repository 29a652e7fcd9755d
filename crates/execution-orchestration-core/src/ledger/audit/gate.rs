//! The gate as the events tell it.

use alloc::string::String;

use decision_schema::Action;

use super::finding::FindingKind;
use crate::stop::{GateEntry, Level, Scope, StopCode, Verdict};

/// How many scopes a gate has: global, then one an action.
const SCOPES: usize = 1 + Action::ALL.len();

/// Every scope as its last event left it. A new ledger's are all at `run` with epoch 1, for which there is no event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GateTrace {
    entries: [GateEntry; SCOPES],
    last_epoch: u64,
    /// The epochs whose releases were announced, for each scope the last one.
    announced: [Option<u64>; SCOPES],
}

impl GateTrace {
    /// The gate of a ledger that was made at `at_ms`.
    pub(super) fn new(at_ms: i64) -> Self {
        let entry = |scope| GateEntry { scope, level: Level::Run, epoch: 1, reason: String::new(), at_ms };
        let scope = |at: usize| at.checked_sub(1).map_or(Scope::Global, |at| Scope::Action(Action::ALL[at]));
        Self {
            entries: core::array::from_fn(|at| entry(scope(at))),
            last_epoch: 1,
            announced: [None; SCOPES],
        }
    }

    /// Every scope: global first, then the actions in the order of [`Action::ALL`].
    pub fn entries(&self) -> &[GateEntry] {
        &self.entries
    }

    /// The highest epoch so far, over all scopes.
    pub const fn last_epoch(&self) -> u64 {
        self.last_epoch
    }

    /// Follows one change; whatever it says is so from here on. A level is lowered only after its release was announced.
    pub(super) fn change(&mut self, entry: GateEntry) -> Result<(), FindingKind> {
        let at = index(entry.scope)?;
        let last = self.last_epoch;
        let before = &self.entries[at];
        let is_unannounced = entry.level < before.level && self.announced[at] != Some(before.epoch);
        let is_next = entry.epoch > last;
        self.last_epoch = last.max(entry.epoch);
        self.entries[at] = entry;
        match (is_next, is_unannounced) {
            (false, _) => Err(FindingKind::GateEpoch { last }),
            (true, true) => Err(FindingKind::ReleaseUnannounced),
            (true, false) => Ok(()),
        }
    }

    /// Somebody is about to release a scope at this epoch. He may find that it changed meanwhile.
    pub(super) fn announce(&mut self, (scope, epoch): (Scope, u64)) -> Result<(), FindingKind> {
        self.announced[index(scope)?] = Some(epoch);
        Ok(())
    }

    /// What bars a start, if anything does.
    pub(super) fn bars(&self, action: Action, is_new_work: bool, is_exempt: bool) -> Option<FindingKind> {
        let level = self.level(action);
        let verdict = Verdict::new(level, StopCode::Stopped, Scope::Global, 0).exempting(is_exempt);
        verdict.bars_start(is_new_work).then_some(FindingKind::StartInStopWindow { level })
    }

    /// Whether a start has read the gate as it was last changed.
    pub(super) fn check_epoch(&self, epoch: Option<u64>) -> Result<(), FindingKind> {
        let last = self.last_epoch;
        if epoch == Some(last) { Ok(()) } else { Err(FindingKind::GateEpoch { last }) }
    }

    /// The level in force: the higher of global and the action's own.
    fn level(&self, action: Action) -> Level {
        let own = self.entries[1 + action as usize].level;
        self.entries[0].level.max(own)
    }
}

const fn index(scope: Scope) -> Result<usize, FindingKind> {
    match scope {
        Scope::Global => Ok(0),
        Scope::Action(action) => Ok(1 + action as usize),
        Scope::Context => Err(FindingKind::Malformed { member: "scope" }),
    }
}
