//! Plans: the same bytes everywhere, and a digest that anybody can compute again (INV-EXE-1).

use std::collections::BTreeSet;

use decision_schema::{Action, Object, Value, json};
use execution_orchestration_core::{
    idempotency::{Digest, canonical_json},
    model::EffectClass,
    plan::{Plan, Subject},
    policies::{
        ActionSet, CircuitBreakerPolicy, ExecutionPolicy, Jitter, KeyGenerator, OnInProgress, PolicySpec,
        Quota, RateLimitPolicy, RetryBudgetPolicy, RetryUnknown, jittered,
    },
};

fn params() -> Object {
    Object::from_iter([
        ("ops:service", Value::from("büro")),
        ("ops:replicas", Value::from(9_007_199_254_740_993_i64)),
    ])
}

fn busy_spec() -> PolicySpec {
    let mut spec = PolicySpec::default();
    spec.retry.jitter = Jitter::Derived;
    spec.idempotency.enabled = true;
    spec.max_concurrency = 16;
    spec.allow_when_stopped = ActionSet::EMPTY.with(Action::Stop);
    spec.rate_limit = RateLimitPolicy::default().with_action(Action::Act, Quota::new(10, 1000).with_burst(2));
    spec
}

fn subject<'p>(params: &'p Object, policy: &'p ExecutionPolicy) -> Subject<'p> {
    Subject {
        action: Action::Act,
        params: Some(params),
        throttle_ms: 25,
        cooldown_ms: 1000,
        policy,
        executor: "command",
        effect_class: EffectClass::KeyedIdempotent,
    }
}

fn busy<'p>(params: &'p Object, policy: &'p ExecutionPolicy) -> Plan<'p> {
    let mut plan = Plan::new(subject(params, policy));
    plan.set_key("order-17/\"ü\"".to_owned());
    plan
}

#[test]
fn inv_exe_1_a_plan_and_its_digest_are_frozen() {
    let params = params();
    let policy = ExecutionPolicy::new(busy_spec()).unwrap();
    let mut plan = busy(&params, &policy);
    insta::assert_snapshot!(
        "plan_busy",
        format!("{}\n{}", plan.to_canonical_json(), plan.digest().to_wire())
    );

    let policy = ExecutionPolicy::default();
    let bare = Subject {
        params: None,
        throttle_ms: 0,
        cooldown_ms: 0,
        executor: "noop",
        effect_class: EffectClass::ReadOnly,
        ..subject(&params, &policy)
    };
    let mut plan = Plan::new(bare);
    insta::assert_snapshot!(
        "plan_bare",
        format!("{}\n{}", plan.to_canonical_json(), plan.digest().to_wire())
    );
}

#[test]
fn a_printed_plan_is_canonical_and_hashes_to_its_digest() {
    let params = params();
    for spec in [busy_spec(), PolicySpec::default()] {
        let policy = ExecutionPolicy::new(spec).unwrap();
        let mut plan = busy(&params, &policy);
        let printed = plan.to_canonical_json();
        let parsed = json::parse(printed.as_bytes()).unwrap();
        assert_eq!(canonical_json::to_string(&parsed), printed);
        assert_eq!(Digest::of(printed.as_bytes()), plan.digest());
    }
}

#[test]
fn jitter_is_seeded_by_the_plan_without_its_schedule() {
    let params = params();
    let policy = ExecutionPolicy::new(busy_spec()).unwrap();
    let mut plan = busy(&params, &policy);
    let mut parsed = json::parse(plan.to_canonical_json().as_bytes()).unwrap();
    let Value::Object(members) = &mut parsed else { panic!("a plan is an object") };
    let schedule = members.remove("schedule").unwrap();
    let seed = Digest::of(canonical_json::to_string(&parsed).as_bytes());
    let delays = [
        25,
        jittered(100, seed.as_bytes(), 1),
        jittered(200, seed.as_bytes(), 2),
        jittered(400, seed.as_bytes(), 3),
    ];
    assert_eq!(schedule, Value::from(delays.to_vec()));
    assert_eq!(plan.schedule(), delays);
    let asked_backwards: Vec<u64> = (0..4).rev().map(|attempt| plan.delay_ms(attempt)).collect();
    assert_eq!(asked_backwards, [delays[3], delays[2], delays[1], delays[0]]);
}

#[test]
fn another_key_means_another_seed_and_digest() {
    let params = params();
    let policy = ExecutionPolicy::new(busy_spec()).unwrap();
    let mut plan = busy(&params, &policy);
    let (digest, schedule) = (plan.digest(), plan.schedule());
    plan.set_key("order-18".to_owned());
    assert_ne!((plan.digest(), plan.schedule()), (digest, schedule.clone()));
    assert_ne!(plan.schedule(), schedule);
    plan.set_key("order-17/\"ü\"".to_owned());
    assert_eq!((plan.digest(), plan.schedule()), (digest, schedule));
}

/// Every field of every policy, changed one at a time.
fn changes() -> Vec<fn(&mut PolicySpec)> {
    vec![
        |spec| spec.retry.max_retries = 4,
        |spec| spec.retry.initial_backoff_ms = 101,
        |spec| spec.retry.max_backoff_ms = 5001,
        |spec| spec.retry.backoff_multiplier = 2.5,
        |spec| spec.retry.jitter = Jitter::None,
        |spec| spec.retry.retry_unknown = RetryUnknown::Always,
        |spec| spec.retry.retry_unknown = RetryUnknown::Never,
        |spec| spec.timeout.timeout_per_action_ms = 5001,
        |spec| spec.timeout.max_total_time_ms = 30_001,
        |spec| spec.timeout.grace_ms = 2001,
        |spec| spec.timeout.min_attempt_ms = 51,
        |spec| spec.idempotency.enabled = false,
        |spec| spec.idempotency.key_generator = KeyGenerator::Custom,
        |spec| spec.idempotency.on_in_progress = OnInProgress::Wait,
        |spec| spec.idempotency.retention_ms = 1,
        |spec| spec.rate_limit.global = Some(Quota::new(10, 1000)),
        |spec| spec.rate_limit = spec.rate_limit.with_action(Action::Act, Quota::new(11, 1000).with_burst(2)),
        |spec| spec.rate_limit = spec.rate_limit.with_action(Action::Act, Quota::new(10, 1001).with_burst(2)),
        |spec| spec.rate_limit = spec.rate_limit.with_action(Action::Act, Quota::new(10, 1000).with_burst(3)),
        |spec| spec.rate_limit = spec.rate_limit.with_action(Action::Hold, Quota::new(1, 1)),
        |spec| spec.rate_limit.max_wait_ms = Some(0),
        |spec| spec.max_concurrency = 17,
        |spec| spec.allow_when_stopped = ActionSet::EMPTY,
    ]
}

#[test]
fn any_change_changes_the_digest() {
    let params = params();
    let policy = ExecutionPolicy::new(busy_spec()).unwrap();
    let mut digests = BTreeSet::from([busy(&params, &policy).digest()]);
    for change in changes() {
        let mut spec = busy_spec();
        change(&mut spec);
        let policy = ExecutionPolicy::new(spec).unwrap();
        assert!(digests.insert(busy(&params, &policy).digest()), "{spec:?}");
    }
    let base = subject(&params, &policy);
    let (no_params, other_params) = (Object::new(), Object::from_iter([("ops:service", "buro")]));
    let subjects = [
        base, // without the key
        Subject { action: Action::Exit, ..base },
        Subject { params: None, ..base },
        Subject { params: Some(&no_params), ..base },
        Subject { params: Some(&other_params), ..base },
        Subject { throttle_ms: 26, ..base },
        Subject { throttle_ms: 0, ..base },
        Subject { cooldown_ms: 0, ..base },
        Subject { executor: "commander", ..base },
        Subject { effect_class: EffectClass::NonIdempotent, ..base },
        Subject { effect_class: EffectClass::NaturallyIdempotent, ..base },
    ];
    for subject in subjects {
        assert!(digests.insert(Plan::new(subject).digest()), "{subject:?}");
    }
}

#[test]
fn what_is_off_by_default_stands_in_a_plan_only_where_it_is_on() {
    let off = ExecutionPolicy::default();
    assert!(!off.canonical_json().contains("breaker") && !off.canonical_json().contains("budget"));
    let spec = PolicySpec {
        circuit_breaker: Some(CircuitBreakerPolicy::new(5)),
        retry_budget: Some(RetryBudgetPolicy::new(100)),
        ..PolicySpec::default()
    };
    insta::assert_snapshot!("policy_with_what_is_off", ExecutionPolicy::new(spec).unwrap().canonical_json());
}

#[test]
fn layers_keep_their_order_whichever_are_off() {
    let params = params();
    let busy_policy = ExecutionPolicy::new(busy_spec()).unwrap();
    let mut spec = *busy_policy.spec();
    spec.circuit_breaker = Some(CircuitBreakerPolicy::new(5));
    spec.retry_budget = Some(RetryBudgetPolicy::new(100));
    let full_policy = ExecutionPolicy::new(spec).unwrap();
    let all: Vec<_> = Plan::new(subject(&params, &full_policy)).layers().collect();
    insta::assert_snapshot!("layers", all.join(" -> "));
    let policy = ExecutionPolicy::default();
    let fewer: Vec<_> = Plan::new(Subject { throttle_ms: 0, ..subject(&params, &policy) }).layers().collect();
    let off = ["throttle", "key", "retry_budget", "circuit_breaker", "rate", "record"];
    let expected: Vec<_> = all.into_iter().filter(|layer| !off.contains(layer)).collect();
    assert_eq!(fewer, expected);
}
