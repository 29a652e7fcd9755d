//! The chain as JSON Lines, which needs no database to be proved.

use std::{
    io::{BufRead, Read as _, Write},
    path::Path,
};

use failstop::core::ledger::audit::{
    Auditor, Checkpoint, MAX_EXPORTED_BYTES, Source, read_exported, write_exported,
};

use super::{AuditError, AuditReport, events, head, tell};
use crate::view::open_for_reading;

/// The longest line that can be an event, with its line break.
const MAX_LINE_BYTES: u64 = MAX_EXPORTED_BYTES as u64 + 1;

/// What was exported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exported {
    /// How many events.
    pub events: u64,
    /// The last of them: worth keeping elsewhere.
    pub head: Checkpoint,
}

/// Writes every event of the ledger at `path` as one line of JSON: its canonical members and `"hash"`, 64 hexadecimal
/// digits. Nothing is verified on the way; [`verify_export`] does that.
///
/// # Errors
/// Where the ledger cannot be read, an event is damaged beyond being one, or `out` fails.
pub fn export(path: &Path, out: &mut dyn Write) -> Result<Exported, AuditError> {
    let connection = open_for_reading(path)?;
    let snapshot = connection.unchecked_transaction()?;
    let mut line = String::new();
    let mut events = 0;
    events::each(&snapshot, |seq, event| {
        let (event, hash) = event.map_err(|_| AuditError::Damaged { seq })?;
        line.clear();
        write_exported(&event, &hash, &mut line);
        if read_exported(line.as_bytes()).is_none() {
            return Err(AuditError::Damaged { seq });
        }
        line.push('\n');
        out.write_all(line.as_bytes())?;
        events += 1;
        Ok(())
    })?;
    out.flush()?;
    Ok(Exported { events, head: head(&snapshot)? })
}

/// Audits an exported chain, also against the checkpoints in `kept`. What is no event counts as a damaged one.
///
/// # Errors
/// Where `lines` cannot be read.
pub fn verify_export(lines: &mut dyn BufRead, kept: &[Checkpoint]) -> Result<AuditReport, AuditError> {
    verify_export_watched(lines, kept, |_| {})
}

/// As [`verify_export`], telling `progress` now and then how many events are done.
///
/// # Errors
/// As [`verify_export`].
pub fn verify_export_watched(
    lines: &mut dyn BufRead,
    kept: &[Checkpoint],
    mut progress: impl FnMut(u64),
) -> Result<AuditReport, AuditError> {
    let kept = kept.iter().map(|checkpoint| (*checkpoint, Source::Kept)).collect();
    let mut auditor = Auditor::new(kept);
    let mut line = Vec::new();
    while read_line(lines, &mut line)? {
        match read_exported(&line) {
            Some((event, hash)) => auditor.take(event, hash),
            None => auditor.take_unreadable(auditor.events() + 1, None),
        }
        tell(&mut progress, auditor.events());
    }
    let audit = auditor.finish();
    let report = AuditReport::new(&audit);
    Ok(AuditReport { findings: audit.findings, ..report })
}

/// Reads one line, of which no more is kept than can be an event; whether there was one.
fn read_line(lines: &mut dyn BufRead, line: &mut Vec<u8>) -> Result<bool, AuditError> {
    line.clear();
    let read = lines.take(MAX_LINE_BYTES).read_until(b'\n', line)?;
    if read as u64 == MAX_LINE_BYTES && line.last() != Some(&b'\n') {
        lines.skip_until(b'\n')?;
    }
    Ok(read > 0)
}
