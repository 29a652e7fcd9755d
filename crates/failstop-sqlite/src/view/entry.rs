//! One key as it stands.

use failstop::core::{
    idempotency::Digest,
    ledger::{KeyRecord, Resolution, Standing},
};
use rusqlite::{Row, types::Type};

use super::presence::{Living, Presence};

/// The condition of the index `unfinished`, word for word, or SQLite would not use it.
pub(super) const UNFINISHED: &str = "(state = 'STARTED' OR state = 'OPEN' OR state = 'IN_DOUBT')";

/// The columns that [`Entry::read`] reads, in order.
pub(super) const COLUMNS: &str = "id, key, state, action, fingerprint, fence, attempts, owner, may_have_effect, \
     may_repeat, resolution, execution_id, outcome, reason_code, started_at_ms, updated_at_ms, last_event";

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
    /// Reads a row of [`COLUMNS`]. A value that cannot stand there is an error: the ledger is damaged.
    pub(super) fn read(row: &Row<'_>, living: &Living) -> rusqlite::Result<Self> {
        let record = record(row)?;
        let presence = living.presence(&record);
        Ok(Self {
            id: row.get(0)?,
            key: row.get(1)?,
            state: presence.effective(&record),
            action: row.get(3)?,
            record,
            presence,
            execution_id: row.get(11)?,
            outcome: row.get(12)?,
            reason_code: row.get(13)?,
            started_at_ms: row.get(14)?,
            updated_at_ms: row.get(15)?,
            last_event: row.get(16)?,
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

fn record(row: &Row<'_>) -> rusqlite::Result<KeyRecord> {
    let resolution = row.get_ref(10)?.as_str_or_null()?.map(|name| named(10, Resolution::from_name(name)));
    Ok(KeyRecord {
        standing: named(2, Standing::from_name(row.get_ref(2)?.as_str()?))?,
        fingerprint: Digest::from(row.get::<_, [u8; 32]>(4)?),
        fence: row.get(5)?,
        attempts: row.get(6)?,
        owner: named(7, row.get_ref(7)?.as_str()?.parse().ok())?,
        may_have_effect: row.get(8)?,
        may_repeat: row.get(9)?,
        resolution: resolution.transpose()?,
    })
}

fn named<T>(column: usize, value: Option<T>) -> rusqlite::Result<T> {
    value.ok_or_else(|| rusqlite::Error::InvalidColumnType(column, String::new(), Type::Text))
}
