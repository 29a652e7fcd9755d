//! What cannot be judged is refused, under every key.

use decision_modulation_core::{ContextKey, MODULATE_EXCEPTION, guards::GUARDS};
use decision_schema::{Number, Object, Value, json};

use crate::{assert_objects, assert_refused, joined, modulated, object, quiet, quiet_but, said};

/// The guard that meets the key first.
fn reader(key: ContextKey) -> &'static str {
    match key {
        ContextKey::OpsDenyActions
        | ContextKey::OpsState
        | ContextKey::OpsCooldownUntilMs
        // A cooldown of ops-health is the first that needs the clock.
        | ContextKey::NowMs => "ops_health",
        ContextKey::LastEventTsMs => "staleness",
        ContextKey::ErrorsInWindow | ContextKey::StepsInWindow => "error_rate",
        ContextKey::RateLimitEvents => "rate_limit",
        ContextKey::RecentFailures => "circuit_breaker",
        ContextKey::CooldownUntilMs => "cooldown",
    }
}

enum Kind {
    Flag,
    State,
    Moment,
    Cooldown,
    Count,
}

fn kind(key: ContextKey) -> Kind {
    match key {
        ContextKey::OpsDenyActions => Kind::Flag,
        ContextKey::OpsState => Kind::State,
        ContextKey::NowMs | ContextKey::LastEventTsMs => Kind::Moment,
        ContextKey::OpsCooldownUntilMs | ContextKey::CooldownUntilMs => Kind::Cooldown,
        ContextKey::ErrorsInWindow
        | ContextKey::StepsInWindow
        | ContextKey::RateLimitEvents
        | ContextKey::RecentFailures => Kind::Count,
    }
}

/// Values that no member of this kind may have, and the flaw.
fn odd_values(key: ContextKey) -> Vec<(Value, &'static str)> {
    const TYPE: &str = "context_wrong_type";
    const RANGE: &str = "context_out_of_range";
    let values = |texts: &[&str], flaw: &'static str| -> Vec<_> {
        texts.iter().map(|text| (json::parse(text.as_bytes()).unwrap(), flaw)).collect()
    };
    let floats = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.5, 1e300];
    let floats = floats.map(|float| (Value::Number(Number::Float(float)), RANGE));
    let far = ["-1", "9007199254740992", "9007199254740993", "9223372036854775807", "18446744073709551615"];
    let no_number = ["true", "false", "\"5\"", "\"not a number\"", "[]", "[1]", "{}"];
    let numbers = || [values(&far, RANGE), values(&no_number, TYPE), floats.to_vec()].concat();
    match kind(key) {
        Kind::Flag => values(&["0", "1", "\"true\"", "\"\"", "[]", "{}"], TYPE),
        Kind::State => [
            values(&["0", "true", "false", "[]", "{\"RED\": 1}"], TYPE),
            values(&["\"\"", "\"BLUE\"", "\"GREEN \"", "\"RED\\u0000\""], "context_unknown_state"),
        ]
        .concat(),
        Kind::Moment => [numbers(), values(&["null"], TYPE)].concat(),
        Kind::Cooldown => numbers(),
        Kind::Count => [numbers(), values(&["null"], TYPE), values(&["0.5"], RANGE)].concat(),
    }
}

fn metadata(key: ContextKey, guard: &str) -> Object {
    [("context_key", key.as_str()), ("guard", guard)].into_iter().collect()
}

#[test]
fn every_odd_value_is_refused_and_named_by_its_key() {
    for key in ContextKey::ALL {
        for (value, flaw) in odd_values(*key) {
            let mut context = quiet();
            context.insert(key.as_str(), value.clone());
            let (decision, mismatch) = modulated(&context);
            assert_eq!(said(&mismatch), (MODULATE_EXCEPTION, flaw), "{} {value:?}", key.as_str());
            assert_refused(&decision, &mismatch);
            assert_eq!(mismatch.metadata, Some(metadata(*key, reader(*key))));
        }
    }
}

#[test]
fn an_odd_value_alone_is_refused_as_well() {
    for key in ContextKey::ALL {
        for (value, _) in odd_values(*key) {
            let (decision, mismatch) = modulated(&[(key.as_str(), value)].into_iter().collect());
            assert_eq!(said(&mismatch).0, MODULATE_EXCEPTION, "{}", key.as_str());
            assert_refused(&decision, &mismatch);
        }
    }
}

/// The first guard that cannot judge, or does not agree, is the one that is heard.
#[test]
fn an_odd_value_is_met_when_its_guards_turn_comes() {
    let denials = [
        r#"{"ops_state": "RED"}"#,
        r#"{"last_event_ts_ms": 0}"#,
        r#"{"errors_in_window": 20}"#,
        r#"{"rate_limit_events": 99}"#,
        r#"{"recent_failures": 99}"#,
        r#"{"cooldown_until_ms": 100001}"#,
    ];
    let oddities = [
        r#"{"ops_deny_actions": "x"}"#,
        r#"{"last_event_ts_ms": "x"}"#,
        r#"{"steps_in_window": "x"}"#,
        r#"{"rate_limit_events": "x"}"#,
        r#"{"recent_failures": "x"}"#,
        r#"{"cooldown_until_ms": "x"}"#,
    ];
    for (denying, denial) in denials.iter().enumerate() {
        for (judging, oddity) in oddities.iter().enumerate().filter(|(judging, _)| *judging != denying) {
            let (_, mismatch) = modulated(&joined([&quiet(), &object(denial), &object(oddity)]));
            let heard = if denying < judging { GUARDS[denying].name() } else { MODULATE_EXCEPTION };
            assert_eq!(said(&mismatch).0, heard, "{denial} {oddity}");
        }
    }
}

#[test]
fn whole_numbers_may_be_written_as_floats() {
    let context = quiet_but(
        r#"{"now_ms": 1e5, "last_event_ts_ms": 99000.0, "errors_in_window": 1.0, "steps_in_window": 2e1,
            "rate_limit_events": -0, "recent_failures": 4.0}"#,
    );
    assert!(modulated(&context).0.allowed);
    assert_objects(
        &joined([&context, &object(r#"{"recent_failures": 5.0}"#)]),
        "circuit_breaker",
        "circuit_breaker",
    );
}

#[test]
fn the_largest_exact_numbers_are_judged() {
    let far = r#"{"now_ms": 9007199254740991, "last_event_ts_ms": 9007199254735991, "steps_in_window": 9007199254740991}"#;
    assert!(modulated(&quiet_but(far)).0.allowed);
    let too_old = r#"{"now_ms": 9007199254740991, "last_event_ts_ms": 9007199254735990}"#;
    assert_objects(&quiet_but(too_old), "staleness", "staleness_exceeded");
}

#[test]
fn what_no_guard_reads_is_not_looked_at() {
    let context =
        quiet_but(r#"{"shop:now_ms": "x", "NOW_MS": -1, "exec.fail_closed": [], "ops_denyactions": true}"#);
    assert!(modulated(&context).0.allowed);
}
