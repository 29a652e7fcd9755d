//! What a policy may hold.

use ops_health_core::{HealthPolicy, HealthSpec};

fn refusal(spec: HealthSpec) -> String {
    let refused = HealthPolicy::new(spec).unwrap_err();
    assert_eq!(refused.code(), "policy_out_of_range");
    assert!(refused.faults().iter().all(|fault| fault.code() == "policy_out_of_range"));
    refused.to_string()
}

#[test]
fn the_defaults_are_the_references_own_and_valid() {
    let spec = *HealthPolicy::default().spec();
    assert_eq!(HealthPolicy::new(spec), Ok(HealthPolicy::default()));
    assert_eq!((spec.window_ms, spec.cooldown_ms, spec.max_p95_latency_ms), (60_000, 30_000, 1000));
    let limits = (spec.max_errors_per_window, spec.max_429_per_window, spec.max_reconnects_per_window);
    assert_eq!(limits, (10, 5, 3));
    let close = |number: f64, expected: f64| (number - expected).abs() < f64::EPSILON;
    assert!(close(spec.score_threshold_red, 0.3) && close(spec.score_threshold_yellow, 0.6));
    assert!(close(spec.weight_errors, 0.4) && close(spec.weight_429, 0.3));
    assert!(close(spec.weight_reconnects, 0.2) && close(spec.weight_latency, 0.1));
}

#[test]
fn the_ends_of_every_range_are_allowed() {
    let least = HealthSpec {
        window_ms: 1,
        max_errors_per_window: 0,
        max_429_per_window: 0,
        max_reconnects_per_window: 0,
        max_p95_latency_ms: 0,
        cooldown_ms: 0,
        score_threshold_red: 0.0,
        score_threshold_yellow: 0.0,
        weight_errors: 0.0,
        weight_429: 0.0,
        weight_reconnects: 0.0,
        weight_latency: 0.0,
    };
    let greatest = HealthSpec {
        window_ms: 86_400_000,
        max_errors_per_window: 65_536,
        max_429_per_window: 65_536,
        max_reconnects_per_window: 65_536,
        max_p95_latency_ms: 86_400_000,
        cooldown_ms: 86_400_000,
        score_threshold_red: 1.0,
        score_threshold_yellow: 1.0,
        weight_errors: 1000.0,
        weight_429: 1000.0,
        weight_reconnects: 1000.0,
        weight_latency: 1000.0,
    };
    assert!(HealthPolicy::new(least).is_ok());
    assert!(HealthPolicy::try_from(greatest).is_ok());
}

#[test]
fn inv_exe_3_every_field_out_of_range_is_named_with_its_range() {
    let spec = HealthSpec {
        window_ms: 0,
        max_errors_per_window: 65_537,
        max_429_per_window: 65_537,
        max_reconnects_per_window: u32::MAX,
        max_p95_latency_ms: 86_400_001,
        cooldown_ms: u64::MAX,
        score_threshold_red: 1.5,
        score_threshold_yellow: -0.1,
        weight_errors: -0.4,
        weight_429: 1000.5,
        weight_reconnects: f64::NEG_INFINITY,
        weight_latency: -1.0,
    };
    let expected = "policy.health.window_ms must be an integer from 1 to 86400000; \
        policy.health.max_errors_per_window must be an integer from 0 to 65536; \
        policy.health.max_429_per_window must be an integer from 0 to 65536; \
        policy.health.max_reconnects_per_window must be an integer from 0 to 65536; \
        policy.health.max_p95_latency_ms must be an integer from 0 to 86400000; \
        policy.health.cooldown_ms must be an integer from 0 to 86400000; \
        policy.health.score_threshold_red must be a number from 0.0 to 1.0; \
        policy.health.score_threshold_yellow must be a number from 0.0 to 1.0; \
        policy.health.weight_errors must be a number from 0.0 to 1000.0; \
        policy.health.weight_429 must be a number from 0.0 to 1000.0; \
        policy.health.weight_reconnects must be a number from 0.0 to 1000.0; \
        policy.health.weight_latency must be a number from 0.0 to 1000.0";
    assert_eq!(refusal(spec), expected);
}

#[test]
fn what_is_not_a_finite_number_is_refused() {
    for odd in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let spec = HealthSpec {
            score_threshold_red: odd,
            score_threshold_yellow: odd,
            weight_errors: odd,
            weight_429: odd,
            weight_reconnects: odd,
            weight_latency: odd,
            ..HealthSpec::default()
        };
        assert_eq!(HealthPolicy::new(spec).unwrap_err().faults().len(), 6);
    }
}
