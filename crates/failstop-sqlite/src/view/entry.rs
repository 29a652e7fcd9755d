//! One key as it stands.

use failstop::core::ledger::{KeyRecord, Standing};
use rusqlite::Row;

use super::presence::{Living, Presence};
use crate::rows::{self, KeyRow};

/// The condition of the index `unfinished`, word for word, or SQLite would not use it.
pub(super) const UNFINISHED: &str = "(state = 'STARTED' OR state = 'OPEN' OR state = 'IN_DOUBT')";

/// The query for rows that [`Entry::read`] reads; `rest` is what follows the table's name.
pub(super) fn select(rest: &str) -> String {
    let columns = rows::COLUMNS;
    format!(
        "SELECT {columns}, key, action, execution_id, outcome, reason_code, started_at_ms, updated_at_ms \
         FROM executions {rest}"
    )
}

/// One key as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The key.
    pub key: String,
    /// Where it effectively stands; see [`Presence`].
    pub state: Standing,
    /// Its action; `None` where it could not be read.
    pub action: Option<String>,
    /// What the record itself says.
    pub record: KeyRecord,
    /// Who is at it.
    pub presence: Presence,
    /// The id of its first admission, a UUID.
    pub execution_id: String,
    /// `executed`, `not_executed` or `unknown`, as far as is known.
    pub outcome: String,
    /// Why it is not a success; `None` on success.
    pub reason_code: Option<String>,
    /// Its first start, Unix wall time in milliseconds.
    pub started_at_ms: i64,
    /// Its last change, Unix wall time in milliseconds.
    pub updated_at_ms: i64,
    pub(super) id: i64,
    /// The event with its report.
    pub(super) last_event: u64,
}

impl Entry {
    /// Reads a row of [`select`]. A value that cannot stand there is an error: the ledger is damaged.
    pub(super) fn read(row: &Row<'_>, living: &Living) -> rusqlite::Result<Self> {
        const OWN: usize = rows::COLUMN_COUNT;
        let KeyRow { id, record, last_event } = KeyRow::read(row)?;
        let presence = living.presence(&record);
        Ok(Self {
            id,
            key: row.get(OWN)?,
            state: presence.effective(&record),
            action: row.get(OWN + 1)?,
            record,
            presence,
            execution_id: row.get(OWN + 2)?,
            outcome: row.get(OWN + 3)?,
            reason_code: row.get(OWN + 4)?,
            started_at_ms: row.get(OWN + 5)?,
            updated_at_ms: row.get(OWN + 6)?,
            last_event,
        })
    }

    /// Whether somebody is at it: its owner lives, or an orphan of its last attempt does, and it has not ended.
    pub const fn is_running(&self) -> bool {
        self.presence.is_running(&self.record)
    }

    /// Whether its owner is dead and its last attempt runs on.
    pub const fn is_orphan(&self) -> bool {
        self.presence.attempt_running && !self.presence.owner_alive
    }
}
