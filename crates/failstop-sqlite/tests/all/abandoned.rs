//! What was given up: while it still runs, nobody takes its key over and nobody resolves it.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
    mpsc,
};

use failstop::{
    core::{
        ledger::Resolution,
        model::{ExecutionStatus, Outcome, ReasonCode, Stopped},
        policies::PolicySpec,
    },
    executor::{Answer, blocking, from_fn},
};
use failstop_sqlite::ResolveError;
use parking_lot::Mutex;
use tempfile::TempDir;

use crate::support::{engine, hanging, keyed, open, resolver, run};

/// Little time for each attempt, so that it is soon given up.
fn brief(spec: &mut PolicySpec) {
    spec.timeout.timeout_per_action_ms = 50;
    spec.timeout.grace_ms = 100;
}

#[tokio::test]
async fn inv_fs_1_an_abandoned_thread_keeps_its_key_from_being_resolved() {
    let home = TempDir::new().unwrap();
    let path = home.path().join("failstop.db");
    let ledger = open(&path);
    let (let_go, held) = mpsc::channel::<()>();
    let held = Mutex::new(held);
    let hung = blocking(move |_| {
        let _ = held.lock().recv();
        Answer::applied()
    });
    let engine = engine(&ledger, keyed(brief), hung);
    let report = run(&engine, "k").await;
    assert_eq!(report.conclusion.outcome, Outcome::Unknown);
    assert_eq!(report.attempts[0].stopped, Some(Stopped::Unconfirmed));

    let other = open(&path);
    let refused = other.resolve("k", Resolution::NotApplied, &resolver());
    assert_eq!(refused, Err(ResolveError::StillRunning));
    drop(let_go);
    // Waits for the thread's end by the key it holds.
    while engine.keys_in_progress() > 0 {
        tokio::task::yield_now().await;
    }
    let resolved = other.resolve("k", Resolution::Applied, &resolver()).unwrap();
    assert_eq!(resolved.conclusion.outcome, Outcome::Executed);
    let replay = run(&engine, "k").await;
    assert_eq!((replay.replayed, replay.conclusion.status), (true, ExecutionStatus::Success));
}

#[tokio::test]
async fn a_resolved_key_runs_again_only_after_not_applied() {
    let home = TempDir::new().unwrap();
    let ledger = open(&home.path().join("failstop.db"));
    let calls = Arc::new(AtomicU32::new(0));
    let counter = Arc::clone(&calls);
    let unsure = from_fn(move |_| {
        let first = counter.fetch_add(1, Ordering::SeqCst) == 0;
        std::future::ready(if first { Answer::unknown() } else { Answer::applied() })
    });
    let engine = engine(&ledger, keyed(|_| {}), unsure);
    let report = run(&engine, "k").await;
    assert_eq!(report.conclusion.reason_code, Some(ReasonCode::UnknownOutcome));
    let again = run(&engine, "k").await;
    assert_eq!(again.conclusion.reason_code, Some(ReasonCode::InDoubt));
    assert_eq!(calls.load(Ordering::SeqCst), 1, "INV-FS-1");

    let open = ledger.resolve("k", Resolution::NotApplied, &resolver()).unwrap();
    assert_eq!(open.conclusion.outcome, Outcome::NotExecuted);
    let last = run(&engine, "k").await;
    assert_eq!(last.conclusion.outcome, Outcome::Executed);
    let numbers: Vec<_> = last.attempts.iter().map(|attempt| attempt.attempt_number).collect();
    assert_eq!((numbers, last.execution_id), (vec![0, 1], report.execution_id));
    assert_eq!(calls.load(Ordering::SeqCst), 2);
    assert_eq!(
        ledger.resolve("k", Resolution::NotApplied, &resolver()),
        Err(ResolveError::NotInDoubt { state: "SUCCEEDED" })
    );
    assert_eq!(ledger.resolve("no", Resolution::Applied, &resolver()), Err(ResolveError::UnknownKey));
}

#[tokio::test]
async fn inv_fs_2_an_execution_dropped_in_its_attempt_is_in_doubt() {
    let home = TempDir::new().unwrap();
    let ledger = open(&home.path().join("failstop.db"));
    let (hung, is_entered) = hanging();
    let engine = engine(&ledger, keyed(|_| {}), hung);
    tokio::select! {
        report = run(&engine, "k") => panic!("ended too early: {report:?}"),
        entered = is_entered => entered.unwrap(),
    }
    let report = run(&engine, "k").await;
    assert_eq!(report.conclusion.reason_code, Some(ReasonCode::InDoubt));
    assert_eq!(report.attempts.len(), 1);
}

/// A resolution once took an attempt of its own process for one of the dead.
#[tokio::test]
async fn nobody_resolves_what_this_process_is_executing() {
    let home = TempDir::new().unwrap();
    let ledger = open(&home.path().join("failstop.db"));
    let (let_go, held) = tokio::sync::oneshot::channel::<()>();
    let (entered, is_entered) = tokio::sync::oneshot::channel::<()>();
    let strings = Mutex::new(Some((entered, held)));
    let slow = from_fn(move |_| {
        let strings = strings.lock().take();
        async move {
            if let Some((entered, held)) = strings {
                let _ = entered.send(());
                let _ = held.await;
            }
            Answer::applied()
        }
    });
    let engine = engine(&ledger, keyed(|_| {}), slow);
    let beside = async {
        is_entered.await.unwrap();
        let refused = ledger.resolve("k", Resolution::NotApplied, &resolver());
        let _ = let_go.send(());
        refused
    };
    let (report, refused) = tokio::join!(run(&engine, "k"), beside);
    assert_eq!(refused, Err(ResolveError::StillRunning));
    assert_eq!(report.conclusion.status, ExecutionStatus::Success);
}
