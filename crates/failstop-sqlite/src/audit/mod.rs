//! Proves a ledger's file from its events: read-only, without owning anything, beside writers that go on.
//!
//! [`verify`] replays the chain and then compares every row of every other table with what follows from it;
//! [`export`] writes the chain as JSON Lines, which [`verify_export`] proves on its own. What the replay checks is
//! decided by [`Auditor`].
//!
//! SQLite checks its pages and indexes too, since a key that an index leaves out is hidden.
//!
//! What is proved is that the file agrees with itself and with the rules. That it is the ledger which was written, and
//! all of it, is proved only against a [`Checkpoint`] that was kept elsewhere: one who may write the file can compute
//! all hashes anew, or cut the chain's tail with all that followed from it. A checkpoint missing from the file's own
//! table is not noticed, since nothing follows from it.

mod error;
mod events;
mod executions;
mod export;
mod rows;
mod tables;

use std::path::Path;

use decision_schema::{Object, Value};
use failstop::core::ledger::audit::{Audit, Auditor, Source};
pub use failstop::core::ledger::audit::{Checkpoint, Finding, FindingKind, Findings, ParseCheckpointError};
use rusqlite::{Connection, OptionalExtension as _};

pub use self::{
    error::AuditError,
    export::{Exported, export, verify_export, verify_export_watched},
};
use crate::view::open_for_reading;

/// After how many events the progress is told.
const PROGRESS_EVENTS: u64 = 1_000;

/// What an audit has come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditReport {
    /// How many events there are.
    pub events: u64,
    /// Where the chain ends: worth keeping elsewhere. Nothing for an empty chain.
    pub head: Option<Checkpoint>,
    /// How many keys have a record.
    pub keys: u64,
    /// How many were retired.
    pub retired: u64,
    /// What was found.
    pub findings: Findings,
}

impl AuditReport {
    fn new(audit: &Audit) -> Self {
        Self {
            events: audit.events,
            head: audit.head,
            keys: audit.keys.len() as u64,
            retired: audit.retired.len() as u64,
            findings: Findings::default(),
        }
    }

    /// Whether nothing was found.
    pub const fn is_clean(&self) -> bool {
        self.findings.is_empty()
    }

    /// `{"clean", "events", "keys", "retired", "head": {"seq", "head", "at_ms"}, "findings_total", "findings": [{"code",
    /// "seq", "key", "message"}]}`.
    pub fn to_object(&self) -> Object {
        let head = |head: Checkpoint| {
            Object::from_iter([
                ("seq", Value::from(head.seq)),
                ("head", head.head.to_string().into()),
                ("at_ms", head.at_ms.into()),
            ])
        };
        Object::from_iter([
            ("clean", Value::from(self.is_clean())),
            ("events", self.events.into()),
            ("keys", self.keys.into()),
            ("retired", self.retired.into()),
            ("head", self.head.map(head).into()),
            ("findings_total", self.findings.total().into()),
            ("findings", self.findings.iter().map(finding_to_object).collect::<Vec<_>>().into()),
        ])
    }
}

fn finding_to_object(finding: &Finding) -> Object {
    Object::from_iter([
        ("code", Value::from(finding.kind.code())),
        ("seq", finding.seq.into()),
        ("key", finding.key.clone().into()),
        ("message", finding.kind.to_string().into()),
    ])
}

/// Audits the ledger at `path`, also against the checkpoints in `kept`. Reads one state of the file, whatever is
/// appended meanwhile, and writes nothing.
///
/// # Errors
/// Where the file cannot be opened as a ledger, or not be read to its end.
pub fn verify(path: &Path, kept: &[Checkpoint]) -> Result<AuditReport, AuditError> {
    verify_watched(path, kept, |_| {})
}

/// As [`verify`], telling `progress` now and then how many events are done.
///
/// # Errors
/// As [`verify`].
pub fn verify_watched(
    path: &Path,
    kept: &[Checkpoint],
    mut progress: impl FnMut(u64),
) -> Result<AuditReport, AuditError> {
    let connection = open_for_reading(path)?;
    let snapshot = connection.unchecked_transaction()?;
    let mut checkpoints: Vec<_> = kept.iter().map(|checkpoint| (*checkpoint, Source::Kept)).collect();
    let unreadable = tables::load_checkpoints(&snapshot, &mut checkpoints)?;
    let mut auditor = Auditor::new(checkpoints);
    events::each(&snapshot, |seq, event| {
        match event {
            Ok((event, hash)) => auditor.take(event, hash),
            Err(events::Unfit { hash }) => auditor.take_unreadable(seq, hash),
        }
        tell(&mut progress, auditor.events());
        Ok(())
    })?;
    let mut audit = auditor.finish();
    let mut report = AuditReport::new(&audit);
    for kind in unreadable {
        audit.findings.add(kind, None, None);
    }
    tables::compare(&snapshot, &mut audit)?;
    executions::compare(&snapshot, &mut audit)?;
    report.findings = audit.findings;
    Ok(report)
}

/// Where the chain of the ledger at `path` ends now.
///
/// # Errors
/// Where the file cannot be read as a ledger; a ledger without an event is damaged.
pub fn latest(path: &Path) -> Result<Checkpoint, AuditError> {
    head(&open_for_reading(path)?)
}

fn head(connection: &Connection) -> Result<Checkpoint, AuditError> {
    let read = |row: &rusqlite::Row<'_>| {
        Ok(Checkpoint { seq: row.get(0)?, head: row.get::<_, [u8; 32]>(1)?.into(), at_ms: row.get(2)? })
    };
    let last = "SELECT seq, hash, at_ms FROM events ORDER BY seq DESC LIMIT 1";
    connection.query_row(last, [], read).optional()?.ok_or(AuditError::Open(crate::OpenError::Corrupt))
}

fn tell(progress: &mut impl FnMut(u64), events: u64) {
    if events.is_multiple_of(PROGRESS_EVENTS) {
        progress(events);
    }
}
