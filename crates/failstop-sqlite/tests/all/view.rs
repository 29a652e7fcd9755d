//! The read side: what it tells beside the living, of the dead, and of what is no ledger.

use std::{fs, ops::ControlFlow, path::PathBuf};

use decision_schema::{Action, InputFault};
use failstop::{
    core::{
        idempotency::Digest,
        ledger::{EventKind, Resolution, Standing},
        model::{
            Conclusion, Effect, ExecutionAttempt, ExecutionReport, ExecutionStatus, Outcome, ReasonCode,
        },
        orchestrator::KeyState,
        stop::Level,
    },
    gate::Gate,
    ledger::{Claim, Evidence, Ledger as _, Record, Start, StartGate, Started},
};
use failstop_sqlite::{
    OpenError, Options, Resolver, SqliteLedger,
    view::{Entry, Filter, View},
};
use tempfile::TempDir;

struct Home {
    dir: TempDir,
}

impl Home {
    fn new() -> Self {
        Self { dir: TempDir::new().unwrap() }
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join("fail stop?#%.db")
    }

    fn ledger(&self) -> SqliteLedger {
        SqliteLedger::open(&self.path(), Options::default()).unwrap()
    }

    fn view(&self) -> View {
        View::open(&self.path()).unwrap()
    }

    fn names(&self) -> Vec<String> {
        let names = fs::read_dir(self.dir.path()).unwrap();
        let mut names: Vec<String> =
            names.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

/// A report with one attempt of this effect.
fn report(effect: Effect) -> ExecutionReport {
    let is_applied = effect == Effect::Applied;
    let status = if is_applied { ExecutionStatus::Success } else { ExecutionStatus::Failed };
    let (outcome, reason_code) = match effect {
        Effect::Applied => (Outcome::Executed, None),
        Effect::Unknown => (Outcome::Unknown, Some(ReasonCode::InDoubt)),
        Effect::NotApplied | Effect::Rejected => (Outcome::NotExecuted, Some(ReasonCode::ExecutorFailed)),
    };
    let attempt = ExecutionAttempt {
        action: Action::Act,
        status,
        attempt_number: 0,
        latency_ms: 1,
        error_type: None,
        error_code: None,
        effect,
        stopped: None,
        started_at_ms: 5,
        waited_ms: 0,
        wait_reason: None,
    };
    ExecutionReport {
        action: Some(Action::Act),
        conclusion: Conclusion { status, outcome, reason_code, fail_closed: effect == Effect::Unknown },
        attempts: vec![attempt],
        ..failstop::invalid_input(None, 0, &InputFault::line_too_long())
    }
}

async fn start(ledger: &SqliteLedger, key: &str, may_repeat: bool, may_outlive_process: bool) -> Started {
    let lost = report(Effect::Unknown);
    let claim = Claim { key, fingerprint: Digest::of(key.as_bytes()), may_repeat_effect: may_repeat };
    ledger
        .start(Start {
            claim,
            attempt: 0,
            is_new_work: true,
            may_outlive_process,
            gate: StartGate::new(Gate::default(), Action::Act, false),
            report_if_lost: &lost,
        })
        .await
        .unwrap()
}

async fn conclude(ledger: &SqliteLedger, key: &str, state: KeyState, effect: Effect) {
    let started = start(ledger, key, false, false).await;
    let report = report(effect);
    ledger.record(Record { key, fence: started.fence, attempt: 0, state, report: &report }).await.unwrap();
}

fn entries(view: &View, states: &[Standing]) -> Vec<Entry> {
    let mut entries = Vec::new();
    let filter = Filter { states: states.to_vec(), limit: None };
    view.list(&filter, |entry| {
        entries.push(entry);
        ControlFlow::Continue(())
    })
    .unwrap();
    entries
}

fn states(view: &View) -> Vec<(String, Standing)> {
    entries(view, &[]).into_iter().map(|entry| (entry.key, entry.state)).collect()
}

fn named(pairs: &[(&str, Standing)]) -> Vec<(String, Standing)> {
    pairs.iter().map(|(key, state)| ((*key).to_owned(), *state)).collect()
}

#[tokio::test]
async fn beside_a_living_owner_started_is_started_and_running() {
    let home = Home::new();
    let ledger = home.ledger();
    start(&ledger, "b", false, false).await;
    conclude(&ledger, "a", KeyState::Succeeded, Effect::Applied).await;
    conclude(&ledger, "f", KeyState::Failed, Effect::NotApplied).await;
    conclude(&ledger, "d", KeyState::InDoubt, Effect::Unknown).await;
    let view = home.view();
    assert_eq!(
        states(&view),
        named(&[
            ("b", Standing::Started),
            ("a", Standing::Succeeded),
            ("f", Standing::Failed),
            ("d", Standing::InDoubt)
        ]),
        "the first start comes first"
    );
    let status = view.status().unwrap();
    let counts = status.counts;
    assert_eq!((counts.running, counts.open, counts.in_doubt, counts.abandoned), (1, 0, 1, 0));
    assert_eq!((counts.succeeded, counts.failed), (1, 1));
    assert_eq!((status.living_owners, status.orphans.len()), (Some(1), 0));
    assert_eq!(status.gate.unwrap().entries()[0].level, Level::Run);
}

#[tokio::test]
async fn what_a_dead_owner_left_is_in_doubt_or_open_before_anybody_recorded_it() {
    let home = Home::new();
    let ledger = home.ledger();
    start(&ledger, "once", false, false).await;
    start(&ledger, "again", true, false).await;
    drop(ledger);
    let view = home.view();
    assert_eq!(states(&view), named(&[("once", Standing::InDoubt), ("again", Standing::Open)]));
    let doubt = entries(&view, &[Standing::InDoubt]);
    assert_eq!((doubt.len(), doubt[0].record.standing), (1, Standing::Started));
    assert_eq!((doubt[0].outcome.as_str(), doubt[0].reason_code.as_deref()), ("unknown", Some("in_doubt")));
    assert!(entries(&view, &[Standing::Started]).is_empty());
    assert_eq!(entries(&view, &[Standing::Open]).len(), 1);
    let counts = view.status().unwrap().counts;
    assert_eq!((counts.running, counts.open, counts.in_doubt), (0, 1, 1));
    let before = counts.events;
    drop(home.ledger());
    let counts = home.view().status().unwrap().counts;
    assert_eq!((counts.running, counts.open, counts.in_doubt), (0, 1, 1), "recovery agrees");
    assert_eq!(counts.events, before + 1);
}

#[tokio::test]
async fn an_orphan_counts_as_running_and_is_named() {
    let home = Home::new();
    let ledger = home.ledger();
    let started = start(&ledger, "k", false, true).await;
    let orphan = started.lock.unwrap();
    drop(ledger);
    let view = home.view();
    assert_eq!(states(&view), named(&[("k", Standing::Started)]));
    let status = view.status().unwrap();
    assert_eq!((status.counts.running, status.counts.in_doubt, status.living_owners), (1, 0, Some(0)));
    assert_eq!(status.orphans.len(), 1);
    let told = &status.orphans[0];
    assert_eq!((told.key.as_str(), told.attempt, told.fence, told.is_orphan), ("k", 0, started.fence, true));
    assert!(told.since_ms > 0);
    assert_eq!(view.show("k").unwrap().unwrap().running.as_ref(), Some(told));
    drop(orphan);
    assert_eq!(states(&view), named(&[("k", Standing::InDoubt)]));
    assert!(view.status().unwrap().orphans.is_empty());
}

#[tokio::test]
async fn a_key_in_doubt_whose_attempt_runs_on_is_abandoned() {
    let home = Home::new();
    let ledger = home.ledger();
    let started = start(&ledger, "k", false, true).await;
    let unknown = report(Effect::Unknown);
    let record =
        Record { key: "k", fence: started.fence, attempt: 0, state: KeyState::InDoubt, report: &unknown };
    ledger.record(record).await.unwrap();
    let counts = home.view().status().unwrap().counts;
    assert_eq!((counts.running, counts.in_doubt, counts.abandoned), (0, 1, 1));
    assert!(home.view().status().unwrap().orphans.is_empty(), "its owner lives");
    drop(ledger);
    assert_eq!(home.view().status().unwrap().orphans.len(), 1);
}

#[tokio::test]
async fn everything_about_a_key_is_shown_with_what_came_too_late() {
    let home = Home::new();
    let ledger = home.ledger();
    let denied = ExecutionReport {
        idempotency_key: Some("k".to_owned()),
        ..failstop::invalid_input(None, 0, &InputFault::line_too_long())
    };
    ledger.note(Evidence::Denied(&denied));
    let started = start(&ledger, "k", false, false).await;
    let unknown = report(Effect::Unknown);
    let record =
        Record { key: "k", fence: started.fence, attempt: 0, state: KeyState::InDoubt, report: &unknown };
    ledger.record(record).await.unwrap();
    ledger.note(Evidence::Late { key: "k", fence: started.fence, attempt: 0, effect: Effect::Applied });
    assert!(ledger.flush());
    let shown = home.view().show("k").unwrap().unwrap();
    let kinds: Vec<EventKind> = shown.events.iter().map(|event| event.kind).collect();
    assert_eq!(kinds, [EventKind::Denied, EventKind::Started, EventKind::InDoubt, EventKind::Late]);
    assert_eq!(shown.late().count(), 1);
    assert_eq!(shown.report, Some(Ok(unknown)));
    assert_eq!(shown.entry.unwrap().state, Standing::InDoubt);
    let resolver = Resolver { who: "ada".to_owned(), reason: "seen".to_owned(), evidence: None };
    let resolved = ledger.resolve("k", Resolution::Applied, &resolver).unwrap();
    let shown = home.view().show("k").unwrap().unwrap();
    let entry = shown.entry.as_ref().unwrap();
    assert_eq!((entry.state, entry.record.resolution), (Standing::Succeeded, Some(Resolution::Applied)));
    assert_eq!(shown.report, Some(Ok(resolved)));
    assert_eq!(home.view().show("other").unwrap(), None);
}

#[tokio::test]
async fn a_key_whose_report_is_missing_is_shown_without_it() {
    let home = Home::new();
    conclude(&home.ledger(), "k", KeyState::Succeeded, Effect::Applied).await;
    let tampered = rusqlite::Connection::open(home.path()).unwrap();
    tampered.execute("DELETE FROM events WHERE kind = 'succeeded'", []).unwrap();
    drop(tampered);
    let shown = home.view().show("k").unwrap().unwrap();
    assert!(shown.report.unwrap().is_err());
    assert_eq!((shown.entry.unwrap().state, shown.events.len()), (Standing::Succeeded, 1));
}

#[tokio::test]
async fn a_denial_alone_is_shown_without_an_entry() {
    let home = Home::new();
    let ledger = home.ledger();
    let denied = ExecutionReport {
        idempotency_key: Some("k".to_owned()),
        ..failstop::invalid_input(None, 0, &InputFault::line_too_long())
    };
    ledger.note(Evidence::Denied(&denied));
    assert!(ledger.flush());
    let shown = home.view().show("k").unwrap().unwrap();
    assert_eq!((shown.entry, shown.report, shown.is_retired, shown.events.len()), (None, None, false, 1));
}

#[tokio::test]
async fn a_listing_ends_at_its_limit_and_where_it_is_broken_off() {
    let home = Home::new();
    let ledger = home.ledger();
    for n in 0..5 {
        conclude(&ledger, &format!("k{n}"), KeyState::Succeeded, Effect::Applied).await;
    }
    let seen = |limit, breaks_after| {
        let mut seen = 0;
        let each = |_| {
            seen += 1;
            if seen == breaks_after { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        home.view().list(&Filter { states: Vec::new(), limit }, each).unwrap();
        seen
    };
    assert_eq!((seen(Some(3), 9), seen(Some(0), 9), seen(None, 2), seen(None, 9)), (3, 0, 2, 5));
}

#[tokio::test]
async fn a_gate_that_cannot_be_read_is_told_and_the_counts_too() {
    let home = Home::new();
    conclude(&home.ledger(), "k", KeyState::Succeeded, Effect::Applied).await;
    fs::remove_file(home.dir.path().join("fail stop?#%.db.gate")).unwrap();
    let status = home.view().status().unwrap();
    assert!(status.gate.is_err());
    assert_eq!(status.counts.succeeded, 1);
}

#[test]
fn what_is_no_ledger_is_refused_and_nothing_is_made() {
    let home = Home::new();
    assert_eq!(View::open(&home.path()).unwrap_err(), OpenError::Missing);
    assert!(home.names().is_empty(), "looking makes nothing");
    fs::write(home.path(), "").unwrap();
    assert_eq!(View::open(&home.path()).unwrap_err(), OpenError::Missing);
    fs::write(home.path(), "SQLite format 3\0 and then nonsense".repeat(99)).unwrap();
    assert_eq!(View::open(&home.path()).unwrap_err(), OpenError::NotALedger);
    fs::remove_file(home.path()).unwrap();
    let foreign = rusqlite::Connection::open(home.path()).unwrap();
    foreign.execute_batch("CREATE TABLE executions (id INTEGER); PRAGMA user_version = 1;").unwrap();
    drop(foreign);
    assert_eq!(View::open(&home.path()).unwrap_err(), OpenError::NotALedger);
    assert_eq!(View::open(home.dir.path()).unwrap_err(), OpenError::NotALedger);
}

#[test]
fn a_newer_layout_is_refused() {
    let home = Home::new();
    drop(home.ledger());
    let newer = rusqlite::Connection::open(home.path()).unwrap();
    newer.pragma_update(None, "user_version", 99).unwrap();
    drop(newer);
    assert_eq!(View::open(&home.path()).unwrap_err(), OpenError::NewerVersion { found: 99, known: 1 });
}

#[tokio::test]
async fn a_ledger_beside_which_nothing_can_be_made_is_read_and_left_as_it_is() {
    let home = Home::new();
    conclude(&home.ledger(), "k", KeyState::InDoubt, Effect::Unknown).await;
    // In the way of the files that SQLite makes, as a disk that may only be read would be.
    for suffix in ["wal", "shm"] {
        let file = home.dir.path().join(format!("fail stop?#%.db-{suffix}"));
        std::os::unix::fs::symlink(home.dir.path().join("no/such/place"), file).unwrap();
    }
    let before = fs::read(home.path()).unwrap();
    assert_eq!(states(&home.view()), named(&[("k", Standing::InDoubt)]));
    assert!(fs::read(home.path()).unwrap() == before);
}

#[tokio::test]
async fn a_copy_without_locks_is_nobodys() {
    let home = Home::new();
    let ledger = home.ledger();
    start(&ledger, "k", false, true).await;
    drop(ledger);
    let copy = Home::new();
    fs::copy(home.path(), copy.path()).unwrap();
    assert_eq!(states(&copy.view()), named(&[("k", Standing::InDoubt)]));
    assert!(!copy.names().contains(&"fail stop?#%.db.locks".to_owned()));
}
