//! Whether the last attempts have failed one after the other.

use crate::{
    ContextKey,
    context::Facts,
    objection::{Judgement, Reason},
};

/// Met if `recent_failures < circuit_breaker_failures`.
pub(super) fn judge(facts: &Facts<'_>) -> Judgement {
    let failures = facts.count(ContextKey::RecentFailures, 0)?;
    Reason::CircuitBreaker.unless(failures < facts.policy.circuit_breaker_failures())
}
