//! The end of the audit chain, and how it grows.

use failstop::core::ledger::{Event, EventKind, GENESIS};
use rusqlite::{Connection, OptionalExtension as _, params};

/// A checkpoint is written at least every so many events, if anything happened at all.
const CHECKPOINT_EVENTS: u64 = 1_000;
/// Or after so long, milliseconds.
const CHECKPOINT_MS: i64 = 60_000;

/// Where the chain ends, as this process last saw it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) seq: u64,
    pub(crate) hash: [u8; 32],
    checkpoint_seq: u64,
    checkpoint_at_ms: i64,
}

/// The chain does not continue what this process has seen: the file was rolled back or rewritten.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RolledBack;

/// What an event says beside its place in the chain.
#[derive(Debug)]
pub(crate) struct Saying {
    pub(crate) kind: EventKind,
    pub(crate) key: Option<String>,
    pub(crate) fence: Option<u64>,
    pub(crate) gate_epoch: Option<u64>,
    pub(crate) body: String,
}

impl Saying {
    /// About a key.
    pub(crate) fn of_key(kind: EventKind, key: &str, fence: u64, body: String) -> Self {
        Self { kind, key: Some(key.to_owned()), fence: Some(fence), gate_epoch: None, body }
    }
}

impl Head {
    /// The end of an empty chain.
    pub(crate) const EMPTY: Self = Self { seq: 0, hash: GENESIS, checkpoint_seq: 0, checkpoint_at_ms: 0 };

    /// Where the chain ends now.
    pub(crate) fn load(connection: &Connection) -> rusqlite::Result<Self> {
        let end = connection
            .prepare_cached("SELECT seq, hash FROM events ORDER BY seq DESC LIMIT 1")?
            .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        let checkpoint = connection
            .prepare_cached("SELECT seq, at_ms FROM checkpoints ORDER BY seq DESC LIMIT 1")?
            .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        let ((seq, hash), (checkpoint_seq, checkpoint_at_ms)) =
            (end.unwrap_or((0, GENESIS)), checkpoint.unwrap_or((0, 0)));
        Ok(Self { seq, hash, checkpoint_seq, checkpoint_at_ms })
    }

    /// Follows what others have appended meanwhile.
    pub(crate) fn catch_up(&mut self, connection: &Connection) -> rusqlite::Result<Result<(), RolledBack>> {
        let now = Self::load(connection)?;
        let is_continued =
            now.seq == self.seq && now.hash == self.hash || now.seq > self.seq && self.is_in(connection)?;
        if is_continued {
            *self = now;
        }
        Ok(if is_continued { Ok(()) } else { Err(RolledBack) })
    }

    fn is_in(&self, connection: &Connection) -> rusqlite::Result<bool> {
        if self.seq == 0 {
            return Ok(true);
        }
        connection
            .prepare_cached("SELECT 1 FROM events WHERE seq = ?1 AND hash = ?2")?
            .exists(params![self.seq, self.hash.as_slice()])
    }

    /// The seq of the next event.
    pub(crate) const fn next_seq(&self) -> u64 {
        self.seq + 1
    }

    /// Appends one event; answers its seq.
    pub(crate) fn append(
        &mut self,
        connection: &Connection,
        at_ms: i64,
        saying: Saying,
    ) -> rusqlite::Result<u64> {
        const SQL: &str = "INSERT INTO events (seq, at_ms, kind, key, fence, gate_epoch, body, hash) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
        let Saying { kind, key, fence, gate_epoch, body } = saying;
        let seq = self.next_seq();
        // A number that no start ever had names nothing, and need not even fit its column.
        let fence = fence.filter(|&fence| fence <= seq);
        let event = Event { seq, at_ms, kind, key, fence, gate_epoch, body };
        let hash = *event.hash(&self.hash).as_bytes();
        connection.prepare_cached(SQL)?.execute(params![
            event.seq,
            event.at_ms,
            event.kind.as_str(),
            event.key,
            event.fence,
            event.gate_epoch,
            event.body,
            hash.as_slice(),
        ])?;
        (self.seq, self.hash) = (event.seq, hash);
        Ok(event.seq)
    }

    /// Writes a checkpoint, if one is due.
    pub(crate) fn checkpoint_if_due(&mut self, connection: &Connection, at_ms: i64) -> rusqlite::Result<()> {
        let is_due = self.seq - self.checkpoint_seq >= CHECKPOINT_EVENTS
            || at_ms.saturating_sub(self.checkpoint_at_ms) >= CHECKPOINT_MS;
        if self.seq == self.checkpoint_seq || !is_due {
            return Ok(());
        }
        connection
            .prepare_cached("INSERT OR IGNORE INTO checkpoints (seq, head, at_ms) VALUES (?1, ?2, ?3)")?
            .execute(params![self.seq, self.hash.as_slice(), at_ms])?;
        (self.checkpoint_seq, self.checkpoint_at_ms) = (self.seq, at_ms);
        Ok(())
    }
}
