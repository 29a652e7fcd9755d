//! Attempts that run now.

use failstop::locks::ProcessGroup;
use rusqlite::Connection;

use super::Entry;

/// An attempt that runs now: its program, or what that left behind, holds its lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunningAttempt {
    /// Under which key.
    pub key: String,
    /// Which attempt, from 0.
    pub attempt: u32,
    /// Its fence.
    pub fence: u64,
    /// Its process group, where one was written down. It decides nothing.
    pub group: Option<ProcessGroup>,
    /// Its start, Unix wall time in milliseconds.
    pub since_ms: i64,
    /// Whether its owner is dead, so that nobody will hear how it ends.
    pub is_orphan: bool,
}

impl RunningAttempt {
    /// The last attempt of `entry`, if it runs.
    pub(super) fn of(entry: &Entry, connection: &Connection) -> rusqlite::Result<Option<Self>> {
        const SINCE: &str = "SELECT at_ms FROM events WHERE seq = ?1";
        if !entry.presence.attempt_running {
            return Ok(None);
        }
        let since_ms = connection.prepare_cached(SINCE)?.query_row([entry.record.fence], |row| row.get(0))?;
        Ok(Some(Self {
            key: entry.key.clone(),
            attempt: entry.record.attempts.saturating_sub(1),
            fence: entry.record.fence,
            group: entry.presence.group,
            since_ms,
            is_orphan: entry.is_orphan(),
        }))
    }
}
