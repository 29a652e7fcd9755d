//! Whether the proposer has rested as long as it was told to.

use crate::{
    ContextKey,
    context::Facts,
    objection::{Judgement, Reason},
};

/// Met if `cooldown_until_ms` is absent or null, or `now_ms >= cooldown_until_ms`.
pub(super) fn judge(facts: &Facts<'_>) -> Judgement {
    Reason::CooldownActive.unless(facts.is_rested(ContextKey::CooldownUntilMs)?)
}
