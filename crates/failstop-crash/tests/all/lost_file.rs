//! The ledger's file moved, deleted, replaced or rolled back while it is open. What ran is reported, nothing new
//! starts, and nothing that was promised is forgotten where the file comes back.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use decision_schema::{Action, FinalDecision, Object};
use failstop::{
    Engine, Request,
    core::{
        model::{ExecutionReport, Outcome, ReasonCode},
        policies::{ExecutionPolicy, PolicySpec},
    },
    executor::{Answer, from_fn},
    ledger::Ledger,
};
use failstop_sqlite::{Options, SqliteLedger};
use tempfile::TempDir;

/// A file's path with something behind its name.
fn beside(path: &Path, suffix: &str) -> PathBuf {
    PathBuf::from(format!("{}{suffix}", path.display()))
}

/// An open ledger, and how often its executor was entered.
struct Bench {
    path: PathBuf,
    engine: Engine,
    entered: AtomicU32,
}

impl Bench {
    fn open(path: &Path) -> Self {
        let ledger = Arc::new(SqliteLedger::open(path, Options::default()).unwrap());
        let mut spec = PolicySpec::default();
        spec.idempotency.enabled = true;
        let policy = ExecutionPolicy::new(spec).unwrap();
        let engine = Engine::builder(policy).ledger(ledger as Arc<dyn Ledger>).build().unwrap();
        Self { path: path.to_owned(), engine, entered: AtomicU32::new(0) }
    }

    /// Executes a decision; this happens in its attempt.
    async fn execute(&self, key: &str, meanwhile: impl Fn(&Path) + Send + Sync) -> ExecutionReport {
        let executor = from_fn(|_| {
            self.entered.fetch_add(1, Ordering::SeqCst);
            meanwhile(&self.path);
            async { Answer::applied() }
        });
        let (decision, context) = (FinalDecision::new(Action::Act), Object::new());
        let request = Request { idempotency_key: Some(key), ..Request::new(&decision, &context) };
        self.engine.execute_with(&request, &executor).await
    }

    async fn run(&self, key: &str) -> ExecutionReport {
        self.execute(key, |_| {}).await
    }

    fn entered(&self) -> u32 {
        self.entered.load(Ordering::SeqCst)
    }
}

const OLDER: &str = ".older";

/// Moves everything from the WAL into the file, where a copy of the file then has it.
fn settle(path: &Path) {
    let connection = rusqlite::Connection::open(path).unwrap();
    let is_busy: bool =
        connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0)).unwrap();
    assert!(!is_busy);
}

/// A ledger with two finished keys, open, and a copy of it from when it had one.
async fn bench(directory: &TempDir) -> Bench {
    let path = directory.path().join("ledger.db");
    assert_eq!(Bench::open(&path).run("first").await.conclusion.reason_code, None);
    settle(&path);
    fs::copy(&path, beside(&path, OLDER)).unwrap();
    assert_eq!(Bench::open(&path).run("second").await.conclusion.reason_code, None);
    settle(&path);
    Bench::open(&path)
}

/// Damages the file in the middle of an attempt.
async fn damage(bench: &Bench, meanwhile: impl Fn(&Path) + Send + Sync) {
    let report = bench.execute("running", meanwhile).await;
    assert_eq!(report.conclusion.outcome, Outcome::Executed, "what ran is reported");
    assert_eq!(report.conclusion.reason_code, Some(ReasonCode::LedgerUnavailable));
    let entered = bench.entered();
    assert_eq!(bench.run("next").await.conclusion.reason_code, Some(ReasonCode::LedgerUnavailable));
    for key in ["second", "running"] {
        let report = bench.run(key).await;
        let is_refused = report.conclusion.reason_code == Some(ReasonCode::LedgerUnavailable);
        assert!(is_refused || report.replayed, "{key}: {:?}", report.conclusion);
        assert_ne!(report.conclusion.outcome, Outcome::NotExecuted, "{key}");
    }
    assert_eq!(bench.entered(), entered, "nothing new starts");
}

#[tokio::test]
async fn nothing_starts_once_the_file_was_moved_and_what_ran_is_in_doubt_when_it_is_back() {
    let directory = TempDir::new().unwrap();
    let bench = bench(&directory).await;
    let path = bench.path.clone();
    damage(&bench, |path| fs::rename(path, beside(path, ".moved")).unwrap()).await;
    fs::rename(beside(&path, ".moved"), &path).unwrap();
    let entered = bench.entered();
    assert_eq!(
        bench.run("late").await.conclusion.reason_code,
        Some(ReasonCode::LedgerUnavailable),
        "once lost is lost"
    );
    assert_eq!(bench.entered(), entered);
    drop(bench);
    let again = Bench::open(&path);
    assert_eq!(again.run("running").await.conclusion.reason_code, Some(ReasonCode::InDoubt));
    assert!(again.run("second").await.replayed);
    assert_eq!(again.entered(), 0);
    assert_eq!(again.run("next").await.conclusion.reason_code, None);
}

#[tokio::test]
async fn nothing_starts_once_the_file_was_deleted() {
    let directory = TempDir::new().unwrap();
    damage(&bench(&directory).await, |path| fs::remove_file(path).unwrap()).await;
}

#[tokio::test]
async fn nothing_starts_once_an_older_copy_took_the_place_of_the_file() {
    let directory = TempDir::new().unwrap();
    damage(&bench(&directory).await, |path| fs::rename(beside(path, OLDER), path).unwrap()).await;
}

fn overwrite(path: &Path) {
    fs::write(path, fs::read(beside(path, OLDER)).unwrap()).unwrap();
}

/// The story: the inode stays, and the writer remembered the page with the chain's end, so that nothing seemed to have
/// changed; the page with the keys it read anew, and executed a finished key a second time. Now what is remembered is
/// thrown away when the file was written, and the chain does not end any more where this process has left it.
#[tokio::test]
async fn nothing_starts_once_an_older_copy_was_written_into_the_file() {
    let directory = TempDir::new().unwrap();
    let bench = bench(&directory).await;
    overwrite(&bench.path);
    // The reader sees no "second" in the older copy; once was said of such a key that nothing had happened under it.
    for key in ["second", "next", "first"] {
        let report = bench.run(key).await;
        assert_eq!(report.conclusion.reason_code, Some(ReasonCode::LedgerUnavailable), "{key}");
        assert_eq!(report.conclusion.outcome, Outcome::Unknown, "INV-FS-3: {key}");
    }
    assert_eq!(bench.entered(), 0);
}

/// What is in the WAL already covers what was written into the file.
#[tokio::test]
async fn an_older_copy_written_into_the_file_behind_a_start_makes_nothing_happen_twice() {
    let directory = TempDir::new().unwrap();
    let bench = bench(&directory).await;
    assert_eq!(bench.execute("running", overwrite).await.conclusion.outcome, Outcome::Executed);
    for key in ["first", "second", "running"] {
        let report = bench.run(key).await;
        let is_refused = report.conclusion.reason_code == Some(ReasonCode::LedgerUnavailable);
        assert!(is_refused || report.replayed, "{key}: {:?}", report.conclusion);
    }
    assert_eq!(bench.entered(), 1);
}

#[tokio::test]
async fn nothing_starts_once_the_wal_was_deleted() {
    let directory = TempDir::new().unwrap();
    damage(&bench(&directory).await, |path| fs::remove_file(beside(path, "-wal")).unwrap()).await;
}
