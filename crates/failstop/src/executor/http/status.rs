//! What a response says about the effect.

use std::collections::BTreeMap;

use decision_schema::json;
use execution_orchestration_core::model::Effect;
use hyper::StatusCode;

use super::{exchange::Reception, retry_after::wish_in};
use crate::executor::{Answer, reply};

/// The answer that a whole response makes. A configured effect wins over everything in it.
pub(super) fn interpret(
    reception: &Reception,
    status_effects: &BTreeMap<u16, Effect>,
    now_ms: i64,
) -> Answer {
    let status = reception.status;
    let configured = status_effects.get(&status.as_u16()).copied();
    let effect = configured.unwrap_or_else(|| effect_of(status));
    let mut answer = Answer::of(effect);
    if !status.is_success() || effect != Effect::Applied {
        answer = answer.with_code(format!("http_{}", status.as_u16()));
    }
    if takes_hint(status, configured) {
        answer.retry_after_ms = wish_in(&reception.headers, now_ms);
    }
    let Some(body) = reception.body.as_deref().and_then(|body| json::parse(body).ok()) else { return answer };
    match reply::from_value(&body) {
        Some(reply) if configured.is_none() => reply,
        Some(reply) => Answer { output: reply.output, ..answer },
        None => answer.with_output(body),
    }
}

fn effect_of(status: StatusCode) -> Effect {
    match status.as_u16() {
        200..=299 => Effect::Applied,
        425 | 429 => Effect::NotApplied,
        408 | 409 => Effect::Unknown,
        400..=499 => Effect::Rejected,
        _ => Effect::Unknown,
    }
}

fn takes_hint(status: StatusCode, configured: Option<Effect>) -> bool {
    matches!(status.as_u16(), 425 | 429 | 503) || configured == Some(Effect::NotApplied)
}
