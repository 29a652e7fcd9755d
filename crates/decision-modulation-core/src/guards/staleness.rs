//! Whether the proposal rests on data that is new enough.

use crate::{
    ContextKey,
    context::Facts,
    objection::{Judgement, Reason},
};

/// Met if `0 <= now_ms - last_event_ts_ms <= staleness_ms`.
///
/// Where one of the two is absent there is no age to judge, and the condition is met, as in the reference: whoever
/// makes the context must put `now_ms` into it.
pub(super) fn judge(facts: &Facts<'_>) -> Judgement {
    let now = facts.moment(ContextKey::NowMs)?;
    let newest = facts.moment(ContextKey::LastEventTsMs)?;
    let Some((now, newest)) = now.zip(newest) else { return Ok(()) };
    Reason::ClockWentBack.unless(newest <= now)?;
    Reason::StalenessExceeded.unless(now - newest <= facts.policy.staleness_ms() as f64)
}
