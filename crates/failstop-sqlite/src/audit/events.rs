//! The rows of `events`, in order.

use failstop::core::{
    idempotency::Digest,
    ledger::{Event, EventKind},
};
use rusqlite::{Connection, Row, types::ValueRef};

use super::AuditError;

/// A row that is no event, and its hash, if it has one.
pub(super) struct Unfit {
    pub(super) hash: Option<Digest>,
}

/// Hands every row to `take`, with its number.
pub(super) fn each(
    connection: &Connection,
    mut take: impl FnMut(u64, Result<(Event, Digest), Unfit>) -> Result<(), AuditError>,
) -> Result<(), AuditError> {
    const SQL: &str = "SELECT seq, at_ms, kind, key, fence, gate_epoch, body, hash FROM events ORDER BY seq";
    let mut statement = connection.prepare(SQL)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let hash = row.get_ref(7)?.as_blob().ok().and_then(digest);
        let event = hash.and_then(|hash| Some((event(row)?, hash))).ok_or(Unfit { hash });
        // One before the first is unfit, whatever it is called.
        let seq = natural(row.get_ref(0)?).unwrap_or(0);
        take(seq, event)?;
    }
    Ok(())
}

fn event(row: &Row<'_>) -> Option<Event> {
    Some(Event {
        seq: natural(row.get_ref(0).ok()?)?,
        at_ms: row.get(1).ok()?,
        kind: EventKind::from_name(row.get_ref(2).ok()?.as_str().ok()?)?,
        key: row.get(3).ok()?,
        fence: optional(row.get_ref(4).ok()?).ok()?,
        gate_epoch: optional(row.get_ref(5).ok()?).ok()?,
        body: row.get(6).ok()?,
    })
}

/// A digest as it is stored.
pub(super) fn digest(bytes: &[u8]) -> Option<Digest> {
    <[u8; 32]>::try_from(bytes).ok().map(Digest::from)
}

/// A number that is not negative.
pub(super) fn natural(value: ValueRef<'_>) -> Option<u64> {
    u64::try_from(value.as_i64().ok()?).ok()
}

/// What stands there is no number.
struct NoNumber;

fn optional(value: ValueRef<'_>) -> Result<Option<u64>, NoNumber> {
    match value {
        ValueRef::Null => Ok(None),
        value => natural(value).map(Some).ok_or(NoNumber),
    }
}
