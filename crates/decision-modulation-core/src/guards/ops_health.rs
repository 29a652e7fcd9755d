//! Whether ops-health lets anything happen at all: the kill switch of the pipeline.

use crate::{
    ContextKey,
    context::Facts,
    objection::{Flaw, Judgement, Objection, Reason},
};

/// Met if `ops_deny_actions` is not true, `ops_state` is not `RED` and no ops-health cooldown is running.
///
/// A clear denial is never hidden behind another signal that cannot be read.
pub(super) fn judge(facts: &Facts<'_>) -> Judgement {
    let signals = [denial(facts), state(facts), cooldown(facts)];
    let is_odd = |objection: &Objection| matches!(objection, Objection::Odd(_));
    signals.into_iter().filter_map(Result::err).min_by_key(is_odd).map_or(Ok(()), Err)
}

fn denial(facts: &Facts<'_>) -> Judgement {
    let key = ContextKey::OpsDenyActions;
    let Some(value) = facts.stated(key) else { return Ok(()) };
    let is_denied = value.as_bool().ok_or(Flaw::WrongType.of(key))?;
    Reason::OpsDenyActions.unless(!is_denied)
}

fn state(facts: &Facts<'_>) -> Judgement {
    let key = ContextKey::OpsState;
    let Some(value) = facts.stated(key) else { return Ok(()) };
    let state = value.as_str().ok_or(Flaw::WrongType.of(key))?;
    let is = |name: &str| state.eq_ignore_ascii_case(name);
    if is("GREEN") || is("YELLOW") {
        return Ok(());
    }
    Err(if is("RED") { Objection::Denied(Reason::OpsHealthRed) } else { Flaw::UnknownState.of(key).into() })
}

fn cooldown(facts: &Facts<'_>) -> Judgement {
    Reason::OpsCooldownActive.unless(facts.is_rested(ContextKey::OpsCooldownUntilMs)?)
}
