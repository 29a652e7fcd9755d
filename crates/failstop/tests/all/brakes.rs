//! The circuit breaker and the retry budget through the driver: what opens it, what does not, and who waits.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use decision_schema::{Action, FinalDecision, Object};
use failstop::{
    Cancellation, Engine, Request,
    core::{
        model::{ExecutionReport, ExecutionStatus, Outcome, ReasonCode, WaitReason},
        policies::{CircuitBreakerPolicy, ExecutionPolicy, PolicySpec, Quota, RetryBudgetPolicy},
        stop::{Level, Scope},
    },
    executor::{Answer, Executor, from_fn},
};

use crate::support::{answering, engine, hanging, keyed, policy, run, run_keyed, while_running};

const RULES: CircuitBreakerPolicy = CircuitBreakerPolicy { failures: 3, open_ms: 1000, probes: 1 };

/// A policy with the breaker on and no retries.
fn braked(change: impl FnOnce(&mut PolicySpec)) -> ExecutionPolicy {
    policy(|spec| {
        spec.circuit_breaker = Some(RULES);
        spec.retry.max_retries = 0;
        spec.max_concurrency = 100;
        change(spec);
    })
}

async fn pass_ms(ms: u64) {
    tokio::time::sleep(Duration::from_millis(ms)).await;
}

/// An executor that is told how often it was called before, and the count of its calls.
fn counting<F>(run: impl Fn(u32) -> F + Send + Sync + 'static) -> (impl Executor, Arc<AtomicU32>)
where
    F: Future<Output = Answer> + Send + 'static,
{
    let calls = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&calls);
    (from_fn(move |_| run(counted.fetch_add(1, Ordering::SeqCst))), calls)
}

fn code(report: &ExecutionReport) -> Option<ReasonCode> {
    report.conclusion.reason_code
}

/// What a breaker that is open says to new work: denied, nothing tried, the code of the layer.
fn assert_held_back(report: &ExecutionReport) {
    let end = report.conclusion;
    assert_eq!((end.status, end.outcome), (ExecutionStatus::Denied, Outcome::NotExecuted));
    assert_eq!((end.reason_code, end.fail_closed), (Some(ReasonCode::RateLimited), false));
    assert!(report.attempts.is_empty());
}

async fn fail(engine: &Engine, times: u32) {
    for _ in 0..times {
        assert_eq!(code(&run(engine, Action::Act).await), Some(ReasonCode::ExecutorFailed));
    }
}

#[tokio::test(start_paused = true)]
async fn a_storm_opens_the_breaker_and_nothing_starts_until_a_probe_closes_it() {
    let (executor, calls) = answering(vec![Answer::not_applied(); 4]);
    let engine = engine(braked(|_| {})).executor(executor).build().unwrap();
    fail(&engine, 3).await;
    for _ in 0..100 {
        assert_held_back(&run(&engine, Action::Act).await);
    }
    pass_ms(999).await;
    assert_held_back(&run(&engine, Action::Act).await);
    assert_eq!(calls.load(Ordering::SeqCst), 3);

    pass_ms(1).await;
    fail(&engine, 1).await;
    assert_held_back(&run(&engine, Action::Act).await);
    pass_ms(1000).await;
    for _ in 0..10 {
        assert_eq!(code(&run(&engine, Action::Act).await), None);
    }
}

/// They were asked for while the breaker was closed, and it opened while they stood in the queue for a slot.
#[tokio::test(start_paused = true)]
async fn what_waits_for_a_slot_does_not_start_once_the_breaker_is_open() {
    let (executor, calls) = counting(|_| async {
        pass_ms(10).await;
        Answer::not_applied()
    });
    let engine = engine(braked(|spec| spec.max_concurrency = 1)).executor(executor).build().unwrap();
    let one = || run(&engine, Action::Act);
    let (first, second, third, fourth, fifth) = tokio::join!(biased; one(), one(), one(), one(), one());
    for report in [first, second, third] {
        assert_eq!(code(&report), Some(ReasonCode::ExecutorFailed));
    }
    assert_held_back(&fourth);
    assert_held_back(&fifth);
    assert_eq!(calls.load(Ordering::SeqCst), 3);
}

#[tokio::test(start_paused = true)]
async fn every_way_in_which_a_target_fails_opens_the_breaker() {
    let (late, _) = hanging();
    let unknown = from_fn(|_| async { Answer::unknown() });
    let broken = from_fn(|_| async { panic!("it broke") as Answer });
    opens(late).await;
    opens(unknown).await;
    opens(broken).await;
}

async fn opens(executor: impl Executor + 'static) {
    let engine = engine(braked(|_| {})).executor(executor).build().unwrap();
    for _ in 0..3 {
        assert_eq!(run(&engine, Action::Act).await.attempts.len(), 1);
    }
    assert_held_back(&run(&engine, Action::Act).await);
}

#[tokio::test(start_paused = true)]
async fn a_success_begins_the_count_anew_and_a_rejection_does_not_touch_it() {
    let (failed, rejected) = (Answer::not_applied, Answer::rejected);
    let answers = vec![failed(), failed(), Answer::applied(), failed(), rejected(), failed(), rejected()];
    let (executor, calls) = answering([answers, vec![rejected(), failed()]].concat());
    let engine = engine(braked(|_| {})).executor(executor).build().unwrap();
    for call in 1..=9 {
        run(&engine, Action::Act).await;
        assert_eq!(calls.load(Ordering::SeqCst), call);
    }
    assert_held_back(&run(&engine, Action::Act).await);
}

#[tokio::test(start_paused = true)]
async fn each_action_has_a_breaker_of_its_own() {
    let (executor, _) = answering(vec![Answer::not_applied(); 3]);
    let engine = engine(braked(|_| {})).executor(executor).build().unwrap();
    fail(&engine, 3).await;
    assert_held_back(&run(&engine, Action::Act).await);
    assert_eq!(code(&run(&engine, Action::Exit).await), None);
}

/// It belongs to the first time that the breaker was half open, and must not count as a probe of the second.
#[tokio::test(start_paused = true)]
async fn a_hung_probe_that_ends_late_changes_nothing() {
    let (executor, calls) = counting(|call| async move {
        match call {
            3 => pass_ms(1500).await,
            5 => {}
            _ => return Answer::not_applied(),
        }
        Answer::applied()
    });
    let rules = CircuitBreakerPolicy { probes: 2, ..RULES };
    let policy = braked(|spec| spec.circuit_breaker = Some(rules));
    let engine = engine(policy).executor(executor).build().unwrap();
    fail(&engine, 3).await;
    pass_ms(1000).await;
    let (hung, ()) = while_running(run(&engine, Action::Act), async {
        fail(&engine, 1).await;
        pass_ms(999).await;
        assert_held_back(&run(&engine, Action::Act).await);
        pass_ms(1).await;
        assert_eq!(code(&run(&engine, Action::Act).await), None, "one of two probes");
    })
    .await;
    assert_eq!((code(&hung), hung.total_latency_ms), (None, 1500));
    fail(&engine, 1).await;
    assert_held_back(&run(&engine, Action::Act).await);
    assert_eq!(calls.load(Ordering::SeqCst), 7);
}

#[tokio::test(start_paused = true)]
async fn while_the_only_probe_is_out_new_work_is_denied() {
    let (executor, _) = counting(|call| async move {
        if call < 3 {
            return Answer::not_applied();
        }
        pass_ms(100).await;
        Answer::applied()
    });
    let engine = engine(braked(|_| {})).executor(executor).build().unwrap();
    fail(&engine, 3).await;
    pass_ms(1000).await;
    let (probe, denied) = while_running(run(&engine, Action::Act), run(&engine, Action::Act)).await;
    assert_eq!(code(&probe), None);
    assert_held_back(&denied);
    assert_eq!(code(&run(&engine, Action::Act).await), None);
}

/// A probe that its caller drops must not keep the breaker half open for ever.
#[tokio::test(start_paused = true)]
async fn a_probe_that_is_dropped_or_cancelled_leaves_its_place_to_the_next() {
    let (executor, calls) = counting(|call| async move {
        match call {
            0..3 => return Answer::not_applied(),
            3 | 4 => std::future::pending::<()>().await,
            _ => {}
        }
        Answer::applied()
    });
    let engine = engine(braked(|_| {})).executor(executor).build().unwrap();
    fail(&engine, 3).await;
    pass_ms(1000).await;
    let dropped = tokio::time::timeout(Duration::from_millis(10), run(&engine, Action::Act)).await;
    assert!(dropped.is_err());
    let (decision, context, cancellation) =
        (FinalDecision::new(Action::Act), Object::new(), Cancellation::new());
    let request = Request { cancellation: Some(&cancellation), ..Request::new(&decision, &context) };
    let cancel = async { engine.cancel(&cancellation) };
    let (cancelled, ()) = while_running(engine.execute(&request), cancel).await;
    assert_eq!(code(&cancelled), Some(ReasonCode::Cancelled));
    assert_eq!(code(&run(&engine, Action::Act).await), None);
    assert_eq!(calls.load(Ordering::SeqCst), 6);
}

#[tokio::test(start_paused = true)]
async fn what_is_refused_or_stopped_here_never_feeds_the_breaker() {
    let (executor, calls) = hanging();
    let change = |spec: &mut PolicySpec| {
        spec.idempotency.enabled = true;
        spec.rate_limit.global = Some(Quota::new(11, 1_000_000));
        spec.rate_limit.max_wait_ms = Some(0);
    };
    let engine = engine(braked(change)).executor(executor).build().unwrap();
    for key in ["a", "b", "c", "d", "e"] {
        // Broken off by the gate, twins of it refused meanwhile.
        let (stopped, (twin, epoch)) = while_running(run_keyed(&engine, Action::Act, key), async {
            let twin = run_keyed(&engine, Action::Act, key).await;
            (twin, engine.gate().engage(Scope::Global, Level::Stop, "test"))
        })
        .await;
        assert_eq!(code(&stopped), Some(ReasonCode::StoppedInFlight));
        assert_eq!(code(&twin), Some(ReasonCode::IdempotencyInProgress));
        assert_eq!(code(&run_keyed(&engine, Action::Act, "f").await), Some(ReasonCode::GateStopped));
        engine.gate().release(Scope::Global, epoch, "test").unwrap();
    }
    assert_eq!(calls.load(Ordering::SeqCst), 5);
    for attempt in 5..11 {
        assert!(is_let_through(&engine, &attempt.to_string()).await);
    }
    for attempt in 11..20 {
        let limited = run_keyed(&engine, Action::Act, &attempt.to_string()).await;
        assert_eq!(code(&limited), Some(ReasonCode::RateLimited));
    }
    assert_eq!(calls.load(Ordering::SeqCst), 11);
    // The breaker has seen none of it: once the quota has room, it lets work through.
    pass_ms(1_000_000).await;
    assert!(is_let_through(&engine, "last").await);
    assert_eq!(calls.load(Ordering::SeqCst), 12);
}

/// Whether an attempt under `key` hangs, and is dropped, rather than being refused.
async fn is_let_through(engine: &Engine, key: &str) -> bool {
    tokio::time::timeout(Duration::from_millis(10), run_keyed(engine, Action::Act, key)).await.is_err()
}

#[tokio::test(start_paused = true)]
async fn a_retry_waits_for_the_breaker_if_there_will_be_time_for_it() {
    let (executor, calls) = answering(vec![Answer::not_applied(); 3]);
    let change = |spec: &mut PolicySpec| {
        spec.retry.max_retries = 5;
        spec.retry.initial_backoff_ms = 0;
    };
    let engine = engine(braked(change)).executor(executor).build().unwrap();
    let report = run(&engine, Action::Act).await;
    assert_eq!(code(&report), None);
    let waits: Vec<_> =
        report.attempts.iter().map(|attempt| (attempt.waited_ms, attempt.wait_reason)).collect();
    assert_eq!(waits, [(0, None), (0, None), (0, None), (1000, Some(WaitReason::RateLimit))]);
    assert_eq!(calls.load(Ordering::SeqCst), 4);
}

#[tokio::test(start_paused = true)]
async fn a_retry_that_the_breaker_leaves_no_time_for_ends_with_its_last_error() {
    let (executor, calls) = answering(vec![Answer::not_applied(); 3]);
    let change = |spec: &mut PolicySpec| {
        spec.retry.max_retries = 5;
        spec.timeout.max_total_time_ms = 1049;
        spec.retry.initial_backoff_ms = 0;
    };
    let engine = engine(braked(change)).executor(executor).build().unwrap();
    let report = run(&engine, Action::Act).await;
    assert_eq!(
        (code(&report), report.conclusion.status),
        (Some(ReasonCode::ExecutorFailed), ExecutionStatus::Failed)
    );
    assert_eq!((report.total_latency_ms, calls.load(Ordering::SeqCst)), (0, 3));
}

#[tokio::test(start_paused = true)]
async fn a_stop_wakes_who_waits_for_the_breaker() {
    let (executor, calls) = answering(vec![Answer::not_applied(); 3]);
    let change = |spec: &mut PolicySpec| {
        spec.retry.max_retries = 5;
        spec.retry.initial_backoff_ms = 0;
    };
    let engine = engine(braked(change)).executor(executor).build().unwrap();
    let stop = async { engine.gate().engage(Scope::Global, Level::Stop, "test") };
    let (report, _) = while_running(run(&engine, Action::Act), stop).await;
    assert_eq!(code(&report), Some(ReasonCode::StoppedInFlight));
    assert_eq!((report.total_latency_ms, calls.load(Ordering::SeqCst)), (0, 3));
}

fn budgeted(budget: RetryBudgetPolicy, change: impl FnOnce(&mut PolicySpec)) -> ExecutionPolicy {
    policy(|spec| {
        spec.retry_budget = Some(budget);
        spec.retry.initial_backoff_ms = 0;
        change(spec);
    })
}

#[tokio::test(start_paused = true)]
async fn retries_stay_in_proportion_to_first_attempts() {
    let (executor, calls) = answering(vec![Answer::not_applied(); 1000]);
    let budget = RetryBudgetPolicy { ratio_per_mille: 100, min_per_second: 0, burst: 2 };
    let engine = engine(budgeted(budget, |_| {})).executor(executor).build().unwrap();
    for _ in 0..100 {
        assert_eq!(code(&run(&engine, Action::Act).await), Some(ReasonCode::ExecutorFailed));
    }
    // One for ten of the hundred, and the two that were there at the start, of which the first deposit found it full.
    let retries = calls.load(Ordering::SeqCst) - 100;
    assert!((11..=12).contains(&retries), "{retries}");
}

#[tokio::test(start_paused = true)]
async fn without_a_token_an_execution_ends_with_its_last_error_and_time_brings_new_ones() {
    let (executor, calls) = answering(vec![Answer::unknown(); 6]);
    let budget = RetryBudgetPolicy { ratio_per_mille: 0, min_per_second: 1, burst: 1 };
    let engine = engine(budgeted(budget, |_| {})).executor(executor).build().unwrap();
    for (called, wait_ms) in [(2, 999), (3, 1), (5, 0), (6, 0)] {
        let report = run(&engine, Action::Act).await;
        assert_eq!((code(&report), report.conclusion.fail_closed), (Some(ReasonCode::UnknownOutcome), true));
        assert_eq!(calls.load(Ordering::SeqCst), called);
        pass_ms(wait_ms).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_key_that_ends_for_want_of_a_retry_is_over_and_replays() {
    let (executor, calls) = answering(vec![Answer::not_applied(); 2]);
    let budget = RetryBudgetPolicy { ratio_per_mille: 0, min_per_second: 0, burst: 1 };
    let policy = keyed(|spec| {
        spec.retry_budget = Some(budget);
        spec.retry.initial_backoff_ms = 1;
    });
    let engine = engine(policy).executor(executor).build().unwrap();
    let first = run_keyed(&engine, Action::Act, "k").await;
    assert_eq!((code(&first), first.attempts.len()), (Some(ReasonCode::ExecutorFailed), 2));
    let replay = run_keyed(&engine, Action::Act, "k").await;
    assert!(replay.replayed);
    assert_eq!((code(&replay), calls.load(Ordering::SeqCst)), (Some(ReasonCode::ExecutorFailed), 2));
}

/// Of a key that a dead execution left open, a further attempt is a retry; refused, it leaves the key open.
#[tokio::test(start_paused = true)]
async fn a_resumed_key_needs_a_token_too() {
    let (executor, calls) = answering(vec![Answer::not_applied(); 3]);
    let policy = keyed(|spec| {
        spec.retry_budget = Some(RetryBudgetPolicy { ratio_per_mille: 0, min_per_second: 1, burst: 1 });
        spec.retry.max_retries = 1;
        spec.retry.initial_backoff_ms = 100;
    });
    let engine = engine(policy).executor(executor).build().unwrap();
    assert!(is_let_through(&engine, "k").await, "dropped in its backoff");
    assert_eq!(code(&run_keyed(&engine, Action::Act, "other").await), Some(ReasonCode::ExecutorFailed));
    assert_eq!(calls.load(Ordering::SeqCst), 3);

    let refused = run_keyed(&engine, Action::Act, "k").await;
    assert_eq!(
        (code(&refused), refused.conclusion.status),
        (Some(ReasonCode::RateLimited), ExecutionStatus::Denied)
    );
    pass_ms(1000).await;
    let resumed = run_keyed(&engine, Action::Act, "k").await;
    assert_eq!((code(&resumed), resumed.attempts.len()), (None, 2));
    assert_eq!(calls.load(Ordering::SeqCst), 4);
}

/// Two retries wait for the breaker: one becomes the probe, and the other waits for what it comes to.
#[tokio::test(start_paused = true)]
async fn a_retry_waits_for_the_end_of_the_probe_too() {
    let (executor, calls) = counting(|call| async move {
        if call < 4 {
            return Answer::not_applied();
        }
        pass_ms(300).await;
        Answer::applied()
    });
    let change = |spec: &mut PolicySpec| {
        spec.circuit_breaker = Some(CircuitBreakerPolicy { failures: 4, ..RULES });
        spec.retry.max_retries = 5;
        spec.retry.initial_backoff_ms = 1;
    };
    let engine = engine(braked(change)).executor(executor).build().unwrap();
    let (first, second) = while_running(run(&engine, Action::Act), run(&engine, Action::Act)).await;
    let ends = [&first, &second].map(|report| (code(report), report.total_latency_ms));
    assert_eq!(ends, [(None, 1301), (None, 1601)]);
    assert_eq!(calls.load(Ordering::SeqCst), 6);
}

#[tokio::test]
async fn a_bare_call_has_no_state_for_brakes_and_says_so() {
    let (executor, calls) = answering(vec![]);
    let budget = RetryBudgetPolicy::new(100);
    for policy in [braked(|_| {}), budgeted(budget, |_| {})] {
        let decision = FinalDecision::new(Action::Act);
        let report = failstop::execute(&decision, &Object::new(), &policy, &executor).await;
        assert_eq!(code(&report), Some(ReasonCode::PolicyNeedsEngine));
    }
    assert_eq!(calls.load(Ordering::SeqCst), 0);
}
