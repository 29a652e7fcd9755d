//! Thresholds: defaults, ranges, and how they are read.

use decision_modulation_core::{
    GuardPolicy, GuardPolicySpec,
    policy::{Allowed, GuardField},
};
use decision_schema::{Action, Value};

use crate::object;

fn refused(text: &str) -> (String, &'static str) {
    let refused = GuardPolicy::from_object(&object(text)).unwrap_err();
    (refused.to_string(), refused.code())
}

#[test]
fn the_defaults_are_the_references() {
    let text = r#"{"staleness_ms": 5000, "max_error_rate": 0.1, "rate_limit_events_max": 10,
        "rate_limit_window_ms": 60000, "circuit_breaker_failures": 5, "cooldown_ms": 30000, "fail_closed_action": "HOLD"}"#;
    let policy = GuardPolicy::from_object(&object(text)).unwrap();
    assert_eq!(policy, GuardPolicy::default());
    assert_eq!(GuardPolicy::from_object(&object("{}")), Ok(policy));
    assert_eq!(GuardPolicy::new(GuardPolicySpec::default()), Ok(policy));
    assert_eq!(
        object(text).keys().collect::<Vec<_>>(),
        GuardField::ALL.iter().map(|f| f.as_str()).collect::<Vec<_>>()
    );
}

#[test]
fn every_field_is_read_under_the_references_name() {
    let text = r#"{"staleness_ms": 1, "max_error_rate": 0.25, "rate_limit_events_max": 3, "rate_limit_window_ms": 4.0,
        "circuit_breaker_failures": 5, "cooldown_ms": 6, "fail_closed_action": "STOP"}"#;
    let spec = GuardPolicySpec {
        staleness_ms: 1,
        max_error_rate: 0.25,
        rate_limit_events_max: 3,
        rate_limit_window_ms: 4,
        circuit_breaker_failures: 5,
        cooldown_ms: 6,
        fail_closed_action: Action::Stop,
    };
    let policy = GuardPolicy::from_object(&object(text)).unwrap();
    assert_eq!(policy.spec(), &spec);
    assert_eq!(GuardPolicy::try_from(spec), Ok(policy));
    assert_eq!(
        (policy.staleness_ms(), policy.rate_limit_events_max(), policy.rate_limit_window_ms()),
        (1, 3, 4)
    );
    assert_eq!((policy.circuit_breaker_failures(), policy.cooldown_ms()), (5, 6));
    assert!((policy.max_error_rate() - 0.25).abs() < f64::EPSILON);
}

/// Both ends of each range are taken, what lies beyond is refused with path and range.
#[test]
fn every_range_is_held_at_both_ends() {
    for field in GuardField::ALL {
        let name = field.as_str();
        let (taken, not_taken) = match field.allowed() {
            Allowed::Integer { min, max } => {
                let below = i64::try_from(min).unwrap() - 1;
                (vec![min.to_string(), max.to_string()], vec![below.to_string(), (max + 1).to_string()])
            }
            Allowed::Number { min, max } => (
                vec![format!("{min:?}"), format!("{max:?}")],
                vec![format!("{:?}", min - 1e-9), format!("{:?}", max + 1e-9)],
            ),
            Allowed::Action => (
                Action::ALL.map(|action| format!("\"{action}\"")).to_vec(),
                vec!["\"hold\"".into(), "\"\"".into()],
            ),
        };
        for value in taken {
            let policy = GuardPolicy::from_object(&object(&format!(r#"{{"{name}": {value}}}"#)));
            assert!(policy.is_ok(), "{name} {value}");
        }
        let wrong_types = ["null", "[]", "{}", "\"5\"", "true"].map(String::from);
        for value in not_taken.into_iter().chain(wrong_types) {
            let expected = format!("policy.guards.{name} must be {}", field.allowed());
            let said = refused(&format!(r#"{{"{name}": {value}}}"#));
            assert_eq!(said, (expected, "policy_out_of_range"), "{value}");
        }
    }
}

#[test]
fn a_threshold_that_is_not_a_number_is_refused() {
    for max_error_rate in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let refused = GuardPolicy::new(GuardPolicySpec { max_error_rate, ..GuardPolicySpec::default() });
        assert_eq!(
            refused.unwrap_err().to_string(),
            "policy.guards.max_error_rate must be a number from 0.0 to 1.0"
        );
    }
}

#[test]
fn every_fault_is_told() {
    let said =
        refused(r#"{"cooldown_ms": -1, "zzz": 1, "max_error_rate": 2, "circuit_breaker_failures": 0}"#);
    let expected = "policy.guards.cooldown_ms must be an integer from 0 to 86400000; \
        policy.guards has an unknown field (member 1, from 0); known fields are: staleness_ms, max_error_rate, \
        rate_limit_events_max, rate_limit_window_ms, circuit_breaker_failures, cooldown_ms, fail_closed_action; \
        policy.guards.max_error_rate must be a number from 0.0 to 1.0; \
        policy.guards.circuit_breaker_failures must be an integer from 1 to 1000000000";
    assert_eq!(said, (expected.into(), "policy_out_of_range"));

    let spec =
        GuardPolicySpec { rate_limit_window_ms: 0, cooldown_ms: u64::MAX, ..GuardPolicySpec::default() };
    let refused = GuardPolicy::new(spec).unwrap_err();
    assert_eq!(refused.faults().count(), 2);
}

#[test]
fn an_unknown_field_is_refused_without_its_name() {
    let (said, code) = refused(r#"{"stalenes_ms": 1}"#);
    assert!(!said.contains("stalenes_"), "{said}");
    assert_eq!(code, "schema_unknown_field");
}

#[test]
fn an_action_is_named_in_the_message_by_the_contract() {
    let (said, _) = refused(r#"{"fail_closed_action": "EXPLODE"}"#);
    assert_eq!(said, "policy.guards.fail_closed_action must be one of HOLD, ACT, EXIT, CANCEL, STOP");
    assert_eq!(GuardField::from_name("cooldown_ms"), Some(GuardField::CooldownMs));
    assert_eq!(Value::from(GuardField::CooldownMs.as_str()), Value::from("cooldown_ms"));
}
