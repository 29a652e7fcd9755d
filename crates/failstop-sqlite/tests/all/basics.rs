//! An engine over a ledger in a file: executed once, replayed ever after.

use std::{
    os::unix::fs::PermissionsExt as _,
    sync::{
        Arc, Barrier,
        atomic::{AtomicU32, Ordering},
    },
};

use failstop::{
    Engine,
    core::{
        model::{ExecutionReport, ExecutionStatus, Outcome, ReasonCode},
        report::ReportStyle,
    },
    executor::{Answer, from_fn},
};
use failstop_sqlite::{OpenError, Options, SqliteLedger};
use tempfile::TempDir;

use crate::support::{engine, keyed, open, run};

struct Counted {
    engine: Engine,
    calls: Arc<AtomicU32>,
}

fn counting(ledger: &Arc<SqliteLedger>, answer: Answer) -> Counted {
    let calls = Arc::new(AtomicU32::new(0));
    let counter = Arc::clone(&calls);
    let executor = from_fn(move |_| {
        counter.fetch_add(1, Ordering::SeqCst);
        std::future::ready(answer.clone())
    });
    Counted { engine: engine(ledger, keyed(|_| {}), executor), calls }
}

/// Four programs were started at once where no ledger was yet, and now and then one was told that it is locked: SQLite does
/// not wait where two connections turn the same new file to its WAL.
#[test]
fn those_who_make_a_ledger_at_once_all_have_it() {
    for _ in 0..100 {
        let home = TempDir::new().unwrap();
        let path = home.path().join("failstop.db");
        let all_there = Barrier::new(4);
        let open_it = || {
            all_there.wait();
            SqliteLedger::open(&path, Options::default()).map(|ledger| ledger.is_new())
        };
        let opened: Vec<_> = std::thread::scope(|scope| {
            let openers = [(); 4].map(|()| scope.spawn(open_it));
            openers.into_iter().map(|opener| opener.join().unwrap()).collect()
        });
        let is_new: Vec<bool> = opened.into_iter().collect::<Result<_, _>>().unwrap();
        assert_eq!(is_new.iter().filter(|is_new| **is_new).count(), 1);
    }
}

#[tokio::test]
async fn a_success_is_replayed_by_every_later_life() {
    let home = TempDir::new().unwrap();
    let path = home.path().join("failstop.db");
    let first = {
        let ledger = open(&path);
        assert!(ledger.is_new());
        let counted = counting(&ledger, Answer::applied());
        let report = run(&counted.engine, "k").await;
        assert_eq!(report.conclusion.status, ExecutionStatus::Success);
        assert_eq!(counted.calls.load(Ordering::SeqCst), 1);
        report
    };
    let ledger = open(&path);
    assert!(!ledger.is_new());
    let counted = counting(&ledger, Answer::applied());
    let replay = run(&counted.engine, "k").await;
    assert!(replay.replayed);
    assert_eq!(counted.calls.load(Ordering::SeqCst), 0, "INV-FS-1");
    let same = ExecutionReport { replayed: false, ..replay };
    assert_eq!(same.to_json(ReportStyle::default()), first.to_json(ReportStyle::default()));
}

#[tokio::test]
async fn nobody_else_may_read_it() {
    let home = TempDir::new().unwrap();
    let path = home.path().join("failstop.db");
    let ledger = open(&path);
    run(&counting(&ledger, Answer::applied()).engine, "k").await;
    for suffix in ["", "-wal", "-shm", ".gate"] {
        let mut name = path.clone().into_os_string();
        name.push(suffix);
        assert_eq!(std::fs::metadata(&name).unwrap().permissions().mode() & 0o777, 0o600, "{suffix}");
    }
}

#[tokio::test]
async fn retries_are_counted_over_lives() {
    let home = TempDir::new().unwrap();
    let path = home.path().join("failstop.db");
    let ledger = open(&path);
    let counted = counting(&ledger, Answer::rejected());
    let report = run(&counted.engine, "k").await;
    assert_eq!(report.conclusion.reason_code, Some(ReasonCode::Rejected));
    assert_eq!(report.conclusion.outcome, Outcome::NotExecuted);
    drop((counted, ledger));
    let ledger = open(&path);
    let counted = counting(&ledger, Answer::applied());
    let replay = run(&counted.engine, "k").await;
    assert_eq!((replay.replayed, replay.conclusion.reason_code), (true, Some(ReasonCode::Rejected)));
}

/// A ledger that was deleted was once made anew without a word, and every effect under it repeated.
#[tokio::test]
async fn inv_fs_2_a_ledger_whose_gate_is_still_there_is_lost_and_not_new() {
    let home = TempDir::new().unwrap();
    let path = home.path().join("failstop.db");
    let ledger = open(&path);
    run(&counting(&ledger, Answer::applied()).engine, "k").await;
    drop(ledger);
    std::fs::remove_file(&path).unwrap();
    let lost = |path: &std::path::Path| SqliteLedger::open(path, Options::default()).err();
    assert_eq!(lost(&path), Some(OpenError::Lost));
    assert!(!path.exists(), "nothing is made");
    std::fs::write(&path, "").unwrap();
    assert_eq!(lost(&path), Some(OpenError::Lost));
    std::fs::remove_file(home.path().join("failstop.db.gate")).unwrap();
    assert!(open(&path).is_new());
}

#[tokio::test]
async fn a_birth_that_was_broken_off_is_finished_by_the_next_to_come() {
    let home = TempDir::new().unwrap();
    let path = home.path().join("failstop.db");
    drop(open(&path));
    let gate = home.path().join("failstop.db.gate");
    std::fs::rename(&gate, home.path().join("failstop.db.gate.new")).unwrap();
    let ledger = open(&path);
    assert!(gate.exists() && !ledger.is_new());
    let report = run(&counting(&ledger, Answer::applied()).engine, "k").await;
    assert_eq!(report.conclusion.status, ExecutionStatus::Success);
}

#[tokio::test]
async fn a_ledger_that_was_let_go_of_has_closed_its_file() {
    let home = TempDir::new().unwrap();
    let path = home.path().join("failstop.db");
    for _ in 0..20 {
        let ledger = open(&path);
        let counted = counting(&ledger, Answer::applied());
        run(&counted.engine, "key").await;
        drop((counted, ledger));
        // SQLite removes its log where the last connection closes.
        assert!(!home.path().join("failstop.db-wal").exists());
    }
}
