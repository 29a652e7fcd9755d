//! The audit chain, recomputed from the columns of a ledger's file and nothing else.

use std::path::Path;

use failstop::core::ledger::{Event, EventKind, GENESIS};
use rusqlite::{Connection, OpenFlags, Row};

/// What is wrong with a chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ChainFault {
    /// The file cannot be read as a ledger.
    #[error("the ledger cannot be read")]
    Unreadable,
    /// An event is missing, or stands where another should.
    #[error("event {expected} is missing")]
    Gap {
        /// The seq that was to come.
        expected: u64,
    },
    /// An event's hash is not that of its columns after the event before it.
    #[error("event {seq} has another hash than its columns")]
    Hash {
        /// The event.
        seq: u64,
    },
}

impl From<rusqlite::Error> for ChainFault {
    fn from(_: rusqlite::Error) -> Self {
        Self::Unreadable
    }
}

/// How many events the chain of this ledger has, if it is whole.
///
/// # Errors
/// The first fault.
pub fn verify_chain(ledger: &Path) -> Result<u64, ChainFault> {
    let connection = Connection::open_with_flags(ledger, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    let mut statement = connection
        .prepare("SELECT seq, at_ms, kind, key, fence, gate_epoch, body, hash FROM events ORDER BY seq")?;
    let mut rows = statement.query([])?;
    let (mut seq, mut hash) = (0, GENESIS);
    while let Some(row) = rows.next()? {
        let event = event(row)?;
        seq += 1;
        if event.seq != seq {
            return Err(ChainFault::Gap { expected: seq });
        }
        let next = *event.hash(&hash).as_bytes();
        if row.get::<_, [u8; 32]>(7)? != next {
            return Err(ChainFault::Hash { seq });
        }
        hash = next;
    }
    Ok(seq)
}

fn event(row: &Row<'_>) -> Result<Event, ChainFault> {
    Ok(Event {
        seq: row.get(0)?,
        at_ms: row.get(1)?,
        kind: EventKind::from_name(row.get_ref(2)?.as_str().map_err(|_| ChainFault::Unreadable)?)
            .ok_or(ChainFault::Unreadable)?,
        key: row.get(3)?,
        fence: row.get(4)?,
        gate_epoch: row.get(5)?,
        body: row.get(6)?,
    })
}
