//! What the ledger is measured against: its own rows written again through the same binding with nothing around them,
//! and as many bytes appended to a file.

use std::{
    fs::{File, OpenOptions},
    io::Write as _,
    path::Path,
};

use rusqlite::{Connection, OpenFlags, Row, TransactionBehavior, params};
use tempfile::TempDir;

use crate::ledger_subject::directory;

/// As in the ledger's own connection.
const WAL_AUTOCHECKPOINT_PAGES: u32 = 16_384;
const CACHE_KIB: i64 = 8_192;
const STATEMENTS: usize = 16;

/// What one execution left in a ledger.
pub struct Execution {
    key: String,
    action: Option<String>,
    fingerprint: Vec<u8>,
    owner: String,
    id: String,
    gate_epoch: Option<i64>,
    started: EventRow,
    ended: EventRow,
}

struct EventRow {
    at_ms: i64,
    body: String,
    hash: Vec<u8>,
}

impl Execution {
    const SQL: &str = "SELECT key, action, fingerprint, owner, execution_id, s.gate_epoch, s.at_ms, s.body, \
         s.hash, e.at_ms, e.body, e.hash FROM executions \
         JOIN (SELECT seq, gate_epoch, at_ms, body, hash FROM events) s ON s.seq = fence \
         JOIN (SELECT seq, at_ms, body, hash FROM events) e ON e.seq = last_event ORDER BY id DESC LIMIT ?1";

    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        let event = |first| {
            Ok::<_, rusqlite::Error>(EventRow {
                at_ms: row.get(first)?,
                body: row.get(first + 1)?,
                hash: row.get(first + 2)?,
            })
        };
        Ok(Self {
            key: row.get(0)?,
            action: row.get(1)?,
            fingerprint: row.get(2)?,
            owner: row.get(3)?,
            id: row.get(4)?,
            gate_epoch: row.get(5)?,
            started: event(6)?,
            ended: event(9)?,
        })
    }

    /// Bytes of its text and blobs, in both halves; numbers count as one byte each.
    fn bytes(&self) -> (usize, usize) {
        let event = |event: &EventRow| event.body.len() + event.hash.len() + 2 * self.key.len();
        let row = self.owner.len() + self.id.len() + self.fingerprint.len() + 24;
        (event(&self.started) + row, event(&self.ended) + row)
    }
}

/// The newest executions of the ledger at `path`.
pub fn newest(path: &Path, count: u32) -> Vec<Execution> {
    let ledger = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE).expect("it is there");
    let mut statement = ledger.prepare(Execution::SQL).expect("the tables are as documented");
    let rows = statement.query_map([count], Execution::read).expect("the rows can be read");
    rows.collect::<Result<_, _>>().expect("each row can be read")
}

/// The same tables with nobody around them.
pub struct Bare {
    connection: Connection,
    seq: i64,
    _home: TempDir,
}

impl Bare {
    /// Empty tables with the layout of the ledger at `like`, and its pragmas.
    pub fn like(like: &Path) -> Self {
        Self::with_autocheckpoint(like, WAL_AUTOCHECKPOINT_PAGES)
    }

    /// The same, with the WAL moved into the database after so many pages; 0: never.
    pub fn with_autocheckpoint(like: &Path, pages: u32) -> Self {
        let home = directory();
        let connection = Connection::open(home.path().join("bare.db")).expect("a database can be made");
        connection.execute_batch(&layout(like)).expect("the layout is valid");
        let mode: String =
            connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0)).expect("it answers");
        assert_eq!(mode, "wal");
        for (name, value) in
            [("synchronous", 2), ("wal_autocheckpoint", i64::from(pages)), ("cache_size", -CACHE_KIB)]
        {
            connection.pragma_update(None, name, value).expect("the pragma is known");
        }
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        Self { connection, seq: 0, _home: home }
    }

    /// Writes the executions in groups, each in two transactions: their starts, their outcomes.
    pub fn write(&mut self, executions: &[Execution], group: usize) {
        for group in executions.chunks(group) {
            let ids = self.start(group);
            self.end(group, &ids);
        }
    }

    /// One transaction that starts them; answers the ids of their rows.
    pub fn start(&mut self, group: &[Execution]) -> Vec<(i64, i64)> {
        self.transact(group, insert)
    }

    /// One transaction that ends them.
    pub fn end(&mut self, group: &[Execution], ids: &[(i64, i64)]) {
        let mut ids = ids.iter();
        self.transact(group, |writing, execution| {
            let id = *ids.next().expect("each was started");
            update(writing, execution, id)
        });
    }

    fn transact<T>(
        &mut self,
        group: &[Execution],
        mut write: impl FnMut(&mut Writing<'_>, &Execution) -> rusqlite::Result<T>,
    ) -> Vec<T> {
        let mut work = || {
            let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let mut writing = Writing { connection: &transaction, seq: &mut self.seq };
            let done: rusqlite::Result<Vec<T>> =
                group.iter().map(|execution| write(&mut writing, execution)).collect();
            transaction.commit()?;
            done
        };
        work().expect("the bare rows can be written")
    }
}

struct Writing<'t> {
    connection: &'t Connection,
    seq: &'t mut i64,
}

impl Writing<'_> {
    fn event(
        &mut self,
        kind: &str,
        execution: &Execution,
        event: &EventRow,
        (fence, gate_epoch): (Option<i64>, Option<i64>),
    ) -> rusqlite::Result<i64> {
        const SQL: &str = "INSERT INTO events (seq, at_ms, kind, key, fence, gate_epoch, body, hash) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
        *self.seq += 1;
        let (seq, EventRow { at_ms, body, hash }) = (*self.seq, event);
        self.connection.prepare_cached(SQL)?.execute(params![
            seq,
            at_ms,
            kind,
            execution.key,
            fence.unwrap_or(seq),
            gate_epoch,
            body,
            hash
        ])?;
        Ok(seq)
    }
}

fn insert(writing: &mut Writing<'_>, execution: &Execution) -> rusqlite::Result<(i64, i64)> {
    const ROW: &str = "INSERT INTO executions (key, state, action, fingerprint, fence, attempts, owner, \
         may_have_effect, may_repeat, resolution, execution_id, outcome, reason_code, started_at_ms, \
         updated_at_ms, last_event) VALUES (?1, 'STARTED', ?2, ?3, ?4, 1, ?5, 0, 0, NULL, ?6, 'unknown', \
         'unknown_outcome', ?7, ?7, ?4)";
    const ATTEMPT: &str = "INSERT INTO attempts (execution, number, fence, effect, stopped, error_type, \
         error_code, started_at_ms, latency_ms) VALUES (?1, 0, ?2, 'unknown', NULL, NULL, NULL, ?3, 0)";
    let fence = writing.event("started", execution, &execution.started, (None, execution.gate_epoch))?;
    let Execution { key, action, fingerprint, owner, id, started, .. } = execution;
    writing.connection.prepare_cached(ROW)?.execute(params![
        key,
        action,
        fingerprint,
        fence,
        owner,
        id,
        started.at_ms
    ])?;
    let id = writing.connection.last_insert_rowid();
    writing.connection.prepare_cached(ATTEMPT)?.execute(params![id, fence, started.at_ms])?;
    Ok((id, fence))
}

fn update(writing: &mut Writing<'_>, execution: &Execution, (id, fence): (i64, i64)) -> rusqlite::Result<()> {
    const ROW: &str = "UPDATE executions SET state = 'SUCCEEDED', fence = ?2, attempts = 1, owner = ?3, \
         may_have_effect = 1, may_repeat = 0, resolution = NULL, outcome = 'executed', reason_code = NULL, \
         updated_at_ms = ?4, last_event = ?5 WHERE id = ?1";
    const ATTEMPT: &str = "UPDATE attempts SET effect = 'applied', stopped = NULL, error_type = NULL, \
         error_code = NULL, started_at_ms = ?2, latency_ms = 0 WHERE execution = ?1 AND number = 0";
    let seq = writing.event("succeeded", execution, &execution.ended, (Some(fence), None))?;
    writing.connection.prepare_cached(ROW)?.execute(params![
        id,
        fence,
        execution.owner,
        execution.ended.at_ms,
        seq
    ])?;
    writing.connection.prepare_cached(ATTEMPT)?.execute(params![id, execution.started.at_ms])?;
    Ok(())
}

fn layout(like: &Path) -> String {
    let ledger = Connection::open_with_flags(like, OpenFlags::SQLITE_OPEN_READ_WRITE).expect("it is there");
    let mut statement = ledger
        .prepare("SELECT group_concat(sql, ';') FROM sqlite_schema WHERE sql IS NOT NULL")
        .expect("every database has a schema");
    statement.query_row([], |row| row.get(0)).expect("the ledger has tables")
}

/// A file that is only appended to.
pub struct Raw {
    file: File,
    _home: TempDir,
}

impl Raw {
    pub fn new() -> Self {
        let home = directory();
        let file = OpenOptions::new().append(true).create(true).open(home.path().join("raw"));
        Self { file: file.expect("a file can be made"), _home: home }
    }

    /// Appends as many bytes as the rows have, in the same groups, each half flushed.
    pub fn write(&mut self, executions: &[Execution], group: usize) {
        for group in executions.chunks(group) {
            let sizes = group.iter().map(Execution::bytes);
            let (starts, ends) = sizes.fold((0, 0), |sum, size| (sum.0 + size.0, sum.1 + size.1));
            for bytes in [starts, ends] {
                self.file.write_all(&vec![b'x'; bytes]).expect("the bytes can be written");
                self.file.sync_data().expect("the disk flushes");
            }
        }
    }
}
