//! The answers of the reference, step by step.

use decision_schema::{Object, Value, json, trace_registry::is_valid_context_key};
use ops_health_core::{Event, HealthPolicy, HealthSpec, OpsHealth, Signal};

fn vectors() -> Vec<(Value, Value)> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../failstop-testkit/vectors/ops_health.jsonl");
    let lines = std::fs::read_to_string(path).unwrap();
    let pair = |line: &str| {
        let line = json::parse(line.as_bytes()).unwrap();
        (line.get("in").unwrap().clone(), line.get("out").unwrap().clone())
    };
    lines.lines().map(pair).collect()
}

fn integer(value: &Value, key: &str) -> i64 {
    value.get(key).and_then(Value::as_i64).unwrap()
}

fn number(value: &Value, key: &str) -> f64 {
    value.get(key).and_then(Value::as_number).unwrap().as_f64()
}

fn policy_of(given: &Value) -> HealthPolicy {
    let ms = |key| integer(given, key).unsigned_abs();
    let limit = |key| u32::try_from(integer(given, key)).unwrap();
    let spec = HealthSpec {
        window_ms: ms("window_ms"),
        max_errors_per_window: limit("max_errors_per_window"),
        max_429_per_window: limit("max_429_per_window"),
        max_reconnects_per_window: limit("max_reconnects_per_window"),
        max_p95_latency_ms: ms("max_p95_latency_ms"),
        cooldown_ms: ms("cooldown_ms"),
        score_threshold_red: number(given, "score_threshold_red"),
        score_threshold_yellow: number(given, "score_threshold_yellow"),
        ..HealthSpec::default()
    };
    HealthPolicy::new(spec).unwrap()
}

fn event_of(given: &Value) -> Event {
    match given.get("type").and_then(Value::as_str).unwrap() {
        "error" => Event::Error,
        "429" => Event::RateLimited,
        "reconnect" => Event::Reconnect,
        _ => Event::Latency(integer(given, "latency_ms").unsigned_abs()),
    }
}

fn step(health: &mut OpsHealth, given: &Value) -> Signal {
    for event in given.get("events").and_then(Value::as_array).unwrap() {
        health.record(integer(event, "ts_ms"), event_of(event));
    }
    health.assess(integer(given, "now_ms"))
}

fn without_score(context: &Value) -> Object {
    let mut context = context.as_object().unwrap().clone();
    context.remove("ops_score");
    context
}

#[test]
fn health_is_judged_as_by_the_reference() {
    let vectors = vectors();
    assert_eq!(vectors.len(), 40);
    for (given, expected) in vectors {
        let mut health = OpsHealth::new(policy_of(given.get("policy").unwrap()));
        let steps = given.get("steps").and_then(Value::as_array).unwrap();
        let expected = expected.as_array().unwrap();
        assert_eq!(steps.len(), expected.len());
        for (given, expected) in steps.iter().zip(expected) {
            let signal = step(&mut health, given);
            let context = Value::Object(signal.to_context());
            let expected_context = expected.get("context").unwrap();
            assert_eq!(without_score(&context), without_score(expected_context), "{given:?}");
            let off_by = number(&context, "ops_score") - number(expected_context, "ops_score");
            assert!(off_by.abs() <= 1e-12, "off by {off_by}: {given:?}");
            let action = expected.get("recommended_action").and_then(Value::as_str);
            assert_eq!(Some(signal.recommended_action.as_str()), action, "{given:?}");
            assert!(signal.exact);
        }
    }
}

#[test]
fn the_context_has_the_five_keys_of_the_reference_in_its_order() {
    let context = OpsHealth::new(HealthPolicy::default()).assess(0).to_context();
    let keys: Vec<&str> = context.keys().collect();
    assert_eq!(keys, ["ops_score", "ops_state", "ops_deny_actions", "ops_cooldown_until_ms", "ops_reasons"]);
    assert!(keys.iter().all(|key| is_valid_context_key(key)));
    assert_eq!(
        context.get("ops_score").and_then(Value::as_number).unwrap().as_f64().to_bits(),
        1.0_f64.to_bits()
    );
}
