//! Whole executions through engines on the ledger.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use decision_schema::{Action, FinalDecision, Object, Value};
use failstop::{
    Engine, Request,
    core::{
        model::{EffectClass, ExecutionReport, ExecutionStatus, Outcome, ReasonCode},
        policies::OnInProgress,
        stop::{Level, Scope},
    },
    executor::{Answer, from_fn},
    ledger::Ledger,
};
use tokio::{sync::Notify, task::JoinSet};

use crate::{
    Bench,
    execution::{bytes, settle},
    submission::{answering, engine, policy, submit, submit_and_drop},
};

const ONCE: EffectClass = EffectClass::NonIdempotent;
const OFTEN: EffectClass = EffectClass::NaturallyIdempotent;

/// INV-FS-2: of every end that is known, by the same engine and after its owner's death.
pub async fn a_replay_is_the_first_report<B: Bench>() {
    let output = || Value::from("x".repeat(60_000));
    let scripts = [
        vec![Answer::applied().with_output(output())],
        vec![Answer::rejected().with_code("no_such_thing")],
        vec![Answer::not_applied(), Answer::applied()],
        vec![Answer::not_applied(); 4],
    ];
    for script in scripts {
        let bench = B::new();
        let ledger = bench.open().await;
        let (executor, calls) = answering(script.clone(), ONCE);
        let first_engine = engine(&ledger, policy(|_| {}), executor);
        let first = submit(&first_engine, Action::Act, "k").await;
        assert_eq!(calls.count() as usize, script.len());
        assert_replays(&submit(&first_engine, Action::Act, "k").await, &first);
        drop(first_engine);
        bench.kill(ledger).await;

        let ledger = bench.open().await;
        let (executor, calls) = answering(vec![], ONCE);
        assert_replays(&submit(&engine(&ledger, policy(|_| {}), executor), Action::Act, "k").await, &first);
        assert_eq!(calls.count(), 0, "INV-FS-1");
    }
}

fn assert_replays(replay: &ExecutionReport, first: &ExecutionReport) {
    assert!(replay.replayed && !first.replayed);
    assert_eq!(bytes(replay), bytes(first));
}

/// INV-FS-1: its report is shown instead.
pub async fn an_unknown_effect_is_never_repeated<B: Bench>() {
    let bench = B::new();
    let ledger = bench.open().await;
    let (executor, _) = answering(vec![Answer::not_applied(), Answer::unknown()], ONCE);
    let first = submit(&engine(&ledger, policy(|_| {}), executor), Action::Act, "k").await;
    assert_eq!(first.conclusion.reason_code, Some(ReasonCode::UnknownOutcome));
    for class in [ONCE, OFTEN] {
        let (executor, calls) = answering(vec![], class);
        let later = submit(&engine(&ledger, policy(|_| {}), executor), Action::Act, "k").await;
        assert_in_doubt(&later);
        assert_eq!((later.execution_id, &later.attempts), (first.execution_id, &first.attempts));
        assert_eq!(calls.count(), 0);
    }
}

fn assert_in_doubt(report: &ExecutionReport) {
    assert!(report.replayed && report.conclusion.fail_closed);
    assert_eq!(report.conclusion.reason_code, Some(ReasonCode::InDoubt));
    assert_eq!(report.conclusion.status, ExecutionStatus::Failed);
    assert_eq!(report.conclusion.outcome, Outcome::Unknown);
}

/// In each state that a key can be left in: succeeded, failed, in doubt, started.
pub async fn another_decision_under_the_key_is_refused<B: Bench>() {
    let bench = B::new();
    let ledger = bench.open().await;
    let answers = vec![Answer::applied(), Answer::rejected(), Answer::unknown()];
    let (executor, calls) = answering(answers, ONCE);
    let engine = engine(&ledger, policy(|_| {}), executor);
    for key in ["succeeded", "failed", "in doubt"] {
        submit(&engine, Action::Act, key).await;
    }
    submit_and_drop(&engine, Action::Act, "started", &calls, 4).await;
    for key in ["succeeded", "failed", "in doubt", "started"] {
        let refused = submit(&engine, Action::Exit, key).await;
        assert_eq!(refused.conclusion.reason_code, Some(ReasonCode::IdempotencyKeyReused), "{key}");
        assert_eq!(refused.conclusion.outcome, Outcome::NotExecuted);
        assert!(refused.attempts.is_empty());
    }
    assert_eq!(calls.count(), 4);
}

/// Neither the gate's nor the decision's own, nor a skip.
pub async fn a_denial_burns_no_key<B: Bench>() {
    let bench = B::new();
    let ledger = bench.open().await;
    let (executor, calls) = answering(vec![Answer::applied()], ONCE);
    let engine = engine(&ledger, policy(|_| {}), executor);
    let epoch = engine.gate().engage(Scope::Global, Level::Stop, "drill");
    let denied = submit(&engine, Action::Act, "k").await;
    assert_eq!(denied.conclusion.reason_code, Some(ReasonCode::GateStopped));
    engine.gate().release(Scope::Global, epoch, "over").expect("nobody else changed it");
    let forbidden = FinalDecision { allowed: false, ..FinalDecision::new(Action::Act) };
    let context = Object::new();
    let request = Request { idempotency_key: Some("k"), ..Request::new(&forbidden, &context) };
    assert_eq!(engine.execute(&request).await.conclusion.reason_code, Some(ReasonCode::NotAllowed));
    settle(&*ledger).await;
    let report = submit(&engine, Action::Act, "k").await;
    assert_eq!(report.conclusion.status, ExecutionStatus::Success);
    assert!(!report.replayed);
    assert_eq!(calls.count(), 1);
}

/// INV-FS-1: its caller went away, and so did its executor, at some point of its effect.
pub async fn an_execution_that_was_dropped_in_its_attempt_is_in_doubt<B: Bench>() {
    let bench = B::new();
    let ledger = bench.open().await;
    let (executor, calls) = answering(vec![Answer::not_applied()], ONCE);
    let engine = engine(&ledger, policy(|_| {}), executor);
    submit_and_drop(&engine, Action::Act, "k", &calls, 2).await;
    let report = submit(&engine, Action::Act, "k").await;
    assert_in_doubt(&report);
    assert_eq!(report.attempts.len(), 2);
    assert_eq!(calls.count(), 2);
}

/// INV-EXE-2: with the attempts that are left, under the same id.
pub async fn an_idempotent_execution_that_was_dropped_goes_on<B: Bench>() {
    let bench = B::new();
    let ledger = bench.open().await;
    let (hanging, calls) = answering(vec![], OFTEN);
    let first = engine(&ledger, policy(|_| {}), hanging);
    submit_and_drop(&first, Action::Act, "k", &calls, 1).await;
    let (executor, calls) = answering(vec![Answer::not_applied(), Answer::applied()], OFTEN);
    let report = submit(&engine(&ledger, policy(|_| {}), executor), Action::Act, "k").await;
    assert_eq!(report.conclusion.outcome, Outcome::Executed);
    assert_eq!(numbers(&report), [0, 1, 2]);
    assert_eq!(calls.count(), 2);
}

fn numbers(report: &ExecutionReport) -> Vec<u32> {
    report.attempts.iter().map(|attempt| attempt.attempt_number).collect()
}

/// INV-EXE-2: over three lives there are as many attempts as one life would have had, and one id.
pub async fn a_dead_owners_attempts_count<B: Bench>() {
    let bench = B::new();
    let mut ids = Vec::new();
    for life in 0..3 {
        let ledger = bench.open().await;
        let (hanging, calls) = answering(vec![Answer::not_applied()], OFTEN);
        let engine = engine(&ledger, policy(|spec| spec.retry.max_retries = 6), hanging);
        submit_and_drop(&engine, Action::Act, "k", &calls, 2).await;
        assert_eq!(calls.count(), 2, "life {life}");
        drop(engine);
        bench.kill(ledger).await;
    }
    let ledger = bench.open().await;
    for _ in 0..2 {
        let (executor, calls) = answering(vec![Answer::not_applied(); 9], OFTEN);
        let engine = engine(&ledger, policy(|spec| spec.retry.max_retries = 6), executor);
        let report = submit(&engine, Action::Act, "k").await;
        assert_eq!(numbers(&report), [0, 1, 2, 3, 4, 5, 6]);
        assert_eq!(report.conclusion.outcome, Outcome::Unknown, "INV-FS-3");
        assert_eq!(calls.count(), u32::from(ids.is_empty()));
        ids.push(report.execution_id);
    }
    assert_eq!(ids[0], ids[1]);
}

/// INV-FS-2: it ends in a terminal record although nothing starts any more.
pub async fn an_execution_whose_attempts_are_spent_is_concluded<B: Bench>() {
    let bench = B::new();
    let ledger = bench.open().await;
    let (hanging, calls) = answering(vec![], OFTEN);
    submit_and_drop(&engine(&ledger, policy(|_| {}), hanging), Action::Act, "unknown", &calls, 1).await;
    drop_in_backoff(&ledger, "open").await;
    settle(&*ledger).await;
    bench.kill(ledger).await;

    let ledger = bench.open().await;
    for (key, code, outcome) in [
        ("unknown", ReasonCode::UnknownOutcome, Outcome::Unknown),
        ("open", ReasonCode::ExecutorFailed, Outcome::NotExecuted),
    ] {
        let (executor, calls) = answering(vec![], OFTEN);
        let engine = engine(&ledger, policy(|spec| spec.retry.max_retries = 0), executor);
        let report = submit(&engine, Action::Act, key).await;
        assert_eq!(report.conclusion.reason_code, Some(code), "{key}");
        assert_eq!(report.conclusion.outcome, outcome, "{key}");
        assert_eq!(numbers(&report), [0]);
        let again = submit(&engine, Action::Act, key).await;
        assert!(again.replayed);
        assert_eq!((again.execution_id, again.conclusion.outcome), (report.execution_id, outcome));
        assert_eq!(calls.count(), 0);
    }
}

/// Drops an execution between its first attempt and its second.
async fn drop_in_backoff<L: Ledger>(ledger: &Arc<L>, key: &str) {
    let (executor, calls) = answering(vec![Answer::not_applied()], ONCE);
    let patient = policy(|spec| {
        spec.retry.initial_backoff_ms = 600_000;
        spec.retry.max_backoff_ms = 600_000;
    });
    let engine = engine(ledger, patient, executor);
    let mut submitted = Box::pin(submit(&engine, Action::Act, key));
    let prober = crate::execution::Execution::of(key).of_another_decision();
    while calls.count() == 0 {
        poll_once(&mut submitted).await;
    }
    // OPEN is recorded at once, and nothing can be seen of it from outside but that no more is done.
    for _ in 0..100 {
        poll_once(&mut submitted).await;
        prober.look_up(&**ledger).await;
    }
}

async fn poll_once(submitted: &mut std::pin::Pin<Box<impl Future<Output = ExecutionReport>>>) {
    tokio::select! {
        biased;
        report = submitted => panic!("it was to wait: {report:?}"),
        () = tokio::task::yield_now() => {}
    }
}

/// INV-FS-1: under 200 keys, each submitted to both engines at once, by two owners where there can be two.
pub async fn two_engines_do_nothing_twice<B: Bench>() {
    const KEYS: usize = 200;
    let bench = B::new();
    let effects: Arc<Vec<AtomicU32>> = Arc::new((0..KEYS).map(|_| AtomicU32::new(0)).collect());
    let engines = [counting(&bench, &effects).await, counting(&bench, &effects).await];
    let mut submitted = JoinSet::new();
    for (key, engine) in (0..KEYS).flat_map(|key| engines.iter().map(move |engine| (key, engine))) {
        let engine = Arc::clone(engine);
        submitted.spawn(async move { submit(&engine, Action::Act, &key.to_string()).await });
    }
    let reports = submitted.join_all().await;
    for (key, count) in effects.iter().enumerate() {
        assert_eq!(count.load(Ordering::SeqCst), 1, "INV-FS-1, key {key}");
    }
    let did = reports.iter().filter(|report| !report.replayed && !report.attempts.is_empty()).count();
    assert_eq!(did, KEYS);
    for report in &reports {
        let is_told = matches!(report.conclusion.reason_code, None | Some(ReasonCode::IdempotencyInProgress));
        assert!(is_told, "{report:?}");
        assert_ne!(report.conclusion.outcome, Outcome::NotExecuted, "INV-FS-3");
    }
}

async fn counting<B: Bench>(bench: &B, effects: &Arc<Vec<AtomicU32>>) -> Arc<Engine> {
    let ledger = bench.open().await;
    let effects = Arc::clone(effects);
    let executor = from_fn(move |attempt| {
        let key: usize = attempt.idempotency_key.and_then(|key| key.parse().ok()).expect("a number");
        effects[key].fetch_add(1, Ordering::SeqCst);
        async {
            tokio::task::yield_now().await;
            Answer::applied()
        }
    });
    Arc::new(engine(&ledger, policy(|_| {}), executor))
}

/// Whoever waits learns the end, and does nothing itself.
pub async fn an_engine_may_wait_for_another_owner<B: Bench>() {
    let bench = B::new();
    let (first, second) = (bench.open().await, bench.open().await);
    let (entered, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (told, waits) = (Arc::clone(&entered), Arc::clone(&go_on));
    let executor = from_fn(move |_| {
        let (told, waits) = (Arc::clone(&told), Arc::clone(&waits));
        async move {
            told.notify_one();
            waits.notified().await;
            Answer::applied()
        }
    });
    let running = engine(&first, policy(|_| {}), executor);
    let (executor, calls) = answering(vec![], ONCE);
    let waiting =
        engine(&second, policy(|spec| spec.idempotency.on_in_progress = OnInProgress::Wait), executor);
    let follow = async {
        entered.notified().await;
        let mut follower = Box::pin(submit(&waiting, Action::Act, "k"));
        for _ in 0..20 {
            poll_once(&mut follower).await;
        }
        go_on.notify_one();
        follower.await
    };
    let (done, followed) = tokio::join!(submit(&running, Action::Act, "k"), follow);
    assert_replays(&followed, &done);
    assert_eq!(calls.count(), 0);
}
