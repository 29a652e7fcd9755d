//! Policies are checked once: defaults, ranges, and the paths that faults name.

use decision_schema::Action;
use execution_orchestration_core::policies::{
    ActionSet, Allowed, CircuitBreakerPolicy, ExecutionPolicy, IdempotencyPolicy, PolicySpec, Quota,
    RateLimitPolicy, RetryBudgetPolicy, RetryPolicy, TimeoutPolicy,
};

fn paths(spec: &PolicySpec) -> Vec<String> {
    match ExecutionPolicy::new(*spec) {
        Ok(_) => Vec::new(),
        Err(refused) => refused.faults().iter().map(|fault| fault.path.to_string()).collect(),
    }
}

fn with_retry(change: impl FnOnce(&mut RetryPolicy)) -> PolicySpec {
    let mut spec = PolicySpec::default();
    change(&mut spec.retry);
    spec
}

#[test]
fn defaults_are_those_of_the_reference() {
    let policy = ExecutionPolicy::default();
    let retry = policy.retry();
    assert_eq!((retry.max_retries, retry.initial_backoff_ms, retry.max_backoff_ms), (3, 100, 5000));
    assert_eq!(retry.backoff_multiplier.to_bits(), 2.0_f64.to_bits());
    assert_eq!((retry.jitter.as_str(), retry.retry_unknown.as_str()), ("none", "auto"));
    assert_eq!((policy.timeout().timeout_per_action_ms, policy.timeout().max_total_time_ms), (5000, 30_000));
    assert_eq!((policy.timeout().grace_ms, policy.timeout().min_attempt_ms), (2000, 50));
    assert!(!policy.idempotency().enabled);
    assert_eq!(policy.idempotency().key_generator.as_str(), "action+context_hash");
    assert_eq!(policy.idempotency().on_in_progress.as_str(), "reject");
    assert_eq!(policy.idempotency().retention_ms, 2_592_000_000);
    assert!(policy.rate_limit().is_unlimited());
    assert!(policy.circuit_breaker().is_none() && policy.retry_budget().is_none());
    assert_eq!(policy.max_concurrency(), 1);
    assert!(policy.allow_when_stopped().is_empty());
}

#[test]
fn the_default_passes_its_own_check() {
    assert_eq!(ExecutionPolicy::new(PolicySpec::default()), Ok(ExecutionPolicy::default()));
}

#[test]
fn both_ends_of_every_range_are_allowed() {
    let least = PolicySpec {
        retry: RetryPolicy {
            max_retries: 0,
            initial_backoff_ms: 0,
            max_backoff_ms: 0,
            backoff_multiplier: 0.0,
            ..RetryPolicy::default()
        },
        timeout: TimeoutPolicy {
            timeout_per_action_ms: 1,
            max_total_time_ms: 1,
            grace_ms: 0,
            min_attempt_ms: 0,
        },
        idempotency: IdempotencyPolicy { retention_ms: 0, ..IdempotencyPolicy::default() },
        rate_limit: RateLimitPolicy {
            global: Some(Quota::new(1, 1)),
            max_wait_ms: Some(0),
            ..RateLimitPolicy::default()
        },
        circuit_breaker: Some(CircuitBreakerPolicy { failures: 1, open_ms: 1, probes: 1 }),
        retry_budget: Some(RetryBudgetPolicy { ratio_per_mille: 0, min_per_second: 0, burst: 1 }),
        max_concurrency: 1,
        allow_when_stopped: ActionSet::EMPTY,
    };
    assert_eq!(paths(&least), [""; 0]);
    let most = PolicySpec {
        retry: RetryPolicy {
            max_retries: 100,
            initial_backoff_ms: 86_400_000,
            max_backoff_ms: 86_400_000,
            backoff_multiplier: 1000.0,
            ..RetryPolicy::default()
        },
        timeout: TimeoutPolicy {
            timeout_per_action_ms: 86_400_000,
            max_total_time_ms: 604_800_000,
            grace_ms: 600_000,
            min_attempt_ms: 60_000,
        },
        idempotency: IdempotencyPolicy { retention_ms: 315_360_000_000, ..IdempotencyPolicy::default() },
        rate_limit: RateLimitPolicy {
            global: Some(Quota::new(1_000_000_000, 86_400_000)),
            max_wait_ms: Some(86_400_000),
            ..RateLimitPolicy::default()
        },
        circuit_breaker: Some(CircuitBreakerPolicy {
            failures: 1_000_000,
            open_ms: 86_400_000,
            probes: 1000,
        }),
        retry_budget: Some(RetryBudgetPolicy {
            ratio_per_mille: 10_000,
            min_per_second: 1_000_000,
            burst: 1_000_000,
        }),
        max_concurrency: 16_777_216,
        allow_when_stopped: ActionSet::from_iter(Action::ALL),
    };
    assert_eq!(paths(&most), [""; 0]);
}

#[test]
fn every_field_out_of_range_is_named_with_its_path_at_once() {
    let worst = PolicySpec {
        retry: RetryPolicy {
            max_retries: 101,
            initial_backoff_ms: 86_400_001,
            max_backoff_ms: 86_400_001,
            backoff_multiplier: 1000.1,
            ..RetryPolicy::default()
        },
        timeout: TimeoutPolicy {
            timeout_per_action_ms: 0,
            max_total_time_ms: 604_800_001,
            grace_ms: 600_001,
            min_attempt_ms: 60_001,
        },
        idempotency: IdempotencyPolicy { retention_ms: 315_360_000_001, ..IdempotencyPolicy::default() },
        rate_limit: RateLimitPolicy {
            global: Some(Quota { permits: 0, per_ms: 0, burst: 0 }),
            max_wait_ms: Some(86_400_001),
            ..RateLimitPolicy::default()
        }
        .with_action(Action::Act, Quota::new(1_000_000_001, 86_400_001)),
        circuit_breaker: Some(CircuitBreakerPolicy { failures: 0, open_ms: 86_400_001, probes: 1001 }),
        retry_budget: Some(RetryBudgetPolicy {
            ratio_per_mille: 10_001,
            min_per_second: 1_000_001,
            burst: 0,
        }),
        max_concurrency: 16_777_217,
        allow_when_stopped: ActionSet::EMPTY,
    };
    let expected = [
        "policy.max_concurrency",
        "policy.retry.max_retries",
        "policy.retry.initial_backoff_ms",
        "policy.retry.max_backoff_ms",
        "policy.retry.backoff_multiplier",
        "policy.timeout.timeout_per_action_ms",
        "policy.timeout.max_total_time_ms",
        "policy.timeout.grace_ms",
        "policy.timeout.min_attempt_ms",
        "policy.idempotency.retention_ms",
        "policy.rate_limit.global.permits",
        "policy.rate_limit.global.per_ms",
        "policy.rate_limit.global.burst",
        "policy.rate_limit.actions.ACT.permits",
        "policy.rate_limit.actions.ACT.per_ms",
        "policy.rate_limit.actions.ACT.burst",
        "policy.rate_limit.max_wait_ms",
        "policy.circuit_breaker.failures",
        "policy.circuit_breaker.open_ms",
        "policy.circuit_breaker.probes",
        "policy.retry_budget.ratio_per_mille",
        "policy.retry_budget.min_per_second",
        "policy.retry_budget.burst",
    ];
    assert_eq!(paths(&worst), expected);
}

#[test]
fn a_multiplier_that_is_not_a_finite_number_is_refused() {
    for multiplier in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.1] {
        let spec = with_retry(|retry| retry.backoff_multiplier = multiplier);
        assert_eq!(paths(&spec), ["policy.retry.backoff_multiplier"]);
    }
}

#[test]
fn what_the_reference_allows_is_in_range() {
    let odd = PolicySpec {
        timeout: TimeoutPolicy {
            timeout_per_action_ms: 60_000,
            max_total_time_ms: 50,
            ..TimeoutPolicy::default()
        },
        ..with_retry(|retry| {
            retry.initial_backoff_ms = 5000;
            retry.max_backoff_ms = 100;
            retry.backoff_multiplier = 0.1;
        })
    };
    assert_eq!(paths(&odd), [""; 0]);
}

#[test]
fn a_refusal_reads_as_one_sentence_a_fault_and_has_a_stable_code() {
    let mut spec = with_retry(|retry| retry.backoff_multiplier = 1001.0);
    spec.max_concurrency = 0;
    let refused = ExecutionPolicy::try_from(spec).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "policy.max_concurrency must be an integer from 1 to 16777216; \
         policy.retry.backoff_multiplier must be a number from 0.0 to 1000.0"
    );
    assert_eq!(refused.code(), "policy_out_of_range");
    assert_eq!(refused.faults()[1].allowed, Allowed::Number { min: 0.0, max: 1000.0 });
}

#[test]
fn a_quota_lets_all_its_permits_come_at_once_unless_told_otherwise() {
    assert_eq!(Quota::new(100, 1000), Quota { permits: 100, per_ms: 1000, burst: 100 });
    assert_eq!(Quota::new(100, 1000).with_burst(5).burst, 5);
}

#[test]
fn a_limit_on_one_action_leaves_the_others_alone() {
    let limits = RateLimitPolicy::default().with_action(Action::Exit, Quota::new(1, 1000));
    for action in Action::ALL {
        assert_eq!(limits.limits(action), action == Action::Exit, "{action}");
    }
    assert!(!limits.is_unlimited());
    assert!(
        RateLimitPolicy { global: Some(Quota::new(1, 1)), ..RateLimitPolicy::default() }.limits(Action::Hold)
    );
}

#[test]
fn a_set_of_actions_holds_what_was_put_in() {
    let set = ActionSet::EMPTY.with(Action::Stop).with(Action::Act).with(Action::Stop);
    assert_eq!(set.iter().collect::<Vec<_>>(), [Action::Act, Action::Stop]);
    assert_eq!(format!("{set:?}"), "{Act, Stop}");
    assert!(!set.contains(Action::Hold));
}
