//! A ledger in which every table has rows, written by engines; and how to tamper with copies of it.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use decision_schema::{Action, FinalDecision, Object};
use failstop::{
    Engine, Request,
    core::{
        idempotency::Digest,
        ledger::{Event, EventKind, GENESIS, Resolution},
        stop::{Level, Scope},
    },
    executor::{Answer, from_fn},
};
use failstop_sqlite::{
    Options, SqliteLedger,
    audit::{self, AuditReport, Checkpoint},
    gate_file::GateFile,
};
use rusqlite::{Connection, params};
use tempfile::TempDir;

use crate::support::{engine, keyed, open, resolver, run};

/// A ledger that nobody has open.
pub struct Fixture {
    home: TempDir,
    pub path: PathBuf,
}

impl Fixture {
    /// Retried, rejected, in doubt, resolved both ways, retired, denied by a stop that was latched on the way.
    pub async fn written() -> Self {
        let home = TempDir::new().unwrap();
        let path = home.path().join("failstop.db");
        {
            let ledger = open(&path);
            run(&answering(&ledger, [Answer::applied()]), "retired").await;
        }
        // Whatever is finished is older than this.
        let retiring = SqliteLedger::open(&path, Options::default().retention_ms(-60_000)).unwrap();
        drop(retiring);
        let ledger = open(&path);
        write_all(&ledger, &path).await;
        drop(ledger);
        // All of it into one file.
        let connection = Connection::open(&path).unwrap();
        connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
        Self { home, path }
    }

    /// A copy to tamper with, the gate left behind: an audit needs the file alone.
    pub fn copy(&self) -> Copy {
        let home = TempDir::new_in(self.home.path()).unwrap();
        let path = home.path().join("copy.db");
        fs::copy(&self.path, &path).unwrap();
        Copy { _home: home, path }
    }
}

async fn write_all(ledger: &Arc<SqliteLedger>, path: &Path) {
    run(&answering(ledger, [Answer::applied().with_output("done".into())]), "applied").await;
    let busy = Answer::not_applied().with_code("busy");
    run(&answering(ledger, [busy, Answer::applied()]), "retried").await;
    run(&answering(ledger, [Answer::rejected().with_code("no_funds")]), "rejected").await;
    for key in ["doubtful", "resolved", "disproved"] {
        run(&answering(ledger, [Answer::unknown()]), key).await;
    }
    ledger.resolve("resolved", Resolution::Applied, &resolver()).unwrap();
    ledger.resolve("disproved", Resolution::NotApplied, &resolver()).unwrap();
    let gate_path = path.with_file_name("failstop.db.gate");
    let id = GateFile::ledger_id_at(&gate_path).unwrap().unwrap();
    let gate = GateFile::open(&gate_path, &id).unwrap();
    gate.engage(Scope::Action(Action::Hold), Level::Stop, "a drill", 5).unwrap();
    run(&answering(ledger, [Answer::applied()]), "disproved").await;
    let (hold, nothing) = (FinalDecision::new(Action::Hold), Object::new());
    let request = Request { idempotency_key: Some("denied"), ..Request::new(&hold, &nothing) };
    answering(ledger, [Answer::applied()]).execute(&request).await;
    assert!(ledger.flush());
}

/// An engine whose executor gives these answers, one after another.
pub fn answering<const N: usize>(ledger: &Arc<SqliteLedger>, answers: [Answer; N]) -> Engine {
    let next = AtomicUsize::new(0);
    let executor = from_fn(move |_| std::future::ready(answers[next.fetch_add(1, Ordering::SeqCst)].clone()));
    engine(ledger, keyed(|spec| spec.retry.initial_backoff_ms = 1), executor)
}

/// A ledger's file that may be tampered with.
pub struct Copy {
    _home: TempDir,
    pub path: PathBuf,
}

impl Copy {
    pub fn connection(&self) -> Connection {
        let connection = Connection::open(&self.path).unwrap();
        // Nobody minds the loss of a copy.
        connection.pragma_update(None, "synchronous", "OFF").unwrap();
        connection
    }

    pub fn verify(&self) -> AuditReport {
        audit::verify(&self.path, &[]).unwrap()
    }

    pub fn verify_against(&self, kept: Checkpoint) -> AuditReport {
        audit::verify(&self.path, &[kept]).unwrap()
    }

    pub fn execute(&self, sql: &str) -> usize {
        self.connection().execute(sql, []).unwrap()
    }

    /// Changes the events as `change` likes, and then makes a whole chain of them: numbers, fences and hashes all fit.
    /// Events that are put in have numbers of their own from 1,000,000 on, which fences may name.
    pub fn forge(&self, change: impl FnOnce(&mut Vec<Event>)) {
        let mut connection = self.connection();
        let mut events = read(&connection);
        change(&mut events);
        let numbers: Vec<u64> = events.iter().map(|event| event.seq).collect();
        let renumbered =
            |old: u64| numbers.iter().position(|number| *number == old).map_or(old, |at| at as u64 + 1);
        let mut previous = GENESIS;
        let transaction = connection.transaction().unwrap();
        transaction.execute("DELETE FROM events", []).unwrap();
        for event in events {
            let event = Event { seq: renumbered(event.seq), fence: event.fence.map(renumbered), ..event };
            let hash = event.hash(&previous);
            previous = *hash.as_bytes();
            write(&transaction, &event, &hash);
        }
        transaction.commit().unwrap();
    }
}

pub fn codes(report: &AuditReport) -> Vec<&'static str> {
    report.findings.iter().map(|finding| finding.kind.code()).collect()
}

fn read(connection: &Connection) -> Vec<Event> {
    let mut statement = connection
        .prepare("SELECT seq, at_ms, kind, key, fence, gate_epoch, body FROM events ORDER BY seq")
        .unwrap();
    let event = |row: &rusqlite::Row<'_>| {
        Ok(Event {
            seq: row.get(0)?,
            at_ms: row.get(1)?,
            kind: EventKind::from_name(&row.get::<_, String>(2)?).unwrap(),
            key: row.get(3)?,
            fence: row.get(4)?,
            gate_epoch: row.get(5)?,
            body: row.get(6)?,
        })
    };
    statement.query_map([], event).unwrap().map(Result::unwrap).collect()
}

fn write(connection: &Connection, event: &Event, hash: &Digest) {
    let sql = "INSERT INTO events (seq, at_ms, kind, key, fence, gate_epoch, body, hash) \
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
    let Event { seq, at_ms, kind, key, fence, gate_epoch, body } = event;
    let row = params![seq, at_ms, kind.as_str(), key, fence, gate_epoch, body, hash.as_bytes().as_slice()];
    connection.execute(sql, row).unwrap();
}
