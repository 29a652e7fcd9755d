//! From a proposal to a packet: guards in front of the engine, its own history behind them.

use std::{sync::atomic::Ordering, time::Duration};

use decision_schema::{
    Action, Object, PacketV2, Proposal, Value, json,
    trace_registry::{KeyMode, RESERVED_NAMESPACES, validate_external_dict},
};
use failstop::{
    core::{
        idempotency::{Identity, generated_key},
        model::{ExecutionReport, ExecutionStatus, Outcome, ReasonCode},
        policies::{ActionSet, ExecutionPolicy},
        stop::{Level, Scope},
    },
    executor::{Answer, Attempt, Executor, from_fn},
    health_core::{HealthPolicy, HealthSpec},
    modulation_core::{GuardPolicy, GuardPolicySpec},
    pipeline::{Pipeline, ProposalRequest},
};

use crate::support::{answering, engine, hanging, keyed, policy, run, while_running};

fn object(text: &str) -> Object {
    json::parse(text.as_bytes()).unwrap().as_object().unwrap().clone()
}

fn proposal() -> Proposal {
    Proposal {
        action: Action::Act,
        confidence: 0.75,
        reasons: vec!["signal".into()],
        params: Some(object(r#"{"shop:item": 7}"#)),
        run_id: Some("night".into()),
        features_summary: object(r#"{"price": 3}"#),
    }
}

fn no_retries() -> ExecutionPolicy {
    policy(|spec| spec.retry.max_retries = 0)
}

fn guards(change: impl FnOnce(&mut GuardPolicySpec)) -> GuardPolicy {
    let mut spec = GuardPolicySpec::default();
    change(&mut spec);
    GuardPolicy::new(spec).unwrap()
}

/// Guards that only mind `circuit_breaker_failures` and what follows on them.
fn patient() -> GuardPolicy {
    guards(|spec| spec.max_error_rate = 1.0)
}

fn pipeline(policy: ExecutionPolicy, guards: GuardPolicy, executor: impl Executor + 'static) -> Pipeline {
    Pipeline::build(engine(policy).executor(executor), guards).unwrap()
}

async fn submit(pipeline: &Pipeline, context: &str) -> ExecutionReport {
    let (proposal, context) = (proposal(), object(context));
    let report = pipeline
        .submit(&ProposalRequest { step: Some(3), ..ProposalRequest::new(&proposal, &context) })
        .await;
    assert_is_complete(&report);
    report
}

/// What holds of every packet: it is one, and its keys are the registry's.
fn assert_is_complete(report: &ExecutionReport) {
    let packet = PacketV2::from_value(report.packet.clone().unwrap().into()).unwrap();
    assert_eq!(validate_external_dict(&packet.external, KeyMode::Both, &RESERVED_NAMESPACES), []);
    let attempts = packet.external.get("exec.attempt_count").unwrap().as_i64();
    assert_eq!(attempts, i64::try_from(report.attempts.len()).ok());
    assert_eq!(packet.schema_version, "0.2.2");
    let is_allowed = packet.final_action.get("allowed").unwrap().as_bool().unwrap();
    let is_refused = [ExecutionStatus::Skipped, ExecutionStatus::Denied].contains(&report.conclusion.status);
    assert_eq!(is_allowed, !is_refused);
    assert_eq!(packet.mismatch.is_some(), is_refused, "who changes what was proposed says so");
}

fn member<'r>(report: &'r ExecutionReport, path: &[&str]) -> &'r Value {
    let mut value = report.packet.as_ref().unwrap().get(path[0]).unwrap();
    for name in &path[1..] {
        value = value.get(name).unwrap();
    }
    value
}

/// The only flag and reason code of the packet's mismatch.
fn mismatch(report: &ExecutionReport) -> (String, String) {
    let only = |name| {
        let [Value::String(only)] = member(report, &["mismatch", name]).as_array().unwrap() else { panic!() };
        only.clone()
    };
    (only("flags"), only("reason_codes"))
}

fn assert_refused(report: &ExecutionReport, flag: &str, code: &str) {
    assert_eq!(report.conclusion.status, ExecutionStatus::Skipped);
    assert_eq!(report.conclusion.reason_code, Some(ReasonCode::NotAllowed));
    assert_eq!(report.conclusion.outcome, Outcome::NotExecuted);
    assert_eq!(mismatch(report), (flag.into(), code.into()));
}

fn is_success(report: &ExecutionReport) -> bool {
    report.conclusion.status == ExecutionStatus::Success
}

#[tokio::test(start_paused = true)]
async fn an_allowed_proposal_is_executed_and_its_packet_tells_the_whole_story() {
    let executor = from_fn(|attempt: Attempt<'_>| {
        assert_eq!(attempt.params.unwrap().get("shop:item"), Some(&Value::from(7)));
        assert_eq!((attempt.action, attempt.run_id, attempt.step), (Action::Act, Some("night"), Some(3)));
        async {
            tokio::time::sleep(Duration::from_millis(40)).await;
            Answer::applied()
        }
    });
    let pipeline = pipeline(no_retries(), GuardPolicy::default(), executor);
    let report = submit(&pipeline, r#"{"now_ms": 1000, "last_event_ts_ms": 900, "shop:till": 2}"#).await;
    assert!(is_success(&report), "{report:?}");
    let expected = object(
        r#"{"run_id": "night", "step": 3, "input": {"price": 3, "shop:till": 2},
            "external": {"now_ms": 1000, "last_event_ts_ms": 900, "errors_in_window": 0, "steps_in_window": 0,
                "rate_limit_events": 0, "recent_failures": 0, "exec.total_latency_ms": 40,
                "exec.success_count": 1, "exec.failed_count": 0, "exec.skipped_count": 0, "exec.denied_count": 0,
                "exec.fail_closed": false, "exec.attempt_count": 1},
            "mdm": {"action": "ACT", "confidence": 0.75, "reasons": ["signal"], "params": {"shop:item": 7}},
            "final_action": {"action": "ACT", "allowed": true, "reasons": ["signal"], "params": {"shop:item": 7},
                "status": "success", "outcome": "executed", "reason_code": null},
            "latency_ms": 40, "mismatch": null, "schema_version": "0.2.2"}"#,
    );
    assert_eq!(report.packet, Some(expected));
}

#[tokio::test(start_paused = true)]
async fn each_guard_refuses_and_nothing_is_executed() {
    let (executor, calls) = answering(vec![]);
    let pipeline = pipeline(no_retries(), GuardPolicy::default(), executor);
    for (context, flag, code) in [
        (r#"{"now_ms": 9000, "last_event_ts_ms": 10}"#, "staleness", "staleness_exceeded"),
        (r#"{"errors_in_window": 5, "steps_in_window": 9}"#, "error_rate", "error_rate_high"),
        (r#"{"rate_limit_events": 11}"#, "rate_limit", "rate_limit_exceeded"),
        (r#"{"recent_failures": 5}"#, "circuit_breaker", "circuit_breaker"),
        (r#"{"now_ms": 5, "cooldown_until_ms": 6}"#, "cooldown", "cooldown_active"),
    ] {
        let report = submit(&pipeline, context).await;
        assert_refused(&report, flag, code);
        assert_eq!(member(&report, &["final_action", "action"]).as_str(), Some("HOLD"));
        assert_eq!(member(&report, &["mdm", "action"]).as_str(), Some("ACT"));
    }
    assert_eq!(calls.load(Ordering::SeqCst), 0);
}

#[tokio::test(start_paused = true)]
async fn the_kill_switch_comes_before_everything_and_shows_in_the_packet() {
    let (executor, calls) = answering(vec![]);
    let pipeline = pipeline(no_retries(), GuardPolicy::default(), executor);
    for context in [
        r#"{"ops_deny_actions": true, "recent_failures": 99}"#,
        r#"{"ops_state": "RED"}"#,
        r#"{"now_ms": 5, "ops_cooldown_until_ms": 6}"#,
    ] {
        let report = submit(&pipeline, context).await;
        assert_eq!(report.conclusion.reason_code, Some(ReasonCode::GateStopped));
        assert_eq!(mismatch(&report).0, "ops_health");
    }
    pipeline.engine().gate().engage(Scope::Global, Level::Stop, "drill");
    let report = submit(&pipeline, "{}").await;
    assert_eq!(report.conclusion.reason_code, Some(ReasonCode::GateStopped));
    assert_eq!(mismatch(&report), ("exec".into(), "gate_stopped".into()));
    assert_eq!(member(&report, &["final_action", "allowed"]), &Value::from(false));
    assert_eq!(calls.load(Ordering::SeqCst), 0);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_judged_fails_closed_to_the_end() {
    let (executor, calls) = answering(vec![]);
    let pipeline = pipeline(no_retries(), GuardPolicy::default(), executor);
    for context in [
        r#"{"errors_in_window": "many"}"#,
        r#"{"steps_in_window": null}"#,
        r#"{"recent_failures": -1}"#,
        r#"{"errors_in_window": -1}"#,
        r#"{"rate_limit_events": 0.5}"#,
        r#"{"rate_limit_events": null}"#,
        r#"{"cooldown_until_ms": true}"#,
        r#"{"now_ms": "noon"}"#,
        r#"{"ops_deny_actions": false, "ops_state": "BLUE"}"#,
    ] {
        let report = submit(&pipeline, context).await;
        assert_eq!(report.conclusion.reason_code, Some(ReasonCode::NotAllowed), "{context}");
        assert_eq!(mismatch(&report).0, "modulate_exception", "{context}");
        assert_eq!(member(&report, &["external", "harness.fail_closed"]), &Value::from(true));
    }
    assert_eq!(calls.load(Ordering::SeqCst), 0);
}

#[tokio::test(start_paused = true)]
async fn a_key_is_that_of_the_line_as_received_whatever_happened_in_between() {
    let (executor, calls) = answering(vec![Answer::applied(), Answer::rejected()]);
    let pipeline = pipeline(keyed(|spec| spec.retry.max_retries = 0), patient(), executor);
    let line = r#"{"now_ms": 1000, "shop:till": 2}"#;
    let first = submit(&pipeline, line).await;
    let (proposal, context) = (proposal(), object(line));
    let identity = Identity {
        action: Action::Act,
        params: proposal.params.as_ref(),
        context: &context,
        run_id: Some("night"),
        step: Some(3),
        tenant: None,
    };
    assert_eq!(first.idempotency_key, Some(generated_key(&identity).unwrap().to_string()));

    assert!(!is_success(&submit(&pipeline, r#"{"now_ms": 2000}"#).await));
    let again = submit(&pipeline, line).await;
    assert_eq!((again.replayed, again.execution_id), (true, first.execution_id));
    assert_eq!(
        member(&again, &["external", "errors_in_window"]),
        &Value::from(1),
        "the history has moved on"
    );
    assert_eq!(calls.load(Ordering::SeqCst), 2);

    let nothing = Object::new();
    let unplaced = ProposalRequest { run_id: Some("night"), ..ProposalRequest::new(&proposal, &nothing) };
    let report = pipeline.submit(&unplaced).await;
    let missing = Some(ReasonCode::IdempotencyKeyMissing);
    assert_eq!(report.conclusion.reason_code, missing, "the wall clock makes no key");
}

#[tokio::test(start_paused = true)]
async fn executors_are_told_the_context_as_it_was_received() {
    let executor = from_fn(|attempt: Attempt<'_>| {
        assert_eq!(attempt.context, &object(r#"{"shop:till": 2}"#));
        async { Answer::applied() }
    });
    let pipeline = pipeline(no_retries(), GuardPolicy::default(), executor);
    assert!(is_success(&submit(&pipeline, r#"{"shop:till": 2}"#).await));
}

#[tokio::test(start_paused = true)]
async fn the_error_rate_is_that_of_the_engine_until_the_window_is_over() {
    let (executor, calls) = answering(vec![Answer::rejected()]);
    let pipeline = pipeline(no_retries(), guards(|spec| spec.rate_limit_window_ms = 10_000), executor);
    assert!(!is_success(&run(pipeline.engine(), Action::Act).await), "decisions count too");
    for context in ["{}", r#"{"errors_in_window": 0, "steps_in_window": 1000}"#] {
        let report = submit(&pipeline, context).await;
        assert_refused(&report, "error_rate", "error_rate_high");
        assert_eq!(
            member(&report, &["external", "steps_in_window"]),
            &Value::from(1),
            "refusals are no steps"
        );
    }
    tokio::time::advance(Duration::from_millis(9900)).await;
    assert_refused(&submit(&pipeline, "{}").await, "error_rate", "error_rate_high");
    tokio::time::advance(Duration::from_millis(400)).await;
    assert!(is_success(&submit(&pipeline, "{}").await));
    assert_eq!(calls.load(Ordering::SeqCst), 2);
}

#[tokio::test(start_paused = true)]
async fn what_a_stop_breaks_off_is_no_error_of_the_engine() {
    let (executor, calls) = hanging();
    let pipeline = pipeline(no_retries(), GuardPolicy::default(), executor);
    let gate = pipeline.engine().gate().clone();
    let stop = async { gate.engage(Scope::Global, Level::Stop, "drill") };
    let (stopped, epoch) = while_running(submit(&pipeline, "{}"), stop).await;
    assert_eq!(stopped.conclusion.reason_code, Some(ReasonCode::StoppedInFlight));
    gate.release(Scope::Global, epoch, "over").unwrap();
    let again = submit(&pipeline, "{}").await;
    assert_eq!(member(&again, &["external", "errors_in_window"]), &Value::from(0));
    assert_eq!(calls.load(Ordering::SeqCst), 2);
}

#[tokio::test(start_paused = true)]
async fn failures_one_after_the_other_open_the_breaker_and_a_success_forgives_them() {
    let failures = |count| vec![Answer::rejected(); count];
    let answers = [failures(4), vec![Answer::applied()], failures(5)].concat();
    let (executor, _) = answering(answers);
    let pipeline = pipeline(no_retries(), patient(), executor);
    for _ in 0..10 {
        assert_ne!(submit(&pipeline, "{}").await.conclusion.status, ExecutionStatus::Skipped);
    }
    let report = submit(&pipeline, r#"{"recent_failures": 1}"#).await;
    assert_refused(&report, "circuit_breaker", "circuit_breaker");
    assert_eq!(member(&report, &["external", "recent_failures"]), &Value::from(5));
    tokio::time::advance(Duration::from_secs(62)).await;
    assert!(is_success(&submit(&pipeline, "{}").await));
}

#[tokio::test(start_paused = true)]
async fn a_cooldown_follows_on_an_open_breaker_and_is_told_on_the_lines_own_clock() {
    let brief = guards(|spec| {
        (spec.max_error_rate, spec.circuit_breaker_failures) = (1.0, 2);
        (spec.rate_limit_window_ms, spec.cooldown_ms) = (1000, 30_000);
    });
    let (executor, _) = answering(vec![Answer::rejected(); 2]);
    let pipeline = pipeline(no_retries(), brief, executor);
    submit(&pipeline, "{}").await;
    submit(&pipeline, "{}").await;
    tokio::time::advance(Duration::from_secs(10)).await;
    let report = submit(&pipeline, r#"{"now_ms": 5000, "cooldown_until_ms": null}"#).await;
    assert_refused(&report, "cooldown", "cooldown_active");
    assert_eq!(member(&report, &["external", "cooldown_until_ms"]), &Value::from(25_000));
    tokio::time::advance(Duration::from_secs(20)).await;
    assert!(is_success(&submit(&pipeline, r#"{"now_ms": 5000}"#).await));
}

#[tokio::test(start_paused = true)]
async fn targets_that_ask_us_to_slow_down_are_counted_by_attempt() {
    let answers = vec![Answer::not_applied().with_retry_after_ms(10); 4];
    let strict = guards(|spec| (spec.max_error_rate, spec.rate_limit_events_max) = (1.0, 3));
    let (executor, _) = answering(answers);
    let pipeline = pipeline(policy(|_| {}), strict, executor);
    submit(&pipeline, "{}").await;
    let report = submit(&pipeline, "{}").await;
    assert_refused(&report, "rate_limit", "rate_limit_exceeded");
    assert_eq!(member(&report, &["external", "rate_limit_events"]), &Value::from(4));
}

#[tokio::test(start_paused = true)]
async fn the_engines_health_speaks_to_the_guards_and_cannot_be_talked_down() {
    let spec = HealthSpec { max_errors_per_window: 1, weight_errors: 1.0, ..HealthSpec::default() };
    let allowing = policy(|spec| {
        spec.retry.max_retries = 0;
        spec.allow_when_stopped = ActionSet::EMPTY.with(Action::Act).with(Action::Hold);
    });
    let (executor, calls) = answering(vec![Answer::unknown()]);
    let builder = engine(allowing).health(HealthPolicy::new(spec).unwrap()).executor(executor);
    let pipeline = Pipeline::build(builder, patient()).unwrap();
    let calm = submit(&pipeline, "{}").await;
    assert_eq!(calm.conclusion.outcome, Outcome::Unknown);
    assert_eq!(member(&calm, &["external", "ops_state"]).as_str(), Some("GREEN"));
    for context in ["{}", r#"{"now_ms": 7, "ops_deny_actions": false, "ops_state": "GREEN", "ops_score": 1}"#]
    {
        let report = submit(&pipeline, context).await;
        // The gate lets these actions pass a stop; the guards do not.
        assert_refused(&report, "ops_health", "ops_deny_actions");
        assert_eq!(member(&report, &["external", "ops_state"]).as_str(), Some("RED"));
        assert_eq!(member(&report, &["external", "ops_score"]), &Value::from(0));
    }
    assert_eq!(calls.load(Ordering::SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn a_storm_stops_proposals_and_lets_them_through_again_after_it() {
    let spec = HealthSpec { max_errors_per_window: 2, weight_errors: 1.0, ..HealthSpec::default() };
    let (executor, calls) = answering(vec![Answer::unknown(); 2]);
    let builder = engine(no_retries()).health(HealthPolicy::new(spec).unwrap()).executor(executor);
    let pipeline = Pipeline::build(builder, patient()).unwrap();
    submit(&pipeline, "{}").await;
    submit(&pipeline, "{}").await;
    let report = submit(&pipeline, "{}").await;
    assert_eq!(report.conclusion.reason_code, Some(ReasonCode::GateStopped));
    assert_eq!(mismatch(&report), ("ops_health".into(), "ops_deny_actions".into()));
    tokio::time::advance(Duration::from_secs(62)).await;
    assert!(is_success(&submit(&pipeline, "{}").await));
    assert_eq!(calls.load(Ordering::SeqCst), 3);
}

#[tokio::test(start_paused = true)]
async fn inv_exe_5_no_secret_of_a_proposal_stands_in_its_packet() {
    const SECRETS: [&str; 4] = ["hunter2-hunter2", "swordfish-9", "correct-horse", "AKIAIOSFODNN7EXAMPLE"];
    let [password, token, key, cloud] = SECRETS;
    let proposal = Proposal {
        reasons: vec![format!("because {cloud}")],
        params: Some([("shop:password", password)].into_iter().collect()),
        features_summary: [("api_key", key), ("echo", password)].into_iter().collect(),
        ..proposal()
    };
    let context: Object = [("shop:token", token), ("note", cloud)].into_iter().collect();
    let (executor, _) = answering(vec![]);
    let pipeline = pipeline(no_retries(), GuardPolicy::default(), executor);
    let report = pipeline.submit(&ProposalRequest::new(&proposal, &context)).await;
    assert_is_complete(&report);
    let packet = Value::from(report.packet.clone().unwrap()).to_string();
    for secret in SECRETS {
        assert!(!packet.contains(secret), "{packet}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_packet_that_came_along_is_completed_and_what_is_not_registered_is_left_out() {
    let brought = PacketV2::from_value(
        object(
            r#"{"run_id": "theirs", "step": 9, "input": {"seen": 1}, "mdm": {}, "final_action": {}, "latency_ms": 0,
                "external": {"eval_score": 5, "exec.attempt_count": 77, "exec.made_up": 1, "Bad Key": 1, "shop.x": 2},
                "schema_version": "0.2.1", "kept": true}"#,
        )
        .into(),
    )
    .unwrap();
    let (proposal, context) = (proposal(), object(r#"{"shop:till": 2}"#));
    let (executor, _) = answering(vec![]);
    let pipeline = pipeline(no_retries(), GuardPolicy::default(), executor);
    let request = ProposalRequest { packet: Some(&brought), ..ProposalRequest::new(&proposal, &context) };
    let report = pipeline.submit(&request).await;
    let packet = PacketV2::from_value(report.packet.clone().unwrap().into()).unwrap();
    assert_eq!(validate_external_dict(&packet.external, KeyMode::Both, &RESERVED_NAMESPACES), []);
    assert_eq!((packet.run_id.as_str(), packet.step, packet.schema_version.as_str()), ("theirs", 9, "0.2.1"));
    assert_eq!(packet.extra, object(r#"{"kept": true}"#));
    assert_eq!(packet.input, object(r#"{"seen": 1, "shop:till": 2}"#));
    assert_eq!(packet.external.get("eval_score"), Some(&Value::from(5)));
    assert_eq!(packet.external.get("shop.x"), Some(&Value::from(2)), "domains have trace keys of their own");
    assert_eq!(packet.external.get("exec.attempt_count"), Some(&Value::from(1)));
    assert!(!packet.external.contains_key("exec.made_up"));
    assert_eq!(report.external.get("eval_score"), Some(&Value::from(5)));
}

#[tokio::test(start_paused = true)]
async fn a_run_without_a_name_has_the_executions_id() {
    let (executor, _) = answering(vec![]);
    let pipeline = pipeline(no_retries(), GuardPolicy::default(), executor);
    let proposal = Proposal { run_id: None, ..proposal() };
    let report = pipeline.submit(&ProposalRequest::new(&proposal, &Object::new())).await;
    assert_is_complete(&report);
    assert_eq!(member(&report, &["run_id"]).as_str(), Some(report.execution_id.to_string().as_str()));
}
