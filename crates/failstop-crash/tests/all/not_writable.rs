//! Ledgers that may not be written, or that somebody else keeps locked.
//!
//! Not here: a ledger that becomes read-only while it is open. A changed mode does not reach an open file, and a
//! filesystem that turns read-only answers each write with an error, which is what `disk.rs` does.

use std::{
    fs::{self, Permissions},
    os::unix::{fs::PermissionsExt as _, process::CommandExt as _},
    path::Path,
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use decision_schema::{Action, FinalDecision, Object};
use failstop::{
    Engine, Request,
    core::{
        model::{EffectClass, ReasonCode},
        policies::{ExecutionPolicy, PolicySpec},
    },
    executor::{Answer, from_fn},
    ledger::Ledger,
};
use failstop_crash::{decision::Kind, matrix::Round, target, victim::Place};
use failstop_sqlite::{Options, SqliteLedger};
use rusqlite::Connection;
use tempfile::TempDir;

use crate::matrix::victim;

/// A directory with a ledger in which nothing has happened, and decisions that wait.
fn place(directory: &TempDir) -> Place {
    let place = Place::new(directory.path());
    place.ask_for(&Round::decisions(Kind::Closure, EffectClass::NonIdempotent, 0)).unwrap();
    drop(SqliteLedger::open(&place.ledger(), Options::default()).unwrap());
    place
}

/// A victim's life in this place.
fn life(place: &Place) -> Command {
    let mut command = Command::new(victim());
    command.arg("live").arg(place.directory()).args(["1", "4", "20000"]);
    command
}

/// Expects that the life ends without its ledger, and without any effect.
fn ends_unopened(command: &mut Command, place: &Place, code: &str) {
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert_eq!(said.trim(), format!("not opened: {code}"));
    assert!(target::effects(&place.target()).unwrap().is_empty());
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

const NOBODY: u32 = 65_534;

/// Modes do not bind a privileged user, so that such a one starts the victim as somebody else.
#[test]
fn where_the_ledger_may_only_be_read_nothing_is_executed() {
    let directory = TempDir::new().unwrap();
    let place = place(&directory);
    fs::write(place.reports(1), "").unwrap();
    set_mode(&place.reports(1), 0o666);
    set_mode(&place.decisions(), 0o444);
    set_mode(&place.ledger(), 0o444);
    set_mode(directory.path(), 0o555);
    let own_copy = TempDir::new().unwrap();
    let program = own_copy.path().join("victim");
    // By a process of its own: what is written here is open in whatever other tests start meanwhile, and no program may be
    // started while it is open for writing.
    assert!(Command::new("cp").arg(victim()).arg(&program).status().unwrap().success());
    set_mode(own_copy.path(), 0o755);
    let mut command = Command::new(&program);
    command.args(life(&place).get_args());
    if rustix::process::geteuid().is_root() {
        command.uid(NOBODY).gid(NOBODY);
    }
    ends_unopened(&mut command, &place, "ledger_not_writable");
    set_mode(directory.path(), 0o755);
}

#[test]
fn where_the_ledger_stays_locked_nothing_is_executed_and_later_everything() {
    let directory = TempDir::new().unwrap();
    let place = place(&directory);
    let other = Connection::open(place.ledger()).unwrap();
    other.execute_batch("BEGIN EXCLUSIVE").unwrap();
    ends_unopened(&mut life(&place), &place, "ledger_locked");
    other.execute_batch("ROLLBACK").unwrap();
    assert_eq!(life(&place).status().unwrap().code(), Some(0));
    assert!(!target::effects(&place.target()).unwrap().is_empty());
}

fn engine(ledger: &Arc<SqliteLedger>, max_total_time_ms: u64) -> Engine {
    let mut spec = PolicySpec::default();
    spec.idempotency.enabled = true;
    spec.timeout.max_total_time_ms = max_total_time_ms;
    let engine = Engine::builder(ExecutionPolicy::new(spec).unwrap());
    engine.ledger(Arc::clone(ledger) as Arc<dyn Ledger>).build().unwrap()
}

/// INV-EXE-2 and INV-EXE-3: the report comes in its time, the start does not.
#[tokio::test]
async fn where_an_open_ledger_is_locked_the_report_comes_in_time_and_nothing_starts_behind_it() {
    let directory = TempDir::new().unwrap();
    let place = place(&directory);
    let ledger = Arc::new(SqliteLedger::open(&place.ledger(), Options::default()).unwrap());
    let (hasty, patient) = (engine(&ledger, 500), engine(&ledger, 30_000));
    let entered = AtomicU32::new(0);
    let executor = from_fn(|_| {
        entered.fetch_add(1, Ordering::SeqCst);
        async { Answer::applied() }
    });
    let (decision, context) = (FinalDecision::new(Action::Act), Object::new());
    let request = Request { idempotency_key: Some("key"), ..Request::new(&decision, &context) };
    let other = Connection::open(place.ledger()).unwrap();
    other.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let report = hasty.execute_with(&request, &executor).await;
    assert_eq!(report.conclusion.reason_code, Some(ReasonCode::LedgerUnavailable));
    assert!(report.attempts.is_empty());
    other.execute_batch("ROLLBACK").unwrap();
    assert!(ledger.flush(), "the writer goes on");
    assert_eq!(entered.load(Ordering::SeqCst), 0, "what nobody waits for is not entered");
    let report = patient.execute_with(&request, &executor).await;
    assert_eq!(report.conclusion.reason_code, None);
    assert_eq!(entered.load(Ordering::SeqCst), 1);
}
