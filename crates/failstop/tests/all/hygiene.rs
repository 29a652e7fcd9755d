//! INV-EXE-1, 3, 5 and INV-EXE-SEC-1 through the driver: what is said, and what never is.

use decision_schema::{Action, FinalDecision, Number, Value, json::parse_canonical};
use failstop::{
    Request,
    core::{
        idempotency::canonical_json,
        model::{ExecutionStatus, Outcome, ReasonCode},
        report::ReportStyle,
    },
    executor::{Answer, Attempt, blocking, from_fn},
};

use crate::support::{answering, engine, keyed, object, patient, policy, run, run_keyed};

const CANARY: &str = "canary-7f3a91c4e2";

#[tokio::test(start_paused = true)]
async fn inv_exe_5_a_secret_of_the_decision_comes_out_nowhere() {
    let mut decision = FinalDecision::new(Action::Act);
    decision.params = Some(object([("api_key", Value::from(CANARY)), ("ops:target", Value::from("web-1"))]));
    let context = object([("password", Value::from(CANARY)), ("now_ms", Value::from(1))]);
    let packet = object([
        ("run_id", Value::from("r")),
        ("input", Value::from(object([("note", Value::from(format!("uses {CANARY}")))]))),
        ("external", Value::from(object([("now_ms", Value::from(1)), ("auth", Value::from(CANARY))]))),
    ]);
    let echoing = from_fn(|attempt: Attempt<'_>| {
        let secret = attempt.params.and_then(|params| params.get("api_key")).cloned().unwrap_or_default();
        let code = secret.as_str().unwrap_or_default().to_owned();
        async move { Answer::rejected().with_code(code).with_output(object([("said", secret)]).into()) }
    });
    let engine = engine(keyed(|_| {})).plan_digests(true).executor(echoing).build().unwrap();
    let report =
        engine.execute(&Request { packet: Some(&packet), ..Request::new(&decision, &context) }).await;
    let text = report.to_json(ReportStyle { extended_trace: true });
    assert!(!text.contains(CANARY), "{text}");
    assert_eq!(report.attempts[0].error_code.as_deref(), Some("rejected"), "an unfit code is replaced");
    assert!(text.contains("[REDACTED]"));
    assert!(!format!("{report:?}").contains(CANARY));
}

#[tokio::test(start_paused = true)]
async fn inv_exe_sec_1_a_message_of_an_executor_is_dropped() {
    let executor = from_fn(|_| async { (false, Some(format!("connect to db with {CANARY}"))) });
    let engine = engine(patient(|_| {})).executor(executor).build().unwrap();
    let report = run(&engine, Action::Act).await;
    assert_eq!(report.attempts[0].error_type.as_deref(), Some("executor_rejected"));
    assert_eq!(report.attempts[0].error_code.as_deref(), Some("executor_failed"));
    assert!(!report.to_json(ReportStyle::default()).contains(CANARY));
}

#[tokio::test(start_paused = true)]
async fn inv_exe_3_a_panic_is_a_report_and_its_message_nobodys_business() {
    fn panics(at_call: bool) -> impl failstop::executor::Executor {
        from_fn(move |_| {
            assert!(!at_call, "{CANARY}");
            async { panic!("{CANARY}") as Answer }
        })
    }
    for at_call in [true, false] {
        let policy = policy(|spec| spec.retry.max_retries = 1);
        let engine = engine(policy).executor(panics(at_call)).build().unwrap();
        let report = run(&engine, Action::Act).await;
        assert_eq!(report.conclusion.reason_code, Some(ReasonCode::ExecutionException));
        assert_eq!(report.conclusion.outcome, Outcome::Unknown);
        assert!(report.conclusion.fail_closed);
        assert_eq!(report.attempts.len(), 2);
        assert_eq!(report.attempts[1].error_type.as_deref(), Some("panic"));
        assert!(!report.to_json(ReportStyle::default()).contains(CANARY));
    }
}

#[tokio::test]
async fn inv_exe_3_a_panic_of_a_blocking_closure_is_a_report() {
    let executor = blocking(|_| -> Answer { panic!("{CANARY}") });
    let engine = engine(patient(|_| {})).executor(executor).build().unwrap();
    let report = run(&engine, Action::Act).await;
    assert_eq!(report.conclusion.reason_code, Some(ReasonCode::ExecutionException));
    assert_eq!(report.attempts[0].error_type.as_deref(), Some("panic"));
}

#[tokio::test]
async fn a_blocking_closure_answers_like_any_other() {
    let executor = blocking(|attempt| (attempt.action == Action::Act, None));
    let engine = engine(patient(|_| {})).executor(executor).build().unwrap();
    assert_eq!(run(&engine, Action::Act).await.conclusion.status, ExecutionStatus::Success);
    assert_eq!(run(&engine, Action::Exit).await.conclusion.reason_code, Some(ReasonCode::ExecutorFailed));
}

#[tokio::test(start_paused = true)]
async fn an_action_without_an_executor_and_a_decision_not_allowed_are_reports() {
    let (executor, _) = answering(vec![]);
    let engine = engine(policy(|_| {})).route(Action::Hold, executor).build().unwrap();
    assert_eq!(run(&engine, Action::Act).await.conclusion.reason_code, Some(ReasonCode::NoExecutor));
    let mut decision = FinalDecision::new(Action::Hold);
    decision.allowed = false;
    let report = engine.execute(&Request::new(&decision, &object([]))).await;
    assert_eq!(report.conclusion.status, ExecutionStatus::Skipped);
    assert_eq!(report.conclusion.reason_code, Some(ReasonCode::NotAllowed));
    assert_eq!(report.skipped_count(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_output_that_is_too_large_is_told_by_its_size() {
    let executor = from_fn(|_| async { Answer::applied().with_output("x".repeat(100_000).into()) });
    let engine = engine(policy(|_| {})).executor(executor).build().unwrap();
    let report = run(&engine, Action::Act).await;
    let expected = object([("bytes", Value::from(100_002)), ("truncated", Value::from(true))]);
    assert_eq!(report.output, Some(expected.into()));
}

#[tokio::test(start_paused = true)]
async fn inv_exe_1_the_same_request_has_the_same_plan_and_the_same_delays() {
    use failstop::core::policies::Jitter;
    let mut seen = Vec::new();
    for _ in 0..2 {
        let (executor, _) = answering(vec![Answer::not_applied(); 3]);
        let policy = keyed(|spec| spec.retry.jitter = Jitter::Derived);
        let engine = engine(policy).plan_digests(true).executor(executor).build().unwrap();
        let context = object([("now_ms", Value::from(7))]);
        let decision = FinalDecision::new(Action::Act);
        let report = engine.execute(&Request::new(&decision, &context)).await;
        let waits: Vec<_> = report.attempts.iter().map(|attempt| attempt.waited_ms).collect();
        let mut plan = engine.plan(&Request::new(&decision, &context));
        plan.set_key(report.idempotency_key.clone().unwrap());
        assert_eq!(Some(plan.digest()), report.plan_digest.as_deref().copied());
        assert_eq!(plan.schedule(), waits, "what was planned is what was waited");
        seen.push((report.plan_digest, waits));
    }
    assert_eq!(seen[0], seen[1]);
}

/// A float that canonical JSON writes out as an integer was told differently by a replay.
#[tokio::test(start_paused = true)]
async fn a_replay_tells_numbers_and_deep_outputs_in_the_words_of_the_first_report() {
    let float = |number| Value::Number(Number::Float(number));
    let deep = (0..60).fold(Value::from(1), |inner, _| Value::Array(vec![inner]));
    for output in [float(5.0), float(1e20), float(-0.0), float(0.1), deep] {
        let answer = Answer::applied().with_output(Value::Array(vec![output]));
        let executor = from_fn(move |_| std::future::ready(answer.clone()));
        let engine = engine(keyed(|_| {})).executor(executor).build().unwrap();
        let report = run_keyed(&engine, Action::Act, "k").await;
        let text = report.output.as_ref().unwrap().to_string();
        let stored = canonical_json::to_string(report.output.as_ref().unwrap());
        assert_eq!(parse_canonical(stored.as_bytes(), 1 << 20).unwrap().to_string(), text);
    }
}
