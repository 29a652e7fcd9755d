//! A ledger as a whole.

use failstop::core::ledger::Standing;

use super::{
    Entry, RunningAttempt, View,
    entry::{UNFINISHED, select},
};
use crate::{
    OpenError,
    gate_file::{GateFault, GateFile, GateFileError, GateState, Recorded},
    identity::beside,
    writer::{last_epoch, recorded},
};

/// How many keys stand where. Each key is counted once, but for those in doubt that are `abandoned` too.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Somebody is at it: an owner that lives, or an orphan.
    pub running: u64,
    /// Nobody is at it, and the attempts that are left may be used.
    pub open: u64,
    /// An attempt may have had an effect; see [`Presence`](super::Presence) for what counts as one.
    pub in_doubt: u64,
    /// In doubt, and the attempt that was given up runs on: not to be resolved yet.
    pub abandoned: u64,
    /// An attempt applied.
    pub succeeded: u64,
    /// It ended, and nothing happened.
    pub failed: u64,
    /// Events of the chain.
    pub events: u64,
}

/// A ledger as a whole, in one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// The gate beside it. One that cannot be read means `stop`.
    pub gate: Result<GateState, GateFileError>,
    /// How many keys stand where.
    pub counts: Counts,
    /// Processes that have it open to work on it; `None` where that cannot be told.
    pub living_owners: Option<usize>,
    /// Attempts that run on although their owners are dead, the oldest first.
    pub orphans: Vec<RunningAttempt>,
}

impl View {
    /// The ledger as a whole. Reads every unfinished key, and walks over the finished ones to count them.
    ///
    /// # Errors
    /// Where the ledger cannot be read. A gate that cannot is no error here.
    pub fn status(&self) -> Result<Status, OpenError> {
        let mut living = self.living()?;
        let snapshot = self.snapshot()?;
        living.look_at_attempts();
        let mut counts = self.count_finished()?;
        let mut orphans = Vec::new();
        let sql = select(&format!("INDEXED BY unfinished WHERE {UNFINISHED} ORDER BY id"));
        let mut statement = snapshot.prepare(&sql)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let entry = Entry::read(row, &living)?;
            counts.count(&entry);
            if entry.is_orphan() {
                orphans.extend(RunningAttempt::of(&entry, &snapshot)?);
            }
        }
        Ok(Status { gate: self.gate(), counts, living_owners: living.owner_count, orphans })
    }

    /// The gate beside the ledger.
    ///
    /// # Errors
    /// Where it cannot be read, which means `stop`.
    pub fn gate(&self) -> Result<GateState, GateFileError> {
        let state = GateFile::open(&beside(&self.path, ".gate"), &self.ledger_id)?.read()?;
        // Starts refuse a gate that has gone back behind what the ledger has recorded of it.
        match recorded(&self.connection) {
            Ok(recorded) if state.is_behind(&recorded) => Err(GateFault::Replaced.into()),
            Ok(_) | Err(_) => Ok(state),
        }
    }

    /// The epoch of the gate's last change that stands in the ledger.
    ///
    /// # Errors
    /// Where the ledger cannot be read.
    pub fn recorded_epoch(&self) -> Result<u64, OpenError> {
        Ok(last_epoch(&self.recorded()?))
    }

    /// What the ledger has last recorded of each scope.
    pub(crate) fn recorded(&self) -> Result<Vec<Recorded>, OpenError> {
        Ok(recorded(&self.connection)?)
    }

    fn count_finished(&self) -> Result<Counts, OpenError> {
        const FINISHED: &str = "SELECT count(*) FILTER (WHERE state = 'SUCCEEDED'), \
             count(*) FILTER (WHERE state = 'FAILED') FROM executions";
        let (succeeded, failed) =
            self.connection.query_row(FINISHED, [], |row| Ok((row.get(0)?, row.get(1)?)))?;
        // Events are numbered without gaps.
        let events =
            self.connection.query_row("SELECT ifnull(max(seq), 0) FROM events", [], |row| row.get(0))?;
        Ok(Counts { succeeded, failed, events, ..Counts::default() })
    }
}

impl Counts {
    fn count(&mut self, entry: &Entry) {
        match entry.state {
            Standing::InDoubt => {
                self.in_doubt += 1;
                self.abandoned += u64::from(entry.presence.attempt_running);
            }
            Standing::Started | Standing::Open if entry.is_running() => self.running += 1,
            Standing::Started | Standing::Open => self.open += 1,
            Standing::Succeeded | Standing::Failed => {}
        }
    }
}
