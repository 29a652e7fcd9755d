//! The context that guards read: what the line says, made stricter by what the engine knows of itself, never looser.
//!
//! A value that makes no sense is left as it is: the guards refuse it.

use decision_schema::{Number, Object, Value};

use crate::{engine::Engine, health_core::Signal, history::Lately};

/// `given`, with what `engine` knows where that is stricter. `wall_ms` is the present where the line does not tell it.
pub(super) fn tightened(given: &Object, wall_ms: i64, engine: &Engine) -> Object {
    let mut context = given.clone();
    if !context.contains_key("now_ms") {
        context.insert("now_ms", wall_ms);
    }
    let now_ms = context.get("now_ms").and_then(Value::as_i64).unwrap_or(wall_ms);
    if let Some(signal) = engine.health(now_ms) {
        heed_signal(&mut context, &signal);
    }
    if let Some(lately) = engine.lately() {
        heed_history(&mut context, &lately, now_ms);
    }
    context
}

fn heed_signal(context: &mut Object, signal: &Signal) {
    let ours = signal.to_context();
    if signal.deny_actions {
        // A clear denial takes the place of anything, readable or not.
        for name in ["ops_deny_actions", "ops_reasons"] {
            context.insert(name, ours.get(name).cloned());
        }
    } else if context.get("ops_deny_actions").is_none_or(|given| *given == Value::Null) {
        context.insert("ops_deny_actions", false);
    }
    if severity(context.get("ops_state")) < severity(ours.get("ops_state")) {
        context.insert("ops_state", signal.state.as_str());
    }
    if let Some(until_ms) = signal.cooldown_until_ms {
        raise_end(context, "ops_cooldown_until_ms", until_ms);
    }
    let is_worse = |given: &Value| given.as_number().is_some_and(|given| signal.score < given.as_f64());
    if context.get("ops_score").is_none_or(is_worse) {
        context.insert("ops_score", Value::Number(Number::Float(signal.score)));
    }
}

/// How ill a state is. What is not known is not judged here, and stays.
fn severity(state: Option<&Value>) -> u8 {
    match state {
        None | Some(Value::Null) => 0,
        Some(state) => match state.as_str().map(str::to_ascii_uppercase).as_deref() {
            Some("GREEN") => 1,
            Some("YELLOW") => 2,
            _ => 3,
        },
    }
}

fn heed_history(context: &mut Object, lately: &Lately, now_ms: i64) {
    heed_error_rate(context, lately);
    raise_count(context, "rate_limit_events", lately.rate_limit_events);
    raise_count(context, "recent_failures", lately.recent_failures);
    if let Some(left_ms) = lately.cooldown_left_ms {
        raise_end(context, "cooldown_until_ms", now_ms.saturating_add_unsigned(left_ms));
    }
}

/// Errors and steps are one thing to say: of two rates, the greater one stays.
fn heed_error_rate(context: &mut Object, lately: &Lately) {
    let count_of = |name, absent| context.get(name).map_or(Some(absent), count);
    let given = count_of("errors_in_window", 0).zip(count_of("steps_in_window", 1));
    let is_silent = !context.contains_key("errors_in_window") && !context.contains_key("steps_in_window");
    let is_milder = |(errors, steps)| rate(errors, steps) < rate(lately.errors, lately.steps);
    if is_silent || given.is_some_and(is_milder) {
        context.insert("errors_in_window", lately.errors);
        context.insert("steps_in_window", lately.steps);
    }
}

fn rate(errors: u64, steps: u64) -> f64 {
    if errors == 0 { 0.0 } else { errors as f64 / steps as f64 }
}

fn count(value: &Value) -> Option<u64> {
    value.as_i64().and_then(|whole| u64::try_from(whole).ok())
}

/// Sets a count to `ours` where it is absent or less.
fn raise_count(context: &mut Object, name: &'static str, ours: u64) {
    let is_less = |given: &Value| count(given).is_some_and(|given| given < ours);
    if context.get(name).is_none_or(is_less) {
        context.insert(name, ours);
    }
}

/// Sets the end of a cooldown to `ours` where there is none or an earlier one.
fn raise_end(context: &mut Object, name: &'static str, ours_ms: i64) {
    let is_earlier = |end: f64| (0.0..ours_ms as f64).contains(&end);
    let is_none_or_earlier = |given: &Value| {
        *given == Value::Null || given.as_number().is_some_and(|end| is_earlier(end.as_f64()))
    };
    if context.get(name).is_none_or(is_none_or_earlier) {
        context.insert(name, ours_ms);
    }
}
