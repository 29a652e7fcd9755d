//! Each guard alone at its border, and each before each that comes later.

use decision_modulation_core::{GuardPolicy, GuardPolicySpec, guards::GUARDS, modulate};
use decision_schema::{Action, Object};

use crate::{assert_agrees, assert_objects, joined, modulated, object, proposal, quiet, quiet_but, said};

/// Flag, reason code, what makes the guard object, and what lies just within its condition.
const BORDERS: [(&str, &str, &str, &str); 11] = [
    ("ops_health", "ops_deny_actions", r#"{"ops_deny_actions": true}"#, r#"{"ops_deny_actions": null}"#),
    ("ops_health", "ops_health_red", r#"{"ops_state": "RED"}"#, r#"{"ops_state": "YELLOW"}"#),
    ("ops_health", "ops_health_red", r#"{"ops_state": "red"}"#, r#"{"ops_state": null}"#),
    (
        "ops_health",
        "ops_cooldown_active",
        r#"{"ops_cooldown_until_ms": 100001}"#,
        r#"{"ops_cooldown_until_ms": 100000}"#,
    ),
    ("staleness", "staleness_exceeded", r#"{"last_event_ts_ms": 94999}"#, r#"{"last_event_ts_ms": 95000}"#),
    ("staleness", "clock_went_back", r#"{"last_event_ts_ms": 100001}"#, r#"{"last_event_ts_ms": 100000}"#),
    ("error_rate", "error_rate_high", r#"{"errors_in_window": 3}"#, r#"{"errors_in_window": 2}"#),
    (
        "error_rate",
        "error_rate_high",
        r#"{"steps_in_window": 0}"#,
        r#"{"errors_in_window": 0, "steps_in_window": 0}"#,
    ),
    ("rate_limit", "rate_limit_exceeded", r#"{"rate_limit_events": 11}"#, r#"{"rate_limit_events": 10}"#),
    ("circuit_breaker", "circuit_breaker", r#"{"recent_failures": 5}"#, r#"{"recent_failures": 4}"#),
    ("cooldown", "cooldown_active", r#"{"cooldown_until_ms": 100001}"#, r#"{"cooldown_until_ms": 100000}"#),
];

fn place(flag: &str) -> usize {
    GUARDS.iter().position(|guard| guard.name() == flag).unwrap()
}

#[test]
fn the_order_is_fixed() {
    let order = ["ops_health", "staleness", "error_rate", "rate_limit", "circuit_breaker", "cooldown"];
    assert_eq!(GUARDS.map(|guard| guard.name()), order);
    assert_eq!(format!("{:?}", GUARDS[0]), "ops_health");
}

#[test]
fn each_guard_objects_beyond_its_border_and_agrees_on_it() {
    for (flag, code, beyond, on) in BORDERS {
        assert_objects(&quiet_but(beyond), flag, code);
        assert_agrees(&quiet_but(on));
    }
    assert!(GUARDS.iter().all(|guard| BORDERS.iter().any(|(flag, ..)| *flag == guard.name())));
}

#[test]
fn of_two_guards_that_object_the_earlier_is_heard() {
    for (flag, code, first, _) in BORDERS {
        for (later, _, second, _) in BORDERS.into_iter().filter(|(later, ..)| place(flag) < place(later)) {
            let both = joined([&quiet(), &object(second), &object(first)]);
            assert_ne!(flag, later);
            assert_objects(&both, flag, code);
        }
    }
}

#[test]
fn what_ops_health_denies_is_denied_by_ops_health_whatever_else_is_wrong() {
    let everything: Vec<Object> = BORDERS.iter().rev().map(|(_, _, beyond, _)| object(beyond)).collect();
    let garbage = object(
        r#"{"now_ms": [], "last_event_ts_ms": {}, "ops_state": 5, "ops_cooldown_until_ms": "x",
            "errors_in_window": -1, "steps_in_window": null, "rate_limit_events": 0.5, "recent_failures": true,
            "cooldown_until_ms": -3}"#,
    );
    let denial = object(r#"{"ops_deny_actions": true}"#);
    assert_objects(&joined(everything.iter().chain([&denial])), "ops_health", "ops_deny_actions");
    assert_objects(&joined([&garbage, &denial]), "ops_health", "ops_deny_actions");

    let red = object(r#"{"ops_deny_actions": "no", "ops_state": "RED"}"#);
    assert_objects(&joined([&garbage, &red]), "ops_health", "ops_health_red");
    let cooling = object(
        r#"{"ops_deny_actions": 1, "ops_state": 2, "ops_cooldown_until_ms": 100001, "cooldown_until_ms": {}}"#,
    );
    assert_objects(&joined([&quiet(), &cooling]), "ops_health", "ops_cooldown_active");
}

/// The reference reads an absent clock as 0, which every cooldown is after.
#[test]
fn without_a_clock_every_cooldown_is_running() {
    let mut context = quiet_but(r#"{"cooldown_until_ms": 0, "ops_cooldown_until_ms": null}"#);
    context.remove("now_ms");
    assert_objects(&context, "cooldown", "cooldown_active");
    assert_objects(
        &joined([&context, &object(r#"{"ops_cooldown_until_ms": 0}"#)]),
        "ops_health",
        "ops_cooldown_active",
    );
    // Nothing can be said of an age, though, as in the reference.
    context.remove("cooldown_until_ms");
    assert_agrees(&context);
}

#[test]
fn what_is_absent_has_the_references_value() {
    assert_agrees(&Object::new());
    assert_agrees(&object(r#"{"now_ms": 100000}"#));
    assert_agrees(&object(r#"{"last_event_ts_ms": 100000}"#));
    assert_agrees(&object(r#"{"steps_in_window": 0}"#));
    assert_objects(&object(r#"{"errors_in_window": 1}"#), "error_rate", "error_rate_high");
}

#[test]
fn a_fraction_of_a_millisecond_counts() {
    assert_agrees(&quiet_but(r#"{"now_ms": 100000.5, "last_event_ts_ms": 95000.5}"#));
    assert_objects(
        &quiet_but(r#"{"now_ms": 100000.5, "last_event_ts_ms": 95000}"#),
        "staleness",
        "staleness_exceeded",
    );
}

#[test]
fn each_threshold_is_the_policys() {
    let spec = GuardPolicySpec {
        staleness_ms: 999,
        max_error_rate: 0.04,
        rate_limit_events_max: 1,
        circuit_breaker_failures: 1,
        ..GuardPolicySpec::default()
    };
    let default = GuardPolicySpec::default();
    for (flag, spec) in [
        ("staleness", GuardPolicySpec { staleness_ms: spec.staleness_ms, ..default }),
        ("error_rate", GuardPolicySpec { max_error_rate: spec.max_error_rate, ..default }),
        ("rate_limit", GuardPolicySpec { rate_limit_events_max: spec.rate_limit_events_max, ..default }),
        (
            "circuit_breaker",
            GuardPolicySpec { circuit_breaker_failures: spec.circuit_breaker_failures, ..default },
        ),
    ] {
        let policy = GuardPolicy::new(spec).unwrap();
        let (_, mismatch) = modulate(&proposal(Action::Act), &policy, &quiet());
        assert_eq!(said(&mismatch).0, flag);
    }
    assert!(modulated(&quiet()).0.allowed);
}

/// One error, and one step where none is told, are a rate of 1.
#[test]
fn where_every_step_may_fail_one_error_is_allowed() {
    let spec = GuardPolicySpec { max_error_rate: 1.0, ..GuardPolicySpec::default() };
    let policy = GuardPolicy::new(spec).unwrap();
    let is_allowed = |context| modulate(&proposal(Action::Act), &policy, &object(context)).0.allowed;
    assert!(is_allowed(r#"{"errors_in_window": 1}"#));
    assert!(!is_allowed(r#"{"errors_in_window": 2}"#));
    assert!(!is_allowed(r#"{"errors_in_window": 1, "steps_in_window": 0}"#));
}

/// An error rate of exactly the threshold passes, and is computed as the reference computes it.
#[test]
fn the_border_of_the_error_rate_is_exact() {
    assert_agrees(&quiet_but(
        r#"{"errors_in_window": 900719925474099, "steps_in_window": 9007199254740990}"#,
    ));
    assert_objects(
        &quiet_but(r#"{"errors_in_window": 900719925474100, "steps_in_window": 9007199254740990}"#),
        "error_rate",
        "error_rate_high",
    );
}
