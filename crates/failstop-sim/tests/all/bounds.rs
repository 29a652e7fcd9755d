//! The worlds that the tests explore.

use decision_schema::Action;
use execution_orchestration_core::stop::{Level, Scope};
use failstop_sim::world::{Bounds, KeyPlan, Plan};

pub const ONCE: KeyPlan = KeyPlan { action: Action::Act, may_repeat: false };
pub const OFTEN: KeyPlan = KeyPlan { action: Action::Act, may_repeat: true };
pub const ELSEWHERE: KeyPlan = KeyPlan { action: Action::Exit, may_repeat: true };

pub const ACT: Scope = Scope::Action(Action::Act);

/// A process that executes these keys at once.
pub fn executes(keys: &[u8]) -> Vec<Plan> {
    keys.iter().map(|key| Plan::Execute(*key)).collect()
}

pub fn stops(scope: Scope) -> Vec<Plan> {
    vec![Plan::Stop(scope, Level::Stop)]
}

pub fn drains(scope: Scope) -> Vec<Plan> {
    vec![Plan::Stop(scope, Level::Drain)]
}

pub fn releases(scope: Scope) -> Vec<Plan> {
    vec![Plan::Release(scope)]
}

/// One key that these work at, nobody dying.
pub fn world(key: KeyPlan, processes: Vec<Vec<Plan>>) -> Bounds {
    Bounds {
        keys: vec![key],
        processes,
        heir: Vec::new(),
        attempts: 2,
        deaths: 0,
        has_watch: false,
        has_withdrawals: false,
    }
}

/// The same, with so many killed, and one who opens the ledger then and is given the same decision.
pub fn mortal(deaths: u8, bounds: Bounds) -> Bounds {
    Bounds { deaths, heir: executes(&[0]), ..bounds }
}
