//! The gate as it was read, and what it means.

use failstop::core::stop::{GateEntry, Scope, Verdict};

use super::GateFault;
use decision_schema::Action;
use failstop::core::stop::{Level, StopCode};

/// How many scopes a gate file has: global, then one per action.
pub const SCOPES: usize = 1 + Action::ALL.len();

/// All entries of a gate, read in full.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GateState {
    entries: [GateEntry; SCOPES],
}

impl GateState {
    pub(super) const fn new(entries: [GateEntry; SCOPES]) -> Self {
        Self { entries }
    }

    /// Every entry: global first, then the actions in the order of [`Action::ALL`].
    pub fn entries(&self) -> &[GateEntry; SCOPES] {
        &self.entries
    }

    /// What the gate means for `action`: the higher of global and its own level, global on a tie.
    pub fn verdict(&self, action: Action) -> Verdict {
        verdict_of(&self.entries[0]).or(verdict_of(&self.entries[1 + action as usize]))
    }

    /// The epoch of the last change of any scope.
    pub fn epoch(&self) -> u64 {
        self.entries.iter().map(|entry| entry.epoch).max().unwrap_or(0)
    }
}

/// What the ledger has last recorded of one scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Recorded {
    pub(crate) scope: Scope,
    pub(crate) level: Level,
    pub(crate) epoch: u64,
}

impl Recorded {
    /// Whether the gate's entry of this scope is from before this, or from another course of events.
    pub(crate) fn is_ahead_of(&self, entry: &GateEntry) -> bool {
        self.epoch > entry.epoch || (self.epoch == entry.epoch && self.level != entry.level)
    }
}

impl GateState {
    /// Whether a scope has gone back behind what is recorded of it. The last epoch of all would not show it: a stop of
    /// another scope at an older copy of the file reaches it again.
    pub(crate) fn is_behind(&self, recorded: &[Recorded]) -> bool {
        recorded
            .iter()
            .any(|recorded| index(recorded.scope).is_some_and(|at| recorded.is_ahead_of(&self.entries[at])))
    }
}

impl GateFault {
    /// What a gate means that cannot be read: `stop` for everything.
    pub const fn verdict(&self) -> Verdict {
        Verdict::new(Level::Stop, StopCode::Unreadable, Scope::Global, 0)
    }
}

const fn verdict_of(entry: &GateEntry) -> Verdict {
    match entry.level {
        Level::Run => Verdict::RUN,
        Level::Drain | Level::Stop | Level::Halt => {
            Verdict::new(entry.level, StopCode::Stopped, entry.scope, entry.epoch)
        }
    }
}

/// The scopes of a gate file, in the order of their slots.
pub(super) fn scopes() -> [Scope; SCOPES] {
    std::array::from_fn(|at| at.checked_sub(1).map_or(Scope::Global, |at| Scope::Action(Action::ALL[at])))
}

/// Which slot a scope has; `None` for one that cannot be latched.
pub(super) const fn index(scope: Scope) -> Option<usize> {
    match scope {
        Scope::Global => Some(0),
        Scope::Action(action) => Some(1 + action as usize),
        Scope::Context => None,
    }
}
