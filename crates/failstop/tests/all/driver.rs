//! The driver with closures, on paused time.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicU32, Ordering},
};

use decision_schema::{Action, FinalDecision, Object};
use failstop::{
    Engine, Request,
    core::{
        model::{ExecutionStatus, Outcome, ReasonCode, Stopped},
        policies::{ExecutionPolicy, PolicySpec},
    },
    execute,
    executor::{Answer, blocking, from_fn},
};

fn policy(change: impl FnOnce(&mut PolicySpec)) -> ExecutionPolicy {
    let mut spec = PolicySpec::default();
    change(&mut spec);
    ExecutionPolicy::new(spec).expect("in range")
}

#[tokio::test(start_paused = true)]
async fn a_success_is_reported_with_one_attempt() {
    let executor = from_fn(|_| async { (true, None) });
    let report =
        execute(&FinalDecision::new(Action::Act), &Object::new(), &ExecutionPolicy::default(), &executor)
            .await;
    assert_eq!(report.conclusion.status, ExecutionStatus::Success);
    assert_eq!(report.attempts.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn inv_exe_2_a_hung_async_closure_is_dropped_at_its_deadline() {
    let executor = from_fn(|_| std::future::pending::<Answer>());
    let policy = policy(|spec| spec.retry.max_retries = 0);
    let report = execute(&FinalDecision::new(Action::Act), &Object::new(), &policy, &executor).await;
    assert_eq!(report.conclusion.reason_code, Some(ReasonCode::Timeout));
    assert_eq!(report.conclusion.outcome, Outcome::Unknown);
    assert_eq!(report.attempts[0].stopped, Some(Stopped::Confirmed));
    assert_eq!(report.total_latency_ms, 5000);
}

#[tokio::test(start_paused = true)]
async fn inv_exe_2_a_hung_blocking_closure_is_abandoned_and_said_so() {
    let (release, wait) = std::sync::mpsc::channel::<()>();
    let wait = std::sync::Mutex::new(wait);
    let executor = blocking(move |_| {
        let _ = wait.lock().unwrap().recv();
        (true, None)
    });
    let engine =
        Engine::builder(policy(|spec| spec.retry.max_retries = 3)).executor(executor).build().unwrap();
    let decision = FinalDecision::new(Action::Act);
    let context = Object::new();
    let report = engine.execute(&Request::new(&decision, &context)).await;
    assert_eq!(report.conclusion.reason_code, Some(ReasonCode::Timeout));
    assert_eq!(report.attempts.len(), 1);
    assert_eq!(report.attempts[0].stopped, Some(Stopped::Unconfirmed));
    assert_eq!(report.total_latency_ms, 7000);
    assert_eq!(engine.abandoned(), 1);
    let denied = engine.execute(&Request::new(&decision, &context)).await;
    assert_eq!(denied.conclusion.reason_code, Some(ReasonCode::ExecutorStuck));
    drop(release);
    while engine.abandoned() > 0 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_no_signal_can_reach_is_given_up_at_its_deadline_without_the_grace() {
    let left_running = Arc::new(Mutex::new(None));
    let leaving = Arc::clone(&left_running);
    let executor = from_fn(move |attempt| {
        *leaving.lock().unwrap() = Some(attempt.hold_deaf());
        std::future::pending::<Answer>()
    });
    let engine =
        Engine::builder(policy(|spec| spec.retry.max_retries = 3)).executor(executor).build().unwrap();
    let (decision, context) = (FinalDecision::new(Action::Act), Object::new());
    let report = engine.execute(&Request::new(&decision, &context)).await;
    assert_eq!(report.conclusion.reason_code, Some(ReasonCode::Timeout));
    assert_eq!(report.attempts.len(), 1);
    assert_eq!(report.attempts[0].stopped, Some(Stopped::Unconfirmed));
    assert_eq!(report.total_latency_ms, 5000);
    assert_eq!(engine.abandoned(), 1);
    drop(left_running.lock().unwrap().take());
    assert_eq!(engine.abandoned(), 0);
}

#[tokio::test(start_paused = true)]
async fn retries_wait_out_their_backoff() {
    let calls = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&calls);
    let executor = from_fn(move |_| {
        let n = counted.fetch_add(1, Ordering::Relaxed);
        async move { (n == 2, None) }
    });
    let report =
        execute(&FinalDecision::new(Action::Act), &Object::new(), &ExecutionPolicy::default(), &executor)
            .await;
    assert_eq!(report.conclusion.status, ExecutionStatus::Success);
    let waits: Vec<_> = report.attempts.iter().map(|attempt| attempt.waited_ms).collect();
    assert_eq!(waits, [0, 100, 200]);
}

/// The deadline of an attempt was taken for the present: programs were told that their time was up when it began, and
/// every later attempt was dated as long before its start as an attempt may last.
#[tokio::test(start_paused = true)]
async fn a_deadline_is_dated_after_the_start_by_all_the_time_there_is() {
    let told = Arc::new(std::sync::Mutex::new(Vec::new()));
    let heard = Arc::clone(&told);
    let executor = from_fn(move |attempt| {
        heard.lock().unwrap().push((attempt.deadline_ms, attempt.timeout_ms));
        std::future::ready(Answer::applied())
    });
    let engine = Engine::builder(ExecutionPolicy::default()).executor(executor).build().unwrap();
    let (decision, context) = (FinalDecision::new(Action::Act), Object::new());
    let mut started = Vec::new();
    for _ in 0..3 {
        let report = engine.execute(&Request::new(&decision, &context)).await;
        started.push(report.attempts[0].started_at_ms);
    }
    assert_eq!(started, [started[0]; 3], "no time has passed");
    assert_eq!(*told.lock().unwrap(), [(started[0] + 5000, 5000); 3]);
}
