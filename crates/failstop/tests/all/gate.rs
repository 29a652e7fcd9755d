//! INV-EXE-4 through the driver: the gate is looked at all along, and reaches whatever waits or runs.

use std::{
    path::Path,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use decision_schema::{Action, FinalDecision, Object, Value};
use failstop::{
    Engine, Request, StopNotProven,
    core::{
        model::{Effect, ExecutionStatus, Outcome, ReasonCode, Stopped},
        policies::{ActionSet, Quota},
        stop::{Level, Scope, StopCode},
    },
    executor::{Answer, Attempt, blocking, from_fn},
    gate::{Gate, ReleaseError, WatchedFile},
    ledger::Started,
};

use crate::support::{
    Meddled, answering, engine, hanging, keyed, object, patient, policy, run, while_running,
};

#[tokio::test(start_paused = true)]
async fn inv_exe_4_an_engaged_gate_denies_before_the_executor_is_entered() {
    for level in [Level::Drain, Level::Stop, Level::Halt] {
        let (executor, calls) = answering(vec![]);
        let engine = engine(policy(|_| {})).executor(executor).build().unwrap();
        engine.gate().engage(Scope::Global, level, "drill");
        let report = run(&engine, Action::Act).await;
        assert_eq!(report.conclusion.reason_code, Some(ReasonCode::GateStopped));
        assert_eq!(report.conclusion.status, ExecutionStatus::Denied);
        assert_eq!(report.gate.map(|gate| (gate.level, gate.epoch)), Some((level, 2)));
        assert_eq!(calls.load(Ordering::SeqCst), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_gate_of_one_action_leaves_the_others_alone() {
    let (executor, _) = answering(vec![]);
    let engine = engine(policy(|_| {})).executor(executor).build().unwrap();
    engine.gate().engage(Scope::Action(Action::Act), Level::Stop, "drill");
    assert_eq!(run(&engine, Action::Act).await.conclusion.reason_code, Some(ReasonCode::GateStopped));
    assert_eq!(run(&engine, Action::Exit).await.conclusion.status, ExecutionStatus::Success);
}

#[tokio::test(start_paused = true)]
async fn inv_exe_4_the_context_can_stop_its_own_execution() {
    let (executor, calls) = answering(vec![]);
    let engine = engine(policy(|_| {})).executor(executor).build().unwrap();
    for context in [
        object([("ops_deny_actions", Value::from(true))]),
        object([("ops_deny_actions", Value::from(0))]),
        object([("ops_state", Value::from("RED"))]),
        object([("ops_cooldown_until_ms", Value::from(10)), ("now_ms", Value::from(9))]),
        object([("ops_cooldown_until_ms", Value::from(10))]),
    ] {
        let decision = FinalDecision::new(Action::Act);
        let report = engine.execute(&Request::new(&decision, &context)).await;
        assert_eq!(report.conclusion.reason_code, Some(ReasonCode::GateStopped), "{context:?}");
    }
    assert_eq!(calls.load(Ordering::SeqCst), 0);
}

#[tokio::test(start_paused = true)]
async fn inv_exe_4_a_stop_wakes_a_backoff_at_once() {
    let (executor, calls) = answering(vec![Answer::not_applied()]);
    let engine =
        engine(policy(|spec| spec.retry.initial_backoff_ms = 5000)).executor(executor).build().unwrap();
    let stop = async { engine.gate().engage(Scope::Global, Level::Stop, "drill") };
    let (report, _) = while_running(run(&engine, Action::Act), stop).await;
    assert_eq!(report.conclusion.reason_code, Some(ReasonCode::StoppedInFlight));
    assert_eq!(report.conclusion.outcome, Outcome::NotExecuted);
    assert_eq!((report.total_latency_ms, calls.load(Ordering::SeqCst)), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn a_drain_lets_running_executions_finish_their_retries() {
    let (executor, calls) = answering(vec![Answer::not_applied()]);
    let engine = engine(policy(|_| {})).executor(executor).build().unwrap();
    let drain = async { engine.gate().engage(Scope::Global, Level::Drain, "deploy") };
    let (report, _) = while_running(run(&engine, Action::Act), drain).await;
    assert_eq!(report.conclusion.status, ExecutionStatus::Success);
    assert_eq!(calls.load(Ordering::SeqCst), 2);
}

#[tokio::test(start_paused = true)]
async fn inv_exe_4_a_stop_wakes_who_waits_for_a_rate_limit_or_a_slot() {
    let quota = Quota::new(1, 3_600_000);
    let limited = policy(|spec| {
        spec.rate_limit.global = Some(quota);
        spec.max_concurrency = 8;
    });
    let (executor, _) = answering(vec![]);
    let rated = engine(limited).executor(executor).build().unwrap();
    run(&rated, Action::Act).await;
    let stop = async { rated.gate().engage(Scope::Global, Level::Stop, "drill") };
    let (report, _) = while_running(run(&rated, Action::Act), stop).await;
    assert_eq!(report.conclusion.reason_code, Some(ReasonCode::GateStopped));
    assert_eq!(report.total_latency_ms, 0);

    let (executor, calls) = hanging();
    let crowded = engine(policy(|_| {})).executor(executor).build().unwrap();
    let both = async { tokio::join!(biased; run(&crowded, Action::Act), run(&crowded, Action::Act)) };
    let stop = async { crowded.gate().engage(Scope::Global, Level::Stop, "drill") };
    let ((first, second), _) = while_running(both, stop).await;
    assert_eq!(first.conclusion.reason_code, Some(ReasonCode::StoppedInFlight));
    assert_eq!(second.conclusion.reason_code, Some(ReasonCode::GateStopped));
    assert_eq!(calls.load(Ordering::SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn inv_exe_4_a_stop_reaches_an_attempt_in_flight() {
    let (executor, _) = hanging();
    let engine = engine(policy(|_| {})).executor(executor).build().unwrap();
    let stop = async { engine.gate().engage(Scope::Global, Level::Stop, "drill") };
    let (report, epoch) = while_running(run(&engine, Action::Act), stop).await;
    assert_eq!(report.conclusion.reason_code, Some(ReasonCode::StoppedInFlight));
    assert_eq!(report.conclusion.outcome, Outcome::Unknown);
    assert_eq!(report.attempts[0].stopped, Some(Stopped::Confirmed));
    assert_eq!(report.gate.map(|gate| gate.epoch), Some(epoch));
    assert_eq!(report.total_latency_ms, 0, "an executor that does not listen is dropped at once");
}

#[tokio::test(start_paused = true)]
async fn an_executor_that_listens_has_the_grace_to_end_well() {
    let executor = from_fn(|attempt: Attempt<'_>| {
        let cancel = attempt.cancel();
        async move {
            cancel.at_least(failstop::executor::Urgency::Signal).await;
            tokio::time::sleep(Duration::from_secs(1)).await;
            Answer::not_applied()
        }
    });
    let engine = engine(policy(|_| {})).executor(executor).build().unwrap();
    let stop = async { engine.gate().engage(Scope::Global, Level::Stop, "drill") };
    let (report, _) = while_running(run(&engine, Action::Act), stop).await;
    assert_eq!(report.attempts[0].effect, Effect::NotApplied);
    assert_eq!(report.attempts[0].stopped, Some(Stopped::Confirmed));
    assert_eq!(report.conclusion.outcome, Outcome::NotExecuted);
    assert_eq!(report.conclusion.reason_code, Some(ReasonCode::StoppedInFlight));
    assert_eq!(report.total_latency_ms, 1000);
}

#[tokio::test(start_paused = true)]
async fn a_halt_does_not_wait_for_who_listens() {
    let executor = from_fn(|attempt: Attempt<'_>| {
        let cancel = attempt.cancel();
        async move {
            cancel.at_least(failstop::executor::Urgency::Signal).await;
            std::future::pending::<Answer>().await
        }
    });
    let engine = engine(policy(|_| {})).executor(executor).build().unwrap();
    let halt = async { engine.gate().engage(Scope::Global, Level::Halt, "fire") };
    let (report, _) = while_running(run(&engine, Action::Act), halt).await;
    assert_eq!(report.attempts[0].stopped, Some(Stopped::Confirmed));
    assert_eq!(report.total_latency_ms, 0);
}

#[tokio::test(start_paused = true)]
async fn a_blocking_closure_that_does_not_end_is_unconfirmed_after_the_grace() {
    let (release, wait) = std::sync::mpsc::channel::<()>();
    let wait = std::sync::Mutex::new(wait);
    let executor = blocking(move |_| {
        let _ = wait.lock().unwrap().recv();
        (true, None)
    });
    let engine = engine(policy(|_| {})).executor(executor).build().unwrap();
    let stop = async { engine.gate().engage(Scope::Global, Level::Stop, "drill") };
    let (report, _) = while_running(run(&engine, Action::Act), stop).await;
    assert_eq!(report.attempts[0].stopped, Some(Stopped::Unconfirmed));
    assert_eq!(report.conclusion.outcome, Outcome::Unknown);
    assert_eq!(report.total_latency_ms, 2000);
    drop(release);
}

#[tokio::test(start_paused = true)]
async fn safe_state_actions_pass_drain_and_stop_but_never_halt() {
    let allowing = policy(|spec| spec.allow_when_stopped = ActionSet::EMPTY.with(Action::Stop));
    let (executor, _) = answering(vec![]);
    let engine = engine(allowing).executor(executor).build().unwrap();
    engine.gate().engage(Scope::Global, Level::Stop, "drill");
    assert_eq!(run(&engine, Action::Stop).await.conclusion.status, ExecutionStatus::Success);
    assert_eq!(run(&engine, Action::Act).await.conclusion.reason_code, Some(ReasonCode::GateStopped));
    engine.gate().engage(Scope::Global, Level::Halt, "fire");
    assert_eq!(run(&engine, Action::Stop).await.conclusion.reason_code, Some(ReasonCode::GateStopped));
}

#[test]
fn a_release_wants_the_epoch_and_a_reason() {
    let gate = Gate::new();
    let epoch = gate.engage(Scope::Global, Level::Stop, "drill");
    assert_eq!(
        gate.engage(Scope::Global, Level::Drain, "less"),
        epoch,
        "a latch is never lowered by engaging"
    );
    assert_eq!(gate.release(Scope::Global, epoch, " "), Err(ReleaseError::ReasonMissing));
    let mismatch = ReleaseError::EpochMismatch { expected: epoch - 1, actual: epoch };
    assert_eq!(gate.release(Scope::Global, epoch - 1, "over"), Err(mismatch));
    assert_eq!(gate.release(Scope::Global, epoch, "over"), Ok(epoch + 1));
    assert_eq!(gate.entries()[0].level, Level::Run);
    assert_eq!(gate.entries()[0].reason, "over");
}

#[tokio::test]
async fn a_watched_file_stops_while_it_exists() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("STOP");
    let gate = Gate::with_sources(Some(WatchedFile::open(&file).unwrap()), 0);
    let (executor, _) = answering(vec![]);
    let engine = engine(policy(|_| {})).gate(gate).executor(executor).build().unwrap();
    assert_eq!(run(&engine, Action::Act).await.conclusion.status, ExecutionStatus::Success);
    std::fs::write(&file, "").unwrap();
    assert_eq!(run(&engine, Action::Act).await.conclusion.reason_code, Some(ReasonCode::GateStopped));
    std::fs::remove_file(&file).unwrap();
    assert_eq!(run(&engine, Action::Act).await.conclusion.status, ExecutionStatus::Success);
    std::os::unix::fs::symlink(Path::new("nowhere"), &file).unwrap();
    assert_eq!(run(&engine, Action::Act).await.conclusion.reason_code, Some(ReasonCode::GateStopped));
}

#[tokio::test]
async fn a_watched_file_reaches_work_in_flight() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("STOP");
    let gate = Gate::with_sources(Some(WatchedFile::open(&file).unwrap()), 0);
    let (executor, _) = hanging();
    let engine = engine(patient(|_| {})).gate(gate).executor(executor).build().unwrap();
    let stop = async { std::fs::write(&file, "").unwrap() };
    let (report, ()) = while_running(run(&engine, Action::Act), stop).await;
    assert_eq!(report.conclusion.reason_code, Some(ReasonCode::StoppedInFlight));
}

#[tokio::test]
async fn inv_exe_4_a_gate_whose_directory_was_exchanged_is_unreadable() {
    let directory = tempfile::tempdir().unwrap();
    let watched = directory.path().join("gate");
    std::fs::create_dir(&watched).unwrap();
    let gate = Gate::with_sources(Some(WatchedFile::open(&watched.join("STOP")).unwrap()), 0);
    let allowing = policy(|spec| spec.allow_when_stopped = ActionSet::EMPTY.with(Action::Stop));
    let (executor, calls) = answering(vec![]);
    let engine = engine(allowing).gate(gate).executor(executor).build().unwrap();
    std::fs::rename(&watched, directory.path().join("moved")).unwrap();
    std::fs::create_dir(&watched).unwrap();
    for action in [Action::Act, Action::Stop] {
        let report = run(&engine, action).await;
        assert_eq!(report.conclusion.reason_code, Some(ReasonCode::GateUnreadable));
        assert!(report.conclusion.fail_closed);
    }
    assert_eq!(calls.load(Ordering::SeqCst), 0);
}

#[tokio::test(start_paused = true)]
async fn inv_exe_4_a_gate_that_is_not_refreshed_is_stale() {
    let gate = Gate::with_sources(None, 1000);
    let (executor, _) = answering(vec![]);
    let engine = engine(policy(|_| {})).gate(gate.clone()).executor(executor).build().unwrap();
    assert_eq!(run(&engine, Action::Act).await.conclusion.status, ExecutionStatus::Success);
    tokio::time::advance(Duration::from_millis(1002)).await;
    assert_eq!(run(&engine, Action::Act).await.conclusion.reason_code, Some(ReasonCode::GateStale));
    gate.refresh();
    assert_eq!(run(&engine, Action::Act).await.conclusion.status, ExecutionStatus::Success);
}

#[tokio::test(start_paused = true)]
async fn a_dropped_execution_gives_its_slot_back() {
    let (executor, _) = hanging();
    let engine = engine(policy(|_| {})).executor(executor).build().unwrap();
    let cut = tokio::time::timeout(Duration::from_millis(10), run(&engine, Action::Act)).await;
    assert!(cut.is_err());
    let decision = FinalDecision::new(Action::Act);
    let (other, _) = answering(vec![]);
    let report = engine.execute_with(&Request::new(&decision, &Object::new()), &other).await;
    assert_eq!(report.conclusion.status, ExecutionStatus::Success);
}

#[test]
fn engaging_a_scope_that_cannot_be_latched_stops_everything() {
    let gate = Gate::new();
    gate.engage(Scope::Context, Level::Stop, "drill");
    assert!(Action::ALL.into_iter().all(|action| gate.verdict(action).level == Level::Stop));
    assert_eq!(
        gate.release(Scope::Context, 2, "over"),
        Err(ReleaseError::NotLatched { scope: Scope::Context })
    );
}

/// What the gate refuses is reported before a machine is made; the machine would have said the same.
#[tokio::test(start_paused = true)]
async fn an_early_refusal_says_what_the_machine_would() {
    use failstop::core::{
        orchestrator::{Admission, Input, Machine, Outputs},
        time::Timestamp,
    };
    let (executor, _) = answering(vec![]);
    let engine = engine(policy(|_| {})).executor(executor).build().unwrap();
    engine.gate().engage(Scope::Global, Level::Stop, "drill");
    let report = run(&engine, Action::Act).await;
    let decision = FinalDecision::new(Action::Act);
    let context = Object::new();
    let mut machine = Machine::new(engine.plan(&Request::new(&decision, &context)), true);
    let verdict = engine.gate().verdict(Action::Act);
    let admission = Admission { verdict, allowed: true, refusal: None, throttle_ms: 0 };
    machine.handle(Timestamp::from_nanos(0), Input::Admit(admission), &mut Outputs::new());
    assert_eq!((Some(report.conclusion), report.gate), (machine.conclusion(), machine.gate()));
}

#[tokio::test]
async fn the_self_test_passes_where_a_stop_stops_and_finds_a_start_step_that_does_not() {
    let executor = || answering(vec![]).0;
    let sound = engine(keyed(|_| {})).executor(executor()).build().unwrap();
    assert_eq!(sound.prove_stop().await, Ok(()));
    assert_eq!(sound.keys_in_progress(), 0);
    let exempting = keyed(|spec| spec.allow_when_stopped = ActionSet::from_iter(Action::ALL));
    assert_eq!(engine(exempting).executor(executor()).build().unwrap().prove_stop().await, Ok(()));
    let starts_whatever_it_is_asked_to = Meddled::after_start(|_| Ok(Started { fence: 1, lock: None }));
    let reckless = Engine::builder(keyed(|_| {})).ledger(Arc::new(starts_whatever_it_is_asked_to));
    let reckless = reckless.executor(executor()).build().unwrap();
    assert_eq!(reckless.prove_stop().await, Err(StopNotProven));
}

/// A gate that only a ledger shared was once stale for ever.
#[tokio::test(start_paused = true)]
async fn a_shared_gate_is_fresh_while_it_is_read_and_stale_when_it_is_not() {
    let gate = Gate::with_sources(None, 1_000);
    gate.reflect(Some(&[]));
    tokio::time::advance(Duration::from_millis(900)).await;
    assert_eq!(gate.verdict(Action::Act).level, Level::Run, "nobody need say more than the shared gate does");
    tokio::time::advance(Duration::from_millis(200)).await;
    let stale = gate.verdict(Action::Act);
    assert_eq!((stale.level, stale.code), (Level::Stop, StopCode::Stale));
    gate.refresh();
    assert_eq!(gate.verdict(Action::Act).code, StopCode::Stale, "no source speaks for another");
    gate.reflect(Some(&[]));
    assert_eq!(gate.verdict(Action::Act).level, Level::Run);
}
