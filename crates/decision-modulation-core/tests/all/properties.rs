//! Whatever a context holds.

use std::collections::BTreeMap;

use decision_modulation_core::{ContextKey, GuardPolicy, GuardPolicySpec, MODULATE_EXCEPTION, modulate};
use decision_schema::{Action, FinalDecision, Number, Object, Proposal, Value, json};
use proptest::{prelude::*, strategy::ValueTree, test_runner::TestRunner};

use crate::{assert_refused, said};

/// What must never be repeated in an answer.
const PLANTED: &str = "planted-text";

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(|float| Value::Number(Number::Float(float))),
        prop::sample::select(vec!["RED", "GREEN", "yellow", "", PLANTED]).prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-z_]{0,6}", inner, 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// Values that the key's guard can judge, on both sides of its border.
fn plausible(key: ContextKey) -> BoxedStrategy<Value> {
    match key {
        ContextKey::NowMs => (10_000_i64..10_010).prop_map(Value::from).boxed(),
        ContextKey::LastEventTsMs => {
            prop_oneof![4_990_i64..5_020, 9_000_i64..10_012].prop_map(Value::from).boxed()
        }
        ContextKey::OpsDenyActions => {
            prop::sample::select(vec![false, false, false, true]).prop_map(Value::from).boxed()
        }
        ContextKey::OpsState => {
            prop::sample::select(vec!["GREEN", "YELLOW", "GREEN", "RED"]).prop_map(Value::from).boxed()
        }
        ContextKey::OpsCooldownUntilMs | ContextKey::CooldownUntilMs => {
            (9_980_i64..10_006).prop_map(Value::from).boxed()
        }
        ContextKey::ErrorsInWindow => (0_i64..4).prop_map(Value::from).boxed(),
        ContextKey::StepsInWindow => (0_i64..60).prop_map(Value::from).boxed(),
        ContextKey::RateLimitEvents => (0_i64..14).prop_map(Value::from).boxed(),
        ContextKey::RecentFailures => (0_i64..7).prop_map(Value::from).boxed(),
    }
}

fn member(key: ContextKey) -> impl Strategy<Value = Option<Value>> {
    prop_oneof![
        12 => plausible(key).prop_map(Some),
        6 => Just(None),
        1 => Just(Some(Value::Null)),
        1 => any_json().prop_map(Some),
    ]
}

fn contexts() -> impl Strategy<Value = Object> {
    let members: Vec<_> = ContextKey::ALL.iter().map(|key| member(*key)).collect();
    (members, any_json()).prop_map(|(values, other)| {
        let keys = ContextKey::ALL.iter().map(|key| key.as_str());
        let mut context: Object = keys.zip(values).filter_map(|(key, value)| Some((key, value?))).collect();
        context.insert("shop:other", other);
        context
    })
}

/// Contexts of nothing but arbitrary values.
fn wild_contexts() -> impl Strategy<Value = Object> {
    prop::collection::vec(any_json(), ContextKey::ALL.len())
        .prop_map(|values| ContextKey::ALL.iter().map(|key| key.as_str()).zip(values).collect())
}

fn policies() -> impl Strategy<Value = GuardPolicy> {
    let action = prop::sample::select(Action::ALL.to_vec());
    let policy = |(
        staleness_ms,
        max_error_rate,
        rate_limit_events_max,
        circuit_breaker_failures,
        fail_closed_action,
    )| {
        let spec = GuardPolicySpec {
            staleness_ms,
            max_error_rate,
            rate_limit_events_max,
            circuit_breaker_failures,
            fail_closed_action,
            ..GuardPolicySpec::default()
        };
        GuardPolicy::new(spec).unwrap()
    };
    (0_u64..6000, 0.0..=1.0_f64, 0_u64..12, 1_u64..7, action).prop_map(policy)
}

fn proposals() -> impl Strategy<Value = Proposal> {
    let action = prop::sample::select(Action::ALL.to_vec());
    let params = prop::option::of(Just(crate::object(r#"{"shop:item": 7}"#)));
    let proposal = |(action, confidence, reasons, params)| Proposal {
        action,
        confidence,
        reasons,
        params,
        run_id: None,
        features_summary: Object::new(),
    };
    (action, 0.0..=1.0_f64, prop::collection::vec("[a-z]{0,5}", 0..3), params).prop_map(proposal)
}

/// All conditions, said once more and in another way: by what is well-typed, and by cross-multiplication where it
/// matters not how a quotient is rounded.
fn may_pass(policy: &GuardPolicy, context: &Object) -> bool {
    let float = |key: &str| match context.get(key) {
        None => Some(None),
        Some(Value::Number(number)) => {
            let float = number.as_f64();
            (0.0..9_007_199_254_740_992.0).contains(&float).then_some(Some(float))
        }
        Some(_) => None,
    };
    let whole = |key: &str| match float(key) {
        Some(Some(float)) if float.fract() != 0.0 => None,
        other => other,
    };
    let rested = |key: &str| match context.get(key) {
        None | Some(Value::Null) => true,
        Some(_) => match (float(key), float("now_ms")) {
            (Some(Some(end)), Some(Some(now))) => end <= now,
            _ => false,
        },
    };
    let healthy = matches!(context.get("ops_deny_actions"), None | Some(Value::Null | Value::Bool(false)))
        && match context.get("ops_state") {
            None | Some(Value::Null) => true,
            Some(Value::String(state)) => ["GREEN", "YELLOW"].contains(&state.to_uppercase().as_str()),
            Some(_) => false,
        };
    let fresh = match (float("now_ms"), float("last_event_ts_ms")) {
        (Some(Some(now)), Some(Some(newest))) => {
            newest <= now && now <= newest + policy.staleness_ms() as f64
        }
        (Some(_), Some(_)) => true,
        _ => false,
    };
    let mostly_worked = match (whole("errors_in_window"), whole("steps_in_window")) {
        (Some(errors), Some(steps)) => {
            let (errors, steps) = (errors.unwrap_or(0.0), steps.unwrap_or(1.0));
            errors == 0.0 || steps > 0.0 && errors / steps <= policy.max_error_rate()
        }
        _ => false,
    };
    let few = |key: &str, below: u64| whole(key).is_some_and(|count| count.unwrap_or(0.0) < below as f64);
    healthy
        && rested("ops_cooldown_until_ms")
        && fresh
        && mostly_worked
        && few("rate_limit_events", policy.rate_limit_events_max() + 1)
        && few("recent_failures", policy.circuit_breaker_failures())
        && rested("cooldown_until_ms")
}

/// Everything that holds of every answer.
fn check(proposal: &Proposal, policy: &GuardPolicy, context: &Object) -> Result<(), TestCaseError> {
    let (decision, mismatch) = modulate(proposal, policy, context);
    prop_assert_eq!(decision.allowed, may_pass(policy, context), "{:?}", context);
    if decision.allowed {
        prop_assert_eq!(said(&mismatch), ("", ""));
        prop_assert_eq!(decision.action, proposal.action);
        prop_assert_eq!((&decision.reasons, &decision.params), (&proposal.reasons, &proposal.params));
    } else {
        assert_refused(&decision, &mismatch);
    }
    let is_denied = context.get("ops_deny_actions") == Some(&Value::Bool(true));
    prop_assert!(!is_denied || said(&mismatch) == ("ops_health", "ops_deny_actions"));
    let told = format!("{decision:?} {mismatch:?}");
    prop_assert!(!told.contains(PLANTED));

    let written = decision.to_value().to_string();
    prop_assert_eq!(FinalDecision::from_value(json::parse(written.as_bytes()).unwrap()).unwrap(), decision);
    Ok(())
}

proptest! {
    #[test]
    fn allowed_means_that_every_condition_is_met_by_values_that_can_be_judged(
        proposal in proposals(), policy in policies(), context in contexts(),
    ) {
        check(&proposal, &policy, &context)?;
    }

    #[test]
    fn arbitrary_values_under_every_key_are_answered(
        proposal in proposals(), policy in policies(), context in wild_contexts(),
    ) {
        check(&proposal, &policy, &context)?;
    }

    #[test]
    fn the_same_is_answered_the_same_whatever_the_order_of_the_members(
        proposal in proposals(), policy in policies(), context in contexts(),
    ) {
        let answer = modulate(&proposal, &policy, &context);
        prop_assert_eq!(&modulate(&proposal, &policy, &context), &answer);
        let mut members: Vec<(String, Value)> = context.into_iter().collect();
        members.reverse();
        let reversed: Object = members.into_iter().collect();
        prop_assert_eq!(&modulate(&proposal, &policy, &reversed), &answer);
    }

    /// Adding a denial to any context never makes it pass, and is always heard.
    #[test]
    fn the_kill_switch_wins(proposal in proposals(), policy in policies(), context in wild_contexts()) {
        let mut context = context;
        context.insert("ops_deny_actions", true);
        let (decision, mismatch) = modulate(&proposal, &policy, &context);
        prop_assert!(!decision.allowed);
        prop_assert_eq!(said(&mismatch), ("ops_health", "ops_deny_actions"));
    }
}

/// The properties above would hold of nothing if their contexts all ended alike.
#[test]
fn the_contexts_of_the_properties_reach_every_end() {
    let mut runner = TestRunner::deterministic();
    let mut ends: BTreeMap<String, usize> = BTreeMap::new();
    for _ in 0..4000 {
        let context = contexts().new_tree(&mut runner).unwrap().current();
        let (_, mismatch) = modulate(&crate::proposal(Action::Act), &GuardPolicy::default(), &context);
        *ends.entry(mismatch.flags.concat()).or_default() += 1;
    }
    let guards = decision_modulation_core::guards::GUARDS.map(|guard| guard.name());
    for end in guards.into_iter().chain(["", MODULATE_EXCEPTION]) {
        assert!(ends.get(end).is_some_and(|times| *times >= 20), "{end}: {ends:?}");
    }
}
