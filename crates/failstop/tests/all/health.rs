//! Health: an error storm bars starts by itself, and they open again by themselves.

use std::{sync::atomic::Ordering, time::Duration};

use decision_schema::{Action, FinalDecision, Object};
use failstop::{
    Engine, EngineBuilder, Request,
    core::{
        model::{ExecutionReport, ExecutionStatus, Outcome, ReasonCode},
        policies::{ActionSet, ExecutionPolicy},
        stop::{Level, Scope},
    },
    executor::{Answer, Attempt, from_fn},
    health_core::{HealthPolicy, HealthSpec, HealthState},
};

use crate::support::{answering, engine, hanging, keyed, policy, run, run_keyed, while_running};

/// Three errors, or three rate-limit answers, in ten seconds are a storm; it denies for five seconds.
fn touchy() -> HealthPolicy {
    HealthPolicy::new(HealthSpec {
        window_ms: 10_000,
        max_errors_per_window: 3,
        max_429_per_window: 3,
        cooldown_ms: 5000,
        weight_errors: 1.0,
        weight_429: 1.0,
        ..HealthSpec::default()
    })
    .unwrap()
}

fn watched(policy: ExecutionPolicy) -> EngineBuilder {
    engine(policy).health(touchy())
}

fn no_retries() -> ExecutionPolicy {
    policy(|spec| spec.retry.max_retries = 0)
}

fn is_denied_by_health(report: &ExecutionReport) -> bool {
    let stamp = report.gate.map(|gate| (gate.scope, gate.level, gate.epoch));
    report.conclusion.reason_code == Some(ReasonCode::GateStopped)
        && stamp == Some((Scope::Global, Level::Stop, 0))
        && report.attempts.is_empty()
}

fn state(engine: &Engine) -> HealthState {
    engine.health(0).unwrap().state
}

#[tokio::test(start_paused = true)]
async fn an_error_storm_bars_starts_and_they_open_again_by_themselves() {
    let (executor, calls) = answering(vec![Answer::unknown(); 3]);
    let engine = watched(no_retries()).executor(executor).build().unwrap();
    for _ in 0..3 {
        run(&engine, Action::Act).await;
    }
    assert_eq!(state(&engine), HealthState::Red);
    assert!(is_denied_by_health(&run(&engine, Action::Act).await));
    assert!(is_denied_by_health(&run(&engine, Action::Exit).await), "the storm is everybody's");
    assert_eq!(calls.load(Ordering::SeqCst), 3);

    // The first cooldown is over, but the storm still stands in the window: a second one begins.
    tokio::time::advance(Duration::from_millis(5001)).await;
    assert!(is_denied_by_health(&run(&engine, Action::Act).await));
    tokio::time::advance(Duration::from_millis(5001)).await;
    assert_eq!(run(&engine, Action::Act).await.conclusion.status, ExecutionStatus::Success);
    assert_eq!(state(&engine), HealthState::Green);
}

#[tokio::test(start_paused = true)]
async fn what_counts_is_what_targets_do_and_not_what_is_refused_here() {
    for (answer, trips) in [
        (Answer::applied(), false),
        (Answer::rejected(), false),
        (Answer::not_applied(), true),
        (Answer::not_applied().with_retry_after_ms(10), true),
        (Answer::not_applied().with_code("http_429"), true),
        (Answer::unknown(), true),
    ] {
        let (executor, _) = answering(vec![answer.clone(); 3]);
        let engine = watched(no_retries()).executor(executor).build().unwrap();
        for _ in 0..3 {
            run(&engine, Action::Act).await;
        }
        assert_eq!(is_denied_by_health(&run(&engine, Action::Act).await), trips, "{answer:?}");
    }
    let (executor, _) = answering(vec![]);
    let engine = watched(no_retries()).executor(executor).build().unwrap();
    let epoch = engine.gate().engage(Scope::Global, Level::Stop, "drill");
    for _ in 0..10 {
        run(&engine, Action::Act).await;
    }
    engine.gate().release(Scope::Global, epoch, "over").unwrap();
    assert_eq!(run(&engine, Action::Act).await.conclusion.status, ExecutionStatus::Success);
}

#[tokio::test(start_paused = true)]
async fn answers_that_ask_for_a_wait_are_rate_limits_and_not_errors() {
    let limits_only = HealthPolicy::new(HealthSpec { weight_errors: 0.0, ..*touchy().spec() }).unwrap();
    for (answer, trips) in [
        (Answer::not_applied(), false),
        (Answer::unknown().with_retry_after_ms(10), false),
        (Answer::not_applied().with_retry_after_ms(10), true),
    ] {
        let (executor, _) = answering(vec![answer.clone(); 3]);
        let engine = engine(no_retries()).health(limits_only).executor(executor).build().unwrap();
        for _ in 0..3 {
            run(&engine, Action::Act).await;
        }
        assert_eq!(is_denied_by_health(&run(&engine, Action::Act).await), trips, "{answer:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn panics_and_timeouts_are_errors_and_long_latencies_count() {
    let executor = from_fn(|_| -> std::future::Ready<Answer> { panic!("a storm") });
    let engine_of_panics = watched(no_retries()).executor(executor).build().unwrap();
    let (executor, _) = hanging();
    let engine_of_timeouts = watched(no_retries()).executor(executor).build().unwrap();
    for engine in [&engine_of_panics, &engine_of_timeouts] {
        assert_eq!(state(engine), HealthState::Green);
        for _ in 0..3 {
            run(engine, Action::Act).await;
        }
        assert_eq!(state(engine), HealthState::Red);
    }

    let slow = from_fn(|_| async {
        tokio::time::sleep(Duration::from_millis(800)).await;
        Answer::applied()
    });
    let spec =
        HealthSpec { max_p95_latency_ms: 400, weight_latency: 1.0, weight_errors: 0.0, ..*touchy().spec() };
    let engine =
        engine(no_retries()).health(HealthPolicy::new(spec).unwrap()).executor(slow).build().unwrap();
    assert_eq!(run(&engine, Action::Act).await.conclusion.status, ExecutionStatus::Success);
    assert!(is_denied_by_health(&run(&engine, Action::Act).await));
}

#[tokio::test(start_paused = true)]
async fn a_storm_ends_retries_and_wakes_who_waits_but_lets_what_runs_end() {
    let executor = from_fn(|attempt: Attempt<'_>| {
        let action = attempt.action;
        async move {
            if action == Action::Exit {
                tokio::time::sleep(Duration::from_secs(1)).await;
                return Answer::applied();
            }
            Answer::not_applied()
        }
    });
    let patient = policy(|spec| {
        spec.retry.initial_backoff_ms = 2000;
        spec.max_concurrency = 8;
    });
    let engine = watched(patient).executor(executor).build().unwrap();
    let healthy = run(&engine, Action::Exit);
    let storm = async {
        tokio::join!(biased; run(&engine, Action::Act), run(&engine, Action::Act), run(&engine, Action::Act))
    };
    let (healthy, (first, _, third)) = while_running(healthy, storm).await;
    assert_eq!(healthy.conclusion.status, ExecutionStatus::Success);
    assert_eq!((healthy.attempts[0].stopped, healthy.total_latency_ms), (None, 1000));
    for ended in [first, third] {
        assert_eq!(ended.conclusion.reason_code, Some(ReasonCode::StoppedInFlight));
        assert_eq!(ended.conclusion.outcome, Outcome::NotExecuted);
        assert_eq!((ended.attempts.len(), ended.total_latency_ms), (1, 0), "its backoff was ended");
    }
}

#[tokio::test(start_paused = true)]
async fn a_second_storm_is_heard_as_the_first_was() {
    let answers =
        [vec![Answer::unknown(); 3], vec![Answer::applied()], vec![Answer::not_applied(); 3]].concat();
    let (executor, _) = answering(answers);
    let policy = policy(|spec| (spec.retry.initial_backoff_ms, spec.max_concurrency) = (2000, 8));
    let engine = watched(policy).executor(executor).build().unwrap();
    let all = || async {
        tokio::join!(biased; run(&engine, Action::Act), run(&engine, Action::Act), run(&engine, Action::Act))
    };
    all().await;
    assert!(is_denied_by_health(&run(&engine, Action::Act).await));
    tokio::time::advance(Duration::from_millis(10_001)).await;
    assert_eq!(run(&engine, Action::Act).await.conclusion.status, ExecutionStatus::Success);
    let (first, ..) = all().await;
    assert_eq!(first.conclusion.reason_code, Some(ReasonCode::StoppedInFlight));
    assert_eq!(first.total_latency_ms, 0, "its backoff was ended");
}

#[tokio::test(start_paused = true)]
async fn attempts_that_are_broken_off_are_nobodys_errors() {
    let (executor, _) = hanging();
    let wide = policy(|spec| spec.max_concurrency = 8);
    let engine = watched(wide).executor(executor).build().unwrap();
    let running = async {
        tokio::join!(biased; run(&engine, Action::Act), run(&engine, Action::Act), run(&engine, Action::Act))
    };
    let stop = async { engine.gate().engage(Scope::Global, Level::Stop, "drill") };
    let ((report, ..), _) = while_running(running, stop).await;
    assert_eq!(report.conclusion.outcome, Outcome::Unknown);
    assert_eq!(state(&engine), HealthState::Green);
}

#[tokio::test(start_paused = true)]
async fn safe_state_actions_pass_and_keys_are_not_burnt() {
    let allowing = keyed(|spec| {
        spec.retry.max_retries = 0;
        spec.allow_when_stopped = ActionSet::EMPTY.with(Action::Stop);
    });
    let (executor, _) = answering(vec![Answer::unknown(); 3]);
    let engine = watched(allowing).executor(executor).build().unwrap();
    for key in ["a", "b", "c"] {
        run_keyed(&engine, Action::Act, key).await;
    }
    assert!(is_denied_by_health(&run_keyed(&engine, Action::Act, "d").await));
    assert_eq!(run_keyed(&engine, Action::Stop, "e").await.conclusion.status, ExecutionStatus::Success);
    tokio::time::advance(Duration::from_millis(5001)).await;
    // Whoever asks in between keeps the cooldown going, as long as the storm stands in the window.
    assert!(engine.health(0).unwrap().deny_actions);
    tokio::time::advance(Duration::from_millis(5001)).await;
    assert_eq!(run_keyed(&engine, Action::Act, "d").await.conclusion.status, ExecutionStatus::Success);
}

#[tokio::test(start_paused = true)]
async fn a_signal_speaks_in_the_askers_time() {
    let (executor, _) = answering(vec![Answer::unknown(); 3]);
    let engine = watched(no_retries()).executor(executor).build().unwrap();
    assert_eq!(engine.health(1_000_000).unwrap().cooldown_until_ms, None);
    for _ in 0..3 {
        run(&engine, Action::Act).await;
    }
    tokio::time::advance(Duration::from_secs(1)).await;
    assert_eq!(engine.health(1_000_000).unwrap().cooldown_until_ms, Some(1_004_000));
}

#[tokio::test(start_paused = true)]
async fn an_engine_that_nobody_watches_never_trips() {
    let (executor, _) = answering(vec![Answer::unknown(); 100]);
    let engine = engine(no_retries()).executor(executor).build().unwrap();
    let decision = FinalDecision::new(Action::Act);
    for _ in 0..100 {
        let report = engine.execute(&Request::new(&decision, &Object::new())).await;
        assert_eq!(report.conclusion.outcome, Outcome::Unknown);
    }
    assert_eq!(engine.health(0), None);
}
