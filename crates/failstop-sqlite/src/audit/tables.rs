//! The small tables: `ledger`, `gate`, `checkpoints`, `tombstones`; and the schema itself.

use std::collections::{BTreeMap, BTreeSet};

use failstop::core::{
    idempotency::Digest,
    ledger::audit::{Audit, Checkpoint, FindingKind, Source},
    stop::GateEntry,
};
use rusqlite::{Connection, types::ValueRef};

use super::{
    AuditError,
    events::{digest, natural},
    rows::{Place, columns, number, text},
};
use crate::schema;

/// Adds the checkpoints that the ledger itself keeps; what is wrong with those that are none.
pub(super) fn load_checkpoints(
    connection: &Connection,
    checkpoints: &mut Vec<(Checkpoint, Source)>,
) -> Result<Vec<FindingKind>, AuditError> {
    let mut statement = connection.prepare("SELECT seq, head, at_ms FROM checkpoints")?;
    let mut rows = statement.query([])?;
    let mut faults = Vec::new();
    while let Some(row) = rows.next()? {
        let head = row.get_ref(1)?.as_blob().ok().and_then(digest);
        let column = match (natural(row.get_ref(0)?), head) {
            (Some(seq), Some(head)) => {
                checkpoints.push((Checkpoint { seq, head, at_ms: row.get(2)? }, Source::Table));
                continue;
            }
            (None, _) => "seq",
            (Some(_), None) => "head",
        };
        faults.push(FindingKind::Column { table: "checkpoints", column: column.into() });
    }
    Ok(faults)
}

/// Compares all of them with what follows from the events; checkpoints have been, on the way.
pub(super) fn compare(connection: &Connection, audit: &mut Audit) -> Result<(), AuditError> {
    compare_schema(connection, audit)?;
    check_integrity(connection, audit)?;
    compare_ledger(connection, audit)?;
    compare_gate(connection, audit)?;
    compare_tombstones(connection, audit)
}

/// What the file's tables, indexes and triggers are: type, name, table and text of each.
type Layout = BTreeSet<(String, String, String, Option<String>)>;

fn compare_schema(connection: &Connection, audit: &mut Audit) -> Result<(), AuditError> {
    let version: i32 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    let pristine = Connection::open_in_memory()?;
    for step in schema::MIGRATIONS.iter().take(usize::try_from(version).unwrap_or(0)) {
        pristine.execute_batch(step)?;
    }
    if layout(connection)? != layout(&pristine)? {
        audit.findings.add(FindingKind::Schema, None, None);
    }
    Ok(())
}

/// Pages, constraints, and that every index has every row: what is looked up by key is not what is read in order.
fn check_integrity(connection: &Connection, audit: &mut Audit) -> Result<(), AuditError> {
    let verdict: String = connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
    if verdict != "ok" {
        audit.findings.add(FindingKind::Integrity, None, None);
    }
    Ok(())
}

/// SQLite's own statistics may come and go.
fn layout(connection: &Connection) -> rusqlite::Result<Layout> {
    let mut statement = connection.prepare(
        "SELECT type, name, tbl_name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite\\_stat%' ESCAPE '\\'",
    )?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?;
    rows.collect()
}

/// One row, and that of the first event.
fn compare_ledger(connection: &Connection, audit: &mut Audit) -> Result<(), AuditError> {
    let mut statement = connection.prepare("SELECT * FROM ledger")?;
    let columns = columns(&statement);
    let mut rows = statement.query([])?;
    let mut birth = audit.birth.as_ref();
    let place = Place { table: "ledger", seq: None, key: None };
    while let Some(row) = rows.next()? {
        let Some(birth) = birth.take() else {
            place.extra(&mut audit.findings);
            continue;
        };
        let expected = [("id", text(&birth.ledger_id)), ("created_at_ms", ValueRef::Integer(birth.at_ms))];
        place.compare(&columns, |at| row.get_ref(at), &expected, &mut audit.findings)?;
    }
    if birth.is_some() {
        place.missing(&mut audit.findings);
    }
    Ok(())
}

fn compare_gate(connection: &Connection, audit: &mut Audit) -> Result<(), AuditError> {
    let name = |entry: &GateEntry| entry.scope.to_string();
    let mut expected: BTreeMap<String, &GateEntry> =
        audit.gate.entries().iter().map(|entry| (name(entry), entry)).collect();
    let mut statement = connection.prepare("SELECT * FROM gate ORDER BY rowid")?;
    let columns = columns(&statement);
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let scope: String = row.get("scope")?;
        let place = Place { table: "gate", seq: None, key: Some(&scope) };
        let Some(entry) = expected.remove(&scope) else {
            place.extra(&mut audit.findings);
            continue;
        };
        let expected = [
            ("scope", text(&scope)),
            ("level", text(entry.level.as_str())),
            ("epoch", number(entry.epoch)),
            ("reason", text(&entry.reason)),
            ("at_ms", ValueRef::Integer(entry.at_ms)),
        ];
        place.compare(&columns, |at| row.get_ref(at), &expected, &mut audit.findings)?;
    }
    for scope in expected.keys() {
        Place { table: "gate", seq: None, key: Some(scope) }.missing(&mut audit.findings);
    }
    Ok(())
}

fn compare_tombstones(connection: &Connection, audit: &mut Audit) -> Result<(), AuditError> {
    let mut statement = connection.prepare("SELECT key_digest FROM tombstones")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let retired = row.get_ref(0)?.as_blob().ok().and_then(digest);
        if !retired.is_some_and(|retired| audit.retired.remove(&retired)) {
            let name = retired.as_ref().map(Digest::to_string);
            Place { table: "tombstones", seq: None, key: name.as_deref() }.extra(&mut audit.findings);
        }
    }
    for missing in &audit.retired {
        let name = missing.to_string();
        Place { table: "tombstones", seq: None, key: Some(&name) }.missing(&mut audit.findings);
    }
    Ok(())
}
