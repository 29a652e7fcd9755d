//! Whether others have asked us to slow down too often.

use crate::{
    ContextKey,
    context::Facts,
    objection::{Judgement, Reason},
};

/// Met if `rate_limit_events <= rate_limit_events_max`.
pub(super) fn judge(facts: &Facts<'_>) -> Judgement {
    let events = facts.count(ContextKey::RateLimitEvents, 0)?;
    Reason::RateLimitExceeded.unless(events <= facts.policy.rate_limit_events_max())
}
