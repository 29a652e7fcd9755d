//! Keys through the driver and the memory ledger: one execution at a time, replays, and what is in doubt.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};

use decision_schema::{Action, FinalDecision, Object, Value};
use failstop::{
    Engine, Request,
    core::{
        model::{Effect, EffectClass, ExecutionStatus, Outcome, ReasonCode},
        policies::{KeyGenerator, OnInProgress, RetryUnknown},
        stop::{Level, Scope},
    },
    executor::{Answer, from_fn},
    gate::Gate,
};

use crate::support::{
    Meddled, answering, engine, hanging, keyed, object, policy, run, run_keyed, while_running,
};

#[tokio::test(start_paused = true)]
async fn a_second_submission_replays_the_first_and_executes_nothing() {
    let (executor, calls) = answering(vec![]);
    let engine = engine(keyed(|_| {})).executor(executor).build().unwrap();
    let first = run_keyed(&engine, Action::Act, "k").await;
    let second = run_keyed(&engine, Action::Act, "k").await;
    assert_eq!(calls.load(Ordering::SeqCst), 1);
    assert!(second.replayed);
    assert_eq!(second.execution_id, first.execution_id);
    assert_eq!(second.attempts, first.attempts);
    assert_eq!(second.conclusion, first.conclusion);
}

#[tokio::test(start_paused = true)]
async fn a_failure_is_replayed_too() {
    let (executor, calls) = answering(vec![Answer::rejected()]);
    let engine = engine(keyed(|_| {})).executor(executor).build().unwrap();
    run_keyed(&engine, Action::Act, "k").await;
    let second = run_keyed(&engine, Action::Act, "k").await;
    assert_eq!(second.conclusion.reason_code, Some(ReasonCode::Rejected));
    assert!(second.replayed);
    assert_eq!(calls.load(Ordering::SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn inv_fs_1_an_unknown_effect_is_never_repeated_under_its_key() {
    let (executor, calls) = answering(vec![Answer::unknown()]);
    let engine = engine(keyed(|_| {})).executor(executor).build().unwrap();
    let first = run_keyed(&engine, Action::Act, "k").await;
    assert_eq!(first.conclusion.reason_code, Some(ReasonCode::UnknownOutcome));
    assert_eq!(first.conclusion.outcome, Outcome::Unknown);
    let second = run_keyed(&engine, Action::Act, "k").await;
    assert_eq!(second.conclusion.reason_code, Some(ReasonCode::InDoubt));
    assert_eq!(second.conclusion.status, ExecutionStatus::Failed);
    assert_eq!(second.conclusion.outcome, Outcome::Unknown);
    assert!(second.conclusion.fail_closed && second.replayed);
    assert_eq!(calls.load(Ordering::SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn an_idempotent_class_may_repeat_an_unknown() {
    let calls = std::sync::Arc::new(std::sync::atomic::AtomicU32::new(0));
    let counted = std::sync::Arc::clone(&calls);
    let executor = from_fn(move |_| {
        let is_first = counted.fetch_add(1, Ordering::SeqCst) == 0;
        async move { if is_first { Answer::unknown() } else { Answer::applied() } }
    })
    .with_effect_class(EffectClass::NaturallyIdempotent);
    let engine = engine(keyed(|_| {})).executor(executor).build().unwrap();
    let report = run_keyed(&engine, Action::Act, "k").await;
    assert_eq!(report.conclusion.outcome, Outcome::Executed);
    assert_eq!(calls.load(Ordering::SeqCst), 2);
}

#[tokio::test(start_paused = true)]
async fn a_dropped_execution_leaves_its_key_in_doubt() {
    let (executor, calls) = hanging();
    let engine = engine(keyed(|_| {})).executor(executor).build().unwrap();
    let cut = tokio::time::timeout(Duration::from_millis(10), run_keyed(&engine, Action::Act, "k")).await;
    assert!(cut.is_err());
    let report = run_keyed(&engine, Action::Act, "k").await;
    assert_eq!(report.conclusion.reason_code, Some(ReasonCode::InDoubt));
    assert_eq!(report.attempts.len(), 1);
    assert_eq!(calls.load(Ordering::SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn an_execution_dropped_in_its_backoff_goes_on_with_the_attempts_that_are_left() {
    let (executor, calls) = answering(vec![Answer::not_applied(), Answer::not_applied()]);
    let retrying = keyed(|spec| {
        spec.retry.max_retries = 1;
        spec.retry.initial_backoff_ms = 1000;
    });
    let engine = engine(retrying).executor(executor).build().unwrap();
    let cut = tokio::time::timeout(Duration::from_millis(10), run_keyed(&engine, Action::Act, "k")).await;
    assert!(cut.is_err());
    let report = run_keyed(&engine, Action::Act, "k").await;
    assert_eq!(report.conclusion.reason_code, Some(ReasonCode::ExecutorFailed));
    assert_eq!(report.attempts.iter().map(|attempt| attempt.attempt_number).collect::<Vec<_>>(), [0, 1]);
    assert_eq!(calls.load(Ordering::SeqCst), 2, "INV-EXE-2: attempts are counted for ever");
}

#[tokio::test(start_paused = true)]
async fn a_key_stands_for_one_decision() {
    let (executor, calls) = answering(vec![]);
    let engine = engine(keyed(|_| {})).executor(executor).build().unwrap();
    run_keyed(&engine, Action::Act, "k").await;
    let report = run_keyed(&engine, Action::Exit, "k").await;
    assert_eq!(report.conclusion.reason_code, Some(ReasonCode::IdempotencyKeyReused));
    assert_eq!(report.conclusion.outcome, Outcome::NotExecuted);
    assert_eq!(calls.load(Ordering::SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn a_running_key_is_rejected_or_waited_for() {
    let slow = || {
        from_fn(|_| async {
            tokio::time::sleep(Duration::from_millis(100)).await;
            Answer::applied()
        })
    };
    let rejecting = engine(keyed(|spec| spec.max_concurrency = 4)).executor(slow()).build().unwrap();
    let (first, second) =
        while_running(run_keyed(&rejecting, Action::Act, "k"), run_keyed(&rejecting, Action::Act, "k")).await;
    assert_eq!(first.conclusion.status, ExecutionStatus::Success);
    assert_eq!(second.conclusion.reason_code, Some(ReasonCode::IdempotencyInProgress));
    assert_eq!(second.conclusion.outcome, Outcome::Unknown);

    let waiting = keyed(|spec| {
        spec.max_concurrency = 4;
        spec.idempotency.on_in_progress = OnInProgress::Wait;
    });
    let waiting = engine(waiting).executor(slow()).build().unwrap();
    let (first, second) =
        while_running(run_keyed(&waiting, Action::Act, "k"), run_keyed(&waiting, Action::Act, "k")).await;
    assert!(second.replayed);
    assert_eq!(second.execution_id, first.execution_id);
}

#[tokio::test(start_paused = true)]
async fn keys_are_made_missed_or_in_conflict() {
    let (executor, _) = answering(vec![]);
    let generating = engine(keyed(|_| {})).executor(executor).build().unwrap();
    let missing = run(&generating, Action::Act).await;
    assert_eq!(missing.conclusion.reason_code, Some(ReasonCode::IdempotencyKeyMissing));

    let decision = FinalDecision::new(Action::Act);
    let context = object([("now_ms", Value::from(1))]);
    let made = generating.execute(&Request::new(&decision, &context)).await;
    assert_eq!(made.idempotency_key.as_deref().map(str::len), Some(64));

    let conflicting =
        Request { header_key: Some("a"), idempotency_key: Some("b"), ..Request::new(&decision, &context) };
    let conflict = generating.execute(&conflicting).await;
    assert_eq!(conflict.conclusion.reason_code, Some(ReasonCode::IdempotencyKeyConflict));

    let (executor, _) = answering(vec![]);
    let custom = keyed(|spec| spec.idempotency.key_generator = KeyGenerator::Custom);
    let custom = engine(custom).executor(executor).build().unwrap();
    let report = custom.execute(&Request::new(&decision, &context)).await;
    assert_eq!(report.conclusion.reason_code, Some(ReasonCode::IdempotencyKeyMissing));
}

#[tokio::test(start_paused = true)]
async fn a_denial_never_burns_a_key() {
    let (executor, calls) = answering(vec![]);
    let engine = engine(keyed(|_| {})).executor(executor).build().unwrap();
    let epoch = engine.gate().engage(Scope::Global, Level::Stop, "drill");
    assert_eq!(
        run_keyed(&engine, Action::Act, "k").await.conclusion.reason_code,
        Some(ReasonCode::GateStopped)
    );
    engine.gate().release(Scope::Global, epoch, "over").unwrap();
    let report = run_keyed(&engine, Action::Act, "k").await;
    assert_eq!(report.conclusion.status, ExecutionStatus::Success);
    assert!(!report.replayed);
    assert_eq!(calls.load(Ordering::SeqCst), 1);
}

#[test]
fn an_engine_that_would_guess_is_not_built() {
    let (executor, _) = answering(vec![]);
    let guessing = keyed(|spec| spec.retry.retry_unknown = RetryUnknown::Always);
    assert!(engine(guessing).executor(executor).build().is_err());
    assert!(Engine::builder(keyed(|_| {})).build().is_err(), "keys without a ledger guard nothing");
    let (executor, _) = answering(vec![]);
    assert!(Engine::builder(policy(|_| {})).executor(executor).build().is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_bare_call_shows_its_key_and_guards_nothing() {
    let (executor, calls) = answering(vec![]);
    let decision = FinalDecision::new(Action::Act);
    let context: Object = object([("now_ms", Value::from(1))]);
    for _ in 0..2 {
        let report = failstop::execute(&decision, &context, &keyed(|_| {}), &executor).await;
        assert_eq!(report.idempotency_key.as_deref().map(str::len), Some(64));
        assert!(!report.replayed);
    }
    assert_eq!(calls.load(Ordering::SeqCst), 2);
}

/// Executors were once entered as late as their turn came, long after a stop that everybody had heard of.
#[tokio::test(start_paused = true)]
async fn inv_exe_4_a_stop_heard_of_behind_the_start_is_obeyed_before_the_executor_is_entered() {
    let gate = Gate::new();
    let (stopped, has_stopped) = (gate.clone(), AtomicBool::new(false));
    let ledger = Meddled::after_start(move |started| {
        if !has_stopped.swap(true, Ordering::SeqCst) {
            stopped.engage(Scope::Global, Level::Stop, "behind the start");
        }
        started
    });
    let (executor, calls) = answering(vec![]);
    let builder = Engine::builder(keyed(|_| {})).ledger(Arc::new(ledger)).gate(gate.clone());
    let engine = builder.executor(executor).build().unwrap();
    let denied = run_keyed(&engine, Action::Act, "k").await;
    assert_eq!(denied.conclusion.reason_code, Some(ReasonCode::GateStopped));
    assert_eq!((denied.conclusion.outcome, denied.attempts.len()), (Outcome::NotExecuted, 0));
    assert_eq!(calls.load(Ordering::SeqCst), 0);

    gate.release(Scope::Global, gate.entries()[0].epoch, "again").unwrap();
    let done = run_keyed(&engine, Action::Act, "k").await;
    let effects: Vec<_> = done.attempts.iter().map(|attempt| attempt.effect).collect();
    assert_eq!(
        (done.conclusion.outcome, effects),
        (Outcome::Executed, vec![Effect::NotApplied, Effect::Applied])
    );
    assert_eq!(calls.load(Ordering::SeqCst), 1, "what was not entered had no effect and leaves no doubt");
}

/// Its record once spoke of fewer attempts than the ledger had, which an audit takes for tampering.
#[tokio::test(start_paused = true)]
async fn a_retry_that_a_stop_kept_from_being_entered_stands_in_the_report_of_its_execution() {
    let gate = Gate::new();
    let (stopped, starts) = (gate.clone(), AtomicU32::new(0));
    let ledger = Meddled::after_start(move |started| {
        if starts.fetch_add(1, Ordering::SeqCst) == 1 {
            stopped.engage(Scope::Global, Level::Stop, "behind the second start");
        }
        started
    });
    let (executor, calls) = answering(vec![Answer::not_applied(), Answer::not_applied()]);
    let builder = Engine::builder(keyed(|_| {})).ledger(Arc::new(ledger)).gate(gate.clone());
    let engine = builder.executor(executor).build().unwrap();
    let report = run_keyed(&engine, Action::Act, "k").await;
    assert_eq!(report.conclusion.reason_code, Some(ReasonCode::StoppedInFlight));
    assert_eq!((report.conclusion.outcome, report.attempts.len()), (Outcome::NotExecuted, 2));
    assert_eq!(report.attempts[1].error_code.as_deref(), Some("not_entered"));
    assert_eq!(calls.load(Ordering::SeqCst), 1);
    gate.release(Scope::Global, gate.entries()[0].epoch, "again").unwrap();
    let replay = run_keyed(&engine, Action::Act, "k").await;
    assert_eq!((replay.replayed, replay.attempts), (true, report.attempts));
}
