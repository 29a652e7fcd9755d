//! The guards, in the order in which they are asked. The first that objects decides; those after it are not asked.

mod circuit_breaker;
mod cooldown;
mod error_rate;
mod ops_health;
mod rate_limit;
mod staleness;

use crate::{
    context::Facts,
    objection::{Judgement, Objection},
};

/// One condition that a proposal must meet.
#[derive(Clone, Copy)]
pub struct Guard {
    name: &'static str,
    judge: fn(&Facts<'_>) -> Judgement,
}

impl Guard {
    /// The flag under which it objects: its file's name.
    pub const fn name(&self) -> &'static str {
        self.name
    }
}

impl core::fmt::Debug for Guard {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.name)
    }
}

/// All guards. The kill switch's comes first, so that nothing is said of a proposal that ops-health denies but that
/// (INV-EXE-4); the order of the others is the reference's.
pub const GUARDS: [Guard; 6] = [
    Guard { name: "ops_health", judge: ops_health::judge },
    Guard { name: "staleness", judge: staleness::judge },
    Guard { name: "error_rate", judge: error_rate::judge },
    Guard { name: "rate_limit", judge: rate_limit::judge },
    Guard { name: "circuit_breaker", judge: circuit_breaker::judge },
    Guard { name: "cooldown", judge: cooldown::judge },
];

/// The first guard that objects, and why.
pub(crate) fn first_objection(facts: &Facts<'_>) -> Option<(Guard, Objection)> {
    let objection = |guard: Guard| Some((guard, (guard.judge)(facts).err()?));
    GUARDS.into_iter().find_map(objection)
}
