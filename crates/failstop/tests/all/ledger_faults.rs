//! Ledgers that fail, hang, take their time or know more than we do; and the caller's cancel. With the other files of
//! this binary and the command line's `input_invalid`, every reason code is reached.

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
        model::{ExecutionStatus, Outcome, ReasonCode, Stopped},
        orchestrator::KeyState,
    },
    executor::{Answer, Executor},
    gate::Gate,
    health_core::{HealthPolicy, HealthSpec},
    ledger::{
        Claim, Evidence, Keys, Known, Ledger, LedgerFuture, LedgerUnavailable, MemoryLedger, NotStarted,
        Record, Start, Started,
    },
    locks::AttemptLock,
};

use crate::support::{answering, hanging, keyed, policy, run_keyed, while_running};

/// What a step of the ledger does instead of its work.
#[derive(Clone, Copy, PartialEq)]
enum Fault {
    None,
    Fails,
    Hangs,
    /// Works, a while later.
    TakesMs(u64),
}

struct Faulty {
    ledger: MemoryLedger,
    look_up: Fault,
    start: Fault,
    record: Fault,
    knows: Option<Known>,
    records: AtomicU32,
}

impl Faulty {
    fn new() -> Self {
        let records = AtomicU32::new(0);
        let ledger = MemoryLedger::new();
        Self { ledger, look_up: Fault::None, start: Fault::None, record: Fault::None, knows: None, records }
    }
}

async fn suffer(fault: Fault) -> Result<(), LedgerUnavailable> {
    match fault {
        Fault::None => Ok(()),
        Fault::Fails => Err(LedgerUnavailable),
        Fault::Hangs => std::future::pending().await,
        Fault::TakesMs(ms) => {
            tokio::time::sleep(Duration::from_millis(ms)).await;
            Ok(())
        }
    }
}

impl Ledger for Faulty {
    fn keys(&self) -> &Keys {
        self.ledger.keys()
    }

    fn withdraw(&self, key: &str, attempt: u32) {
        self.ledger.withdraw(key, attempt);
    }

    fn note(&self, evidence: Evidence<'_>) {
        self.ledger.note(evidence);
    }

    fn attach(&self, gate: &Gate) {
        self.ledger.attach(gate);
    }

    fn hold_attempt(&self, fence: u64) -> Option<AttemptLock> {
        self.ledger.hold_attempt(fence)
    }

    fn look_up<'a>(&'a self, claim: Claim<'a>) -> LedgerFuture<'a, Result<Known, LedgerUnavailable>> {
        Box::pin(async move {
            suffer(self.look_up).await?;
            match &self.knows {
                Some(known) => Ok(known.clone()),
                None => self.ledger.look_up(claim).await,
            }
        })
    }

    fn freed<'a>(&'a self, key: &'a str) -> LedgerFuture<'a, ()> {
        self.ledger.freed(key)
    }

    fn start<'a>(&'a self, start: Start<'a>) -> LedgerFuture<'a, Result<Started, NotStarted>> {
        Box::pin(async move {
            suffer(self.start).await.map_err(|_| NotStarted::Unavailable)?;
            self.ledger.start(start).await
        })
    }

    fn record<'a>(&'a self, record: Record<'a>) -> LedgerFuture<'a, Result<(), LedgerUnavailable>> {
        Box::pin(async move {
            suffer(self.record).await?;
            self.records.fetch_add(1, Ordering::SeqCst);
            self.ledger.record(record).await
        })
    }
}

fn guarded(ledger: &Arc<Faulty>, executor: impl Executor + 'static) -> Engine {
    let ledger = Arc::clone(ledger) as Arc<dyn Ledger>;
    Engine::builder(keyed(|_| {})).ledger(ledger).executor(executor).build().unwrap()
}

#[tokio::test(start_paused = true)]
async fn inv_exe_3_without_its_ledger_nothing_starts() {
    for fault in [Fault::Fails, Fault::Hangs] {
        for (look_up, start) in [(fault, Fault::None), (Fault::None, fault)] {
            let (executor, calls) = answering(vec![]);
            let ledger = Arc::new(Faulty { look_up, start, ..Faulty::new() });
            let report = run_keyed(&guarded(&ledger, executor), Action::Act, "k").await;
            assert_eq!(report.conclusion.reason_code, Some(ReasonCode::LedgerUnavailable));
            assert_eq!(report.conclusion.status, ExecutionStatus::Denied);
            assert!(report.conclusion.fail_closed);
            assert_eq!(calls.load(Ordering::SeqCst), 0);
            assert!(report.total_latency_ms <= 32_000, "INV-EXE-2");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_ran_is_reported_with_what_is_known_when_its_record_is_lost() {
    for fault in [Fault::Fails, Fault::Hangs] {
        let (executor, _) = answering(vec![]);
        let ledger = Arc::new(Faulty { record: fault, ..Faulty::new() });
        let report = run_keyed(&guarded(&ledger, executor), Action::Act, "k").await;
        assert_eq!(report.conclusion.reason_code, Some(ReasonCode::LedgerUnavailable));
        assert_eq!(report.conclusion.status, ExecutionStatus::Failed);
        assert_eq!(report.conclusion.outcome, Outcome::Executed, "INV-FS-3");
        assert!(report.conclusion.fail_closed);
        assert!(report.total_latency_ms <= 32_000, "INV-EXE-2");
    }
}

/// A record that was not done at the first poll was once abandoned when an order was queued behind it.
#[tokio::test(start_paused = true)]
async fn a_slow_ledger_loses_no_record() {
    let (executor, calls) = answering(vec![Answer::not_applied()]);
    let slow = Fault::TakesMs(5);
    let ledger = Arc::new(Faulty { look_up: slow, start: slow, record: slow, ..Faulty::new() });
    let report = run_keyed(&guarded(&ledger, executor), Action::Act, "k").await;
    assert_eq!(report.conclusion.status, ExecutionStatus::Success);
    assert_eq!(calls.load(Ordering::SeqCst), 2);
    assert_eq!(ledger.records.load(Ordering::SeqCst), 2, "one open, one terminal");
}

#[tokio::test(start_paused = true)]
async fn an_unconfirmed_end_at_the_bound_is_recorded_in_time() {
    let (release, wait) = std::sync::mpsc::channel::<()>();
    let wait = std::sync::Mutex::new(wait);
    let executor = failstop::executor::blocking(move |_| {
        let _ = wait.lock().unwrap().recv();
        (true, None)
    });
    let ledger = Arc::new(Faulty { record: Fault::TakesMs(20), ..Faulty::new() });
    let bounded = keyed(|spec| spec.timeout.max_total_time_ms = 5000);
    let engine = Engine::builder(bounded)
        .ledger(Arc::clone(&ledger) as Arc<dyn Ledger>)
        .executor(executor)
        .build()
        .unwrap();
    let report = run_keyed(&engine, Action::Act, "k").await;
    assert_eq!(report.attempts[0].stopped, Some(Stopped::Unconfirmed));
    assert_ne!(report.conclusion.reason_code, Some(ReasonCode::LedgerUnavailable));
    assert_eq!(report.conclusion.outcome, Outcome::Unknown);
    // The key stays held until the thread has really ended.
    let again = run_keyed(&engine, Action::Act, "k").await;
    assert_eq!(again.conclusion.reason_code, Some(ReasonCode::IdempotencyInProgress));
    drop(release);
    while engine.keys_in_progress() > 0 {
        tokio::task::yield_now().await;
    }
    let later = run_keyed(&engine, Action::Act, "k").await;
    assert_eq!(later.conclusion.reason_code, Some(ReasonCode::InDoubt));
}

#[tokio::test(start_paused = true)]
async fn what_the_ledger_knows_is_believed() {
    for (known, code) in [
        (Known::Expired, ReasonCode::IdempotencyKeyExpired),
        (Known::Reused, ReasonCode::IdempotencyKeyReused),
        (Known::InProgress, ReasonCode::IdempotencyInProgress),
    ] {
        let (executor, calls) = answering(vec![]);
        let ledger = Arc::new(Faulty { knows: Some(known), ..Faulty::new() });
        let report = run_keyed(&guarded(&ledger, executor), Action::Act, "k").await;
        assert_eq!(report.conclusion.reason_code, Some(code));
        assert_eq!(calls.load(Ordering::SeqCst), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_late_record_is_refused() {
    let ledger = MemoryLedger::new();
    let (executor, _) = answering(vec![]);
    let ledger = Arc::new(ledger);
    let engine = Engine::builder(keyed(|_| {}))
        .ledger(Arc::clone(&ledger) as Arc<dyn Ledger>)
        .executor(executor)
        .build()
        .unwrap();
    let report = run_keyed(&engine, Action::Act, "k").await;
    let late = Record { key: "k", fence: 0, attempt: 0, state: KeyState::Failed, report: &report };
    assert_eq!(ledger.record(late).await, Err(LedgerUnavailable));
    let replay = run_keyed(&engine, Action::Act, "k").await;
    assert_eq!(replay.conclusion.status, ExecutionStatus::Success);
}

#[tokio::test(start_paused = true)]
async fn a_caller_can_cancel_what_waits_and_what_runs() {
    let (executor, _) = hanging();
    let engine = Engine::builder(policy(|_| {})).executor(executor).build().unwrap();
    let (decision, context) = (FinalDecision::new(Action::Act), Object::new());
    let cancellation = Cancellation::new();
    let request = Request { cancellation: Some(&cancellation), ..Request::new(&decision, &context) };
    let both = async { tokio::join!(biased; engine.execute(&request), engine.execute(&request)) };
    let ((running, waiting), ()) = while_running(both, async { engine.cancel(&cancellation) }).await;
    assert_eq!(running.conclusion.reason_code, Some(ReasonCode::Cancelled));
    assert_eq!(running.conclusion.outcome, Outcome::Unknown);
    assert_eq!(running.attempts[0].stopped, Some(Stopped::Confirmed));
    assert_eq!(waiting.conclusion.reason_code, Some(ReasonCode::Cancelled));
    assert_eq!(waiting.conclusion.outcome, Outcome::NotExecuted);
}

#[tokio::test(start_paused = true)]
async fn inv_exe_4_health_is_read_in_the_start_step() {
    let slow = Faulty { start: Fault::TakesMs(100), ..Faulty::new() };
    let (executor, calls) = answering(vec![Answer::unknown()]);
    let spec = HealthSpec { max_errors_per_window: 1, weight_errors: 1.0, ..HealthSpec::default() };
    let engine = Engine::builder(keyed(|spec| spec.max_concurrency = 2))
        .health(HealthPolicy::new(spec).unwrap())
        .ledger(Arc::new(slow))
        .executor(executor)
        .build()
        .unwrap();
    let second = async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        run_keyed(&engine, Action::Act, "second").await
    };
    let (first, second) = while_running(run_keyed(&engine, Action::Act, "first"), second).await;
    assert_eq!(first.conclusion.outcome, Outcome::Unknown);
    assert_eq!(second.conclusion.reason_code, Some(ReasonCode::GateStopped));
    assert_eq!((second.attempts.len(), second.total_latency_ms), (0, 100));
    assert_eq!(calls.load(Ordering::SeqCst), 1, "it was inside its start step when the storm came");
}
