//! INV-EXE-2 and INV-EXE-6 through the driver: slots, rate limits, throttles, cooldowns and the total time.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
    task::Poll,
    time::Duration,
};

use decision_schema::{Action, FinalDecision, Object};
use failstop::{
    Engine, Request,
    core::{
        model::{ExecutionStatus, Outcome, ReasonCode, WaitReason},
        policies::Quota,
    },
    executor::{Answer, Attempt, from_fn},
};

use crate::support::{answering, engine, policy, run, while_running};

/// Polls all until all are done; outputs in the order of the futures.
async fn join_all<F: Future>(futures: impl IntoIterator<Item = F>) -> Vec<F::Output> {
    let mut running: Vec<_> = futures.into_iter().map(|future| (Box::pin(future), None)).collect();
    std::future::poll_fn(move |cx| {
        for (future, output) in running.iter_mut().filter(|(_, output)| output.is_none()) {
            if let Poll::Ready(done) = future.as_mut().poll(cx) {
                *output = Some(done);
            }
        }
        if running.iter().any(|(_, output)| output.is_none()) {
            return Poll::Pending;
        }
        Poll::Ready(running.drain(..).filter_map(|(_, output)| output).collect())
    })
    .await
}

#[tokio::test(start_paused = true)]
async fn inv_exe_2_no_more_effects_at_once_than_slots() {
    let (now, most) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0)));
    let (counted, peak) = (Arc::clone(&now), Arc::clone(&most));
    let executor = from_fn(move |_| {
        let (counted, peak) = (Arc::clone(&counted), Arc::clone(&peak));
        async move {
            peak.fetch_max(counted.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            tokio::time::sleep(Duration::from_millis(10)).await;
            counted.fetch_sub(1, Ordering::SeqCst);
            Answer::applied()
        }
    });
    let engine = engine(policy(|spec| spec.max_concurrency = 3)).executor(executor).build().unwrap();
    let reports = join_all((0..30).map(|_| run(&engine, Action::Act))).await;
    assert_eq!(most.load(Ordering::SeqCst), 3);
    assert!(reports.iter().all(|report| report.conclusion.status == ExecutionStatus::Success));
    assert_eq!(reports[29].attempts[0].waited_ms, 90);
    assert_eq!(reports[29].attempts[0].wait_reason, Some(WaitReason::Concurrency));
}

#[tokio::test(start_paused = true)]
async fn with_one_slot_effects_come_in_the_order_of_decisions_retries_included() {
    let order = Arc::new(Mutex::new(Vec::new()));
    let written = Arc::clone(&order);
    let executor = from_fn(move |attempt: Attempt<'_>| {
        let step = attempt.step.unwrap_or_default();
        let is_first = attempt.attempt_number == 0;
        let written = Arc::clone(&written);
        async move {
            if is_first && step % 3 == 0 {
                return Answer::not_applied();
            }
            written.lock().unwrap().push(step);
            Answer::applied()
        }
    });
    let engine = engine(policy(|_| {})).executor(executor).build().unwrap();
    let decision = FinalDecision::new(Action::Act);
    let context = Object::new();
    let one = |step: i64| {
        let (engine, decision, context) = (&engine, &decision, &context);
        async move {
            engine.execute(&Request { step: Some(step), ..Request::new(decision, context) }).await;
        }
    };
    join_all((0..20).map(one)).await;
    assert_eq!(*order.lock().unwrap(), (0..20).collect::<Vec<_>>());
}

fn limited(global: Option<Quota>, act: Option<Quota>, max_wait_ms: Option<u64>) -> Engine {
    let (executor, _) = answering(vec![]);
    let policy = policy(|spec| {
        spec.max_concurrency = 1000;
        spec.rate_limit.global = global;
        spec.rate_limit.actions[Action::Act as usize] = act;
        spec.rate_limit.max_wait_ms = max_wait_ms;
    });
    engine(policy).executor(executor).build().unwrap()
}

async fn waits(engine: &Engine, actions: &[Action]) -> Vec<u64> {
    let reports = join_all(actions.iter().map(|action| run(engine, *action))).await;
    reports
        .iter()
        .map(|report| report.attempts.first().map_or(u64::MAX, |attempt| attempt.waited_ms))
        .collect()
}

#[tokio::test(start_paused = true)]
async fn inv_exe_6_a_burst_passes_and_the_rest_comes_at_the_steady_rate_in_order() {
    let engine = limited(Some(Quota::new(10, 1000).with_burst(3)), None, None);
    assert_eq!(waits(&engine, &[Action::Act; 6]).await, [0, 0, 0, 100, 200, 300]);
}

#[tokio::test(start_paused = true)]
async fn inv_exe_6_quotas_are_taken_all_or_nothing() {
    let engine =
        limited(Some(Quota::new(1, 10).with_burst(2)), Some(Quota::new(1, 1000).with_burst(1)), None);
    // The second ACT waits for its own quota and takes nothing of the global one meanwhile, so the EXITs pass it.
    let actions = [Action::Act, Action::Act, Action::Exit, Action::Exit];
    assert_eq!(waits(&engine, &actions).await, [0, 1000, 0, 10]);
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_the_global_quota_is_served_in_order_over_all_actions() {
    let engine = limited(Some(Quota::new(1, 100).with_burst(1)), None, None);
    let actions = [Action::Act, Action::Exit, Action::Act, Action::Hold];
    assert_eq!(waits(&engine, &actions).await, [0, 100, 200, 300]);
}

#[tokio::test(start_paused = true)]
async fn inv_exe_6_retries_pass_the_limits_too() {
    let (executor, _) = answering(vec![Answer::not_applied()]);
    let policy = policy(|spec| {
        spec.retry.initial_backoff_ms = 0;
        spec.rate_limit.global = Some(Quota::new(1, 700));
    });
    let engine = engine(policy).executor(executor).build().unwrap();
    let report = run(&engine, Action::Act).await;
    assert_eq!(report.attempts[1].waited_ms, 700);
    assert_eq!(report.attempts[1].wait_reason, Some(WaitReason::RateLimit));
}

#[tokio::test(start_paused = true)]
async fn a_wait_past_the_patience_is_denied_at_once() {
    let engine = limited(Some(Quota::new(1, 1000)), None, Some(500));
    run(&engine, Action::Act).await;
    let denied = run(&engine, Action::Act).await;
    assert_eq!(denied.conclusion.reason_code, Some(ReasonCode::RateLimited));
    assert_eq!((denied.total_latency_ms, denied.denied_count()), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn a_bare_call_with_limits_needs_an_engine() {
    let (executor, calls) = answering(vec![]);
    let policy = policy(|spec| spec.rate_limit.global = Some(Quota::new(1, 1)));
    let decision = FinalDecision::new(Action::Act);
    let report = failstop::execute(&decision, &Object::new(), &policy, &executor).await;
    assert_eq!(report.conclusion.reason_code, Some(ReasonCode::PolicyNeedsEngine));
    assert_eq!(calls.load(Ordering::SeqCst), 0);
}

#[tokio::test(start_paused = true)]
async fn inv_exe_2_the_total_time_bounds_waits_and_retries() {
    let crowded = policy(|spec| spec.timeout.max_total_time_ms = 1000);
    let slow = from_fn(|_| std::future::pending::<Answer>());
    let engine = engine(crowded).executor(slow).build().unwrap();
    let (running, waiting) = while_running(run(&engine, Action::Act), run(&engine, Action::Act)).await;
    assert_eq!(running.conclusion.reason_code, Some(ReasonCode::TotalTimeout));
    assert_eq!(waiting.conclusion.reason_code, Some(ReasonCode::DeadlineExceeded));
    assert!(running.total_latency_ms <= 3000 && waiting.total_latency_ms <= 1000);
}

#[tokio::test(start_paused = true)]
async fn inv_exe_2_no_more_attempts_than_the_policy_allows() {
    let (executor, calls) = answering(vec![Answer::not_applied(); 100]);
    let engine = engine(policy(|_| {})).executor(executor).build().unwrap();
    let report = run(&engine, Action::Act).await;
    assert_eq!(report.conclusion.reason_code, Some(ReasonCode::ExecutorFailed));
    assert_eq!((report.attempts.len(), calls.load(Ordering::SeqCst)), (4, 4));
    assert_eq!(report.conclusion.outcome, Outcome::NotExecuted);
}

#[tokio::test(start_paused = true)]
async fn a_hint_is_waited_for_in_full_and_past_the_deadline_not_at_all() {
    let (executor, _) = answering(vec![Answer::not_applied().with_retry_after_ms(1500)]);
    let patient = engine(policy(|_| {})).executor(executor).build().unwrap();
    let report = run(&patient, Action::Act).await;
    assert_eq!(report.attempts[1].waited_ms, 1500);
    assert_eq!(report.attempts[1].wait_reason, Some(WaitReason::RetryAfter));

    let (executor, calls) =
        answering(vec![Answer::not_applied().with_code("busy").with_retry_after_ms(120_000)]);
    let hurried = engine(policy(|_| {})).executor(executor).build().unwrap();
    let report = run(&hurried, Action::Act).await;
    assert_eq!(report.conclusion.reason_code, Some(ReasonCode::RetryAfterExceedsDeadline));
    assert_eq!(report.attempts[0].error_code.as_deref(), Some("busy"), "the real error is kept");
    assert_eq!((report.total_latency_ms, calls.load(Ordering::SeqCst)), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn a_throttle_delays_and_a_cooldown_denies_what_follows() {
    let (executor, _) = answering(vec![]);
    let engine = engine(policy(|_| {})).executor(executor).build().unwrap();
    let mut decision = FinalDecision::new(Action::Act);
    decision.throttle_ms = Some(250);
    decision.cooldown_ms = Some(1000);
    let context = Object::new();
    let first = engine.execute(&Request::new(&decision, &context)).await;
    assert_eq!(first.attempts[0].waited_ms, 250);
    assert_eq!(first.attempts[0].wait_reason, Some(WaitReason::Throttle));
    let cooled = engine.execute(&Request::new(&decision, &context)).await;
    assert_eq!(cooled.conclusion.reason_code, Some(ReasonCode::CooldownActive));
    let of_another = Request { tenant: Some("other"), ..Request::new(&decision, &context) };
    assert_eq!(engine.execute(&of_another).await.conclusion.status, ExecutionStatus::Success);
    tokio::time::advance(Duration::from_millis(1001)).await;
    assert_eq!(
        engine.execute(&Request::new(&decision, &context)).await.conclusion.status,
        ExecutionStatus::Success
    );
}

#[tokio::test(start_paused = true)]
async fn ten_thousand_waiters_leave_a_rate_limit_at_once_when_told_to() {
    use failstop::core::stop::{Level, Scope};
    let engine = limited(Some(Quota::new(1, 3_600_000)), None, None);
    let stop = async { engine.gate().engage(Scope::Global, Level::Stop, "drill") };
    let (reports, _) = while_running(join_all((0..10_000).map(|_| run(&engine, Action::Act))), stop).await;
    let stopped = reports
        .iter()
        .filter(|report| report.conclusion.reason_code == Some(ReasonCode::GateStopped))
        .count();
    assert_eq!(stopped, 9_999);
}
