//! Rows of `executions` and `attempts`: how a key's record stands in the tables.

use std::sync::LazyLock;

use decision_schema::Action;
use failstop::core::{
    idempotency::Digest,
    ledger::{KeyRecord, OwnerId, Resolution, Standing},
    model::{ExecutionAttempt, ExecutionReport, ReasonCode, Stopped},
};
use rusqlite::{Connection, OptionalExtension as _, Row, params, types::Type};

/// The columns that [`KeyRow::read`] reads, in order. A query may have others after them, from [`COLUMN_COUNT`] on.
pub(crate) const COLUMNS: &str =
    "id, state, fingerprint, fence, attempts, owner, may_have_effect, may_repeat, resolution, last_event";

/// How many [`COLUMNS`] are.
pub(crate) const COLUMN_COUNT: usize = 10;

/// A key's row.
#[derive(Debug, Clone, Copy)]
pub(crate) struct KeyRow {
    pub(crate) id: i64,
    pub(crate) record: KeyRecord,
    /// The seq of the event with its report.
    pub(crate) last_event: u64,
}

impl KeyRow {
    /// Reads [`COLUMNS`]. A value that cannot stand there is an error: the ledger is damaged.
    pub(crate) fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        let resolution = row.get_ref(8)?.as_str_or_null()?.map(|name| named(8, Resolution::from_name(name)));
        Ok(Self {
            id: row.get(0)?,
            record: KeyRecord {
                standing: named(1, Standing::from_name(row.get_ref(1)?.as_str()?))?,
                fingerprint: Digest::from(row.get::<_, [u8; 32]>(2)?),
                fence: row.get(3)?,
                attempts: row.get(4)?,
                owner: named(5, row.get_ref(5)?.as_str()?.parse::<OwnerId>().ok())?,
                may_have_effect: row.get(6)?,
                may_repeat: row.get(7)?,
                resolution: resolution.transpose()?,
            },
            last_event: row.get(9)?,
        })
    }
}

fn named<T>(column: usize, value: Option<T>) -> rusqlite::Result<T> {
    value.ok_or_else(|| rusqlite::Error::InvalidColumnType(column, String::new(), Type::Text))
}

/// The row of `key`.
pub(crate) fn load(connection: &Connection, key: &str) -> rusqlite::Result<Option<KeyRow>> {
    static SQL: LazyLock<String> =
        LazyLock::new(|| format!("SELECT {COLUMNS} FROM executions WHERE key = ?1"));
    connection.prepare_cached(&SQL)?.query_row([key], KeyRow::read).optional()
}

/// Whether the record of `key` was retired.
pub(crate) fn is_retired(connection: &Connection, key: &str) -> rusqlite::Result<bool> {
    // A ledger without retired keys, the common case, costs no digest.
    if !connection.prepare_cached("SELECT 1 FROM tombstones LIMIT 1")?.exists([])? {
        return Ok(false);
    }
    let digest = Digest::of(key.as_bytes());
    connection
        .prepare_cached("SELECT 1 FROM tombstones WHERE key_digest = ?1")?
        .exists([digest.as_bytes().as_slice()])
}

/// The body of an event.
pub(crate) fn body(connection: &Connection, seq: u64) -> rusqlite::Result<String> {
    connection.prepare_cached("SELECT body FROM events WHERE seq = ?1")?.query_row([seq], |row| row.get(0))
}

/// What the tables say of a report beside the event that has it.
#[derive(Debug, Clone)]
pub(crate) struct Said {
    execution_id: String,
    action: Option<&'static str>,
    outcome: &'static str,
    reason_code: Option<&'static str>,
    /// The last attempt, and the one before it, whose end may not be written down yet.
    last: Option<ExecutionAttempt>,
    before_last: Option<ExecutionAttempt>,
}

impl From<&ExecutionReport> for Said {
    fn from(report: &ExecutionReport) -> Self {
        let mut ended = report.attempts.iter().rev();
        Self {
            execution_id: report.execution_id.to_string(),
            action: report.action.map(Action::as_str),
            outcome: report.conclusion.outcome.as_str(),
            reason_code: report.conclusion.reason_code.map(ReasonCode::as_str),
            last: ended.next().cloned(),
            before_last: ended.next().cloned(),
        }
    }
}

impl Said {
    /// What the report says of its key.
    pub(crate) const fn outcome(&self) -> &'static str {
        self.outcome
    }
}

/// Writes the row of a key's first start; answers its id.
pub(crate) fn insert(
    connection: &Connection,
    key: &str,
    record: &KeyRecord,
    said: &Said,
    (seq, at_ms): (u64, i64),
) -> rusqlite::Result<i64> {
    const SQL: &str = "INSERT INTO executions (key, state, action, fingerprint, fence, attempts, owner, \
         may_have_effect, may_repeat, resolution, execution_id, outcome, reason_code, started_at_ms, \
         updated_at_ms, last_event) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, NULL, ?10, ?11, ?12, ?13, ?13, ?14)";
    connection.prepare_cached(SQL)?.execute(params![
        key,
        record.standing.as_str(),
        said.action,
        record.fingerprint.as_bytes().as_slice(),
        record.fence,
        record.attempts,
        record.owner.to_string(),
        record.may_have_effect,
        record.may_repeat,
        said.execution_id,
        said.outcome,
        said.reason_code,
        at_ms,
        seq,
    ])?;
    Ok(connection.last_insert_rowid())
}

/// Writes the row of a key that has one.
pub(crate) fn update(
    connection: &Connection,
    id: i64,
    record: &KeyRecord,
    said: &Said,
    (seq, at_ms): (u64, i64),
) -> rusqlite::Result<()> {
    const SQL: &str = "UPDATE executions SET state = ?2, fence = ?3, attempts = ?4, owner = ?5, \
         may_have_effect = ?6, may_repeat = ?7, resolution = ?8, outcome = ?9, reason_code = ?10, \
         updated_at_ms = ?11, last_event = ?12 WHERE id = ?1";
    connection.prepare_cached(SQL)?.execute(params![
        id,
        record.standing.as_str(),
        record.fence,
        record.attempts,
        record.owner.to_string(),
        record.may_have_effect,
        record.may_repeat,
        record.resolution.map(Resolution::as_str),
        said.outcome,
        said.reason_code,
        at_ms,
        seq,
    ])?;
    Ok(())
}

/// Writes the row of an attempt that starts, and the end of the one before it.
pub(crate) fn begin_attempt(
    connection: &Connection,
    id: i64,
    fence: u64,
    said: &Said,
) -> rusqlite::Result<()> {
    const SQL: &str = "INSERT INTO attempts (execution, number, fence, effect, stopped, error_type, error_code, \
         started_at_ms, latency_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
    if let Some(before) = &said.before_last {
        end(connection, id, before)?;
    }
    let Some(attempt) = &said.last else { return Ok(()) };
    connection.prepare_cached(SQL)?.execute(params![
        id,
        attempt.attempt_number,
        fence,
        attempt.effect.as_str(),
        attempt.stopped.map(Stopped::as_str),
        attempt.error_type,
        attempt.error_code,
        attempt.started_at_ms,
        attempt.latency_ms,
    ])?;
    Ok(())
}

/// Writes the end of the last attempt.
pub(crate) fn end_attempt(connection: &Connection, id: i64, said: &Said) -> rusqlite::Result<()> {
    said.last.as_ref().map_or(Ok(()), |attempt| end(connection, id, attempt))
}

fn end(connection: &Connection, id: i64, attempt: &ExecutionAttempt) -> rusqlite::Result<()> {
    const SQL: &str = "UPDATE attempts SET effect = ?3, stopped = ?4, error_type = ?5, error_code = ?6, \
         started_at_ms = ?7, latency_ms = ?8 WHERE execution = ?1 AND number = ?2";
    connection.prepare_cached(SQL)?.execute(params![
        id,
        attempt.attempt_number,
        attempt.effect.as_str(),
        attempt.stopped.map(Stopped::as_str),
        attempt.error_type,
        attempt.error_code,
        attempt.started_at_ms,
        attempt.latency_ms,
    ])?;
    Ok(())
}
