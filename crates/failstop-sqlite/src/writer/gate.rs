//! The shared gate as one group reads it: under its lock, from before the commit until the group was let go.

use decision_schema::Action;
use failstop::core::{
    ledger::{EventKind, body},
    stop::{GateEntry, Level, Scope, Verdict},
};
use rusqlite::{Connection, params};

use super::{
    chain::{Head, Saying},
    steps::Broken,
};
use crate::gate_file::{GateFault, GateState, Recorded, SCOPES, SharedHold};

/// What the shared gate says to one group of starts.
#[derive(Debug)]
pub(crate) enum GateReading {
    /// The group has no starts.
    NotRead,
    /// It was read, and bars the acknowledgement of a stop until this is dropped.
    Held(Box<SharedHold>),
    /// It cannot be read, or is older than what the ledger has seen of it: stop.
    Unreadable(GateFault),
}

impl GateReading {
    pub(crate) fn verdict(&self, action: Action) -> Verdict {
        match self {
            Self::Held(hold) => hold.state().verdict(action),
            Self::Unreadable(fault) => fault.verdict(),
            Self::NotRead => GateFault::Missing.verdict(),
        }
    }

    pub(crate) fn epoch(&self) -> u64 {
        match self {
            Self::Held(hold) => hold.state().epoch(),
            Self::NotRead | Self::Unreadable(_) => 0,
        }
    }

    /// Takes a gate for unreadable that has gone back behind what the ledger has recorded of it.
    pub(crate) fn not_before(self, recorded: &[Recorded]) -> Self {
        match self {
            Self::Held(hold) if hold.state().is_behind(recorded) => Self::Unreadable(GateFault::Replaced),
            reading => reading,
        }
    }
}

/// What the ledger has last recorded of each scope. A row that says nothing is for the auditor to find.
pub(crate) fn recorded(connection: &Connection) -> rusqlite::Result<Vec<Recorded>> {
    let mut statement = connection.prepare_cached("SELECT scope, level, epoch FROM gate")?;
    let mut rows = statement.query([])?;
    let mut recorded = Vec::with_capacity(SCOPES);
    while let Some(row) = rows.next()? {
        let (scope, level) = (row.get_ref(0)?.as_str()?, row.get_ref(1)?.as_str()?);
        if let (Some(scope), Some(level)) = (Scope::from_name(scope), Level::from_name(level)) {
            recorded.push(Recorded { scope, level, epoch: row.get(2)? });
        }
    }
    Ok(recorded)
}

/// The last change of the gate that the ledger has recorded.
pub(crate) fn last_epoch(recorded: &[Recorded]) -> u64 {
    recorded.iter().map(|recorded| recorded.epoch).max().unwrap_or(0)
}

/// Writes the rows of a new ledger's gate: everything at `run`.
pub(crate) fn write_first(connection: &Connection, scopes: &[GateEntry], at_ms: i64) -> rusqlite::Result<()> {
    for entry in scopes {
        connection.execute(
            "INSERT INTO gate (scope, level, epoch, reason, at_ms) VALUES (?1, 'run', 1, '', ?2)",
            params![entry.scope.to_string(), at_ms],
        )?;
    }
    Ok(())
}

/// Records the changes of the gate that nobody has recorded yet, so that each start stands behind the change whose
/// epoch it names.
pub(crate) fn record_gate(
    connection: &Connection,
    head: &mut Head,
    at_ms: i64,
    state: &GateState,
    recorded_epoch: u64,
) -> Result<(), Broken> {
    const SQL: &str = "UPDATE gate SET level = ?2, epoch = ?3, reason = ?4, at_ms = ?5 WHERE scope = ?1";
    let mut changed: Vec<_> = state.entries().iter().filter(|entry| entry.epoch > recorded_epoch).collect();
    changed.sort_by_key(|entry| entry.epoch);
    for entry in changed {
        let saying = Saying {
            kind: EventKind::Gate,
            key: None,
            fence: None,
            gate_epoch: Some(entry.epoch),
            body: body::gate(entry),
        };
        head.append(connection, at_ms, saying)?;
        connection.prepare_cached(SQL)?.execute(params![
            entry.scope.to_string(),
            entry.level.as_str(),
            entry.epoch,
            entry.reason,
            entry.at_ms
        ])?;
    }
    Ok(())
}
