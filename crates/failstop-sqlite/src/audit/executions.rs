//! The large tables: `executions` and `attempts`, both in the order of their rows.

use failstop::core::{
    ledger::{
        Resolution,
        audit::{AttemptTrace, Audit, Findings, KeyTrace},
    },
    model::{ReasonCode, Stopped},
};
use rusqlite::{
    Connection, Row, Rows,
    types::{Value, ValueRef},
};

use super::{
    AuditError,
    rows::{Place, columns, number, text, text_or_null},
};

/// Compares every row of both with what follows from the events. Takes the keys out of the audit one by one.
pub(super) fn compare(connection: &Connection, audit: &mut Audit) -> Result<(), AuditError> {
    let mut attempts = connection.prepare("SELECT * FROM attempts ORDER BY execution, number")?;
    let mut attempts = AttemptRows { columns: columns(&attempts), rows: attempts.query([])?, next: None };
    attempts.step()?;
    let mut statement = connection.prepare("SELECT * FROM executions ORDER BY id")?;
    let columns = columns(&statement);
    let mut rows = statement.query([])?;
    let Audit { keys, findings, .. } = audit;
    while let Some(row) = rows.next()? {
        let (id, key): (i64, String) = (row.get("id")?, row.get("key")?);
        attempts.pass_before(id, findings)?;
        let place = Place { table: "executions", seq: None, key: Some(&key) };
        match keys.remove(key.as_str()) {
            Some(trace) => {
                compare_execution(row, &columns, &key, &trace, findings)?;
                attempts.compare(id, &key, &trace.attempts, findings)?;
            }
            None => place.extra(findings),
        }
    }
    attempts.pass_all(findings)?;
    for (key, trace) in &*keys {
        let place = Place { table: "executions", seq: Some(trace.last_event), key: Some(key) };
        place.missing(findings);
    }
    Ok(())
}

fn compare_execution(
    row: &Row<'_>,
    columns: &[String],
    key: &str,
    trace: &KeyTrace,
    findings: &mut Findings,
) -> rusqlite::Result<()> {
    let record = &trace.record;
    let (owner, execution_id) = (record.owner.to_string(), trace.execution_id.to_string());
    let expected = [
        // Only a name of the row; the attempts that stand under it are compared.
        ("id", row.get_ref("id")?),
        ("key", text(key)),
        ("state", text(record.standing.as_str())),
        ("action", text(trace.action.as_str())),
        ("fingerprint", ValueRef::Blob(record.fingerprint.as_bytes())),
        ("fence", number(record.fence)),
        ("attempts", number(record.attempts.into())),
        ("owner", text(&owner)),
        ("may_have_effect", number(record.may_have_effect.into())),
        ("may_repeat", number(record.may_repeat.into())),
        ("resolution", text_or_null(record.resolution.map(Resolution::as_str))),
        ("execution_id", text(&execution_id)),
        ("outcome", text(trace.outcome.as_str())),
        ("reason_code", text_or_null(trace.reason_code.map(ReasonCode::as_str))),
        ("started_at_ms", ValueRef::Integer(trace.started_at_ms)),
        ("updated_at_ms", ValueRef::Integer(trace.updated_at_ms)),
        ("last_event", number(trace.last_event)),
    ];
    let place = Place { table: "executions", seq: Some(trace.last_event), key: Some(key) };
    place.compare(columns, |at| row.get_ref(at), &expected, findings)
}

/// The rows of `attempts`, one ahead.
struct AttemptRows<'s> {
    rows: Rows<'s>,
    columns: Vec<String>,
    next: Option<AttemptRow>,
}

struct AttemptRow {
    execution: i64,
    number: i64,
    values: Vec<Value>,
}

impl AttemptRows<'_> {
    fn step(&mut self) -> rusqlite::Result<()> {
        let count = self.columns.len();
        let read = |row: &Row<'_>| -> rusqlite::Result<AttemptRow> {
            let values = (0..count).map(|at| row.get(at)).collect::<Result<_, _>>()?;
            Ok(AttemptRow { execution: row.get("execution")?, number: row.get("number")?, values })
        };
        self.next = self.rows.next()?.map(read).transpose()?;
        Ok(())
    }

    /// Those of no execution, up to `id`.
    fn pass_before(&mut self, id: i64, findings: &mut Findings) -> rusqlite::Result<()> {
        while self.next.as_ref().is_some_and(|row| row.execution < id) {
            self.extra(None, findings)?;
        }
        Ok(())
    }

    fn pass_all(&mut self, findings: &mut Findings) -> rusqlite::Result<()> {
        while self.next.is_some() {
            self.extra(None, findings)?;
        }
        Ok(())
    }

    fn extra(&mut self, key: Option<&str>, findings: &mut Findings) -> rusqlite::Result<()> {
        Place { table: "attempts", seq: None, key }.extra(findings);
        self.step()
    }

    /// Those of the execution `id`.
    fn compare(
        &mut self,
        id: i64,
        key: &str,
        attempts: &[AttemptTrace],
        findings: &mut Findings,
    ) -> rusqlite::Result<()> {
        for attempt in attempts {
            let number = i64::from(attempt.number);
            while self.next.as_ref().is_some_and(|row| (row.execution, row.number) < (id, number)) {
                self.extra(Some(key), findings)?;
            }
            let place = Place { table: "attempts", seq: Some(attempt.fence), key: Some(key) };
            match &self.next {
                Some(row) if (row.execution, row.number) == (id, number) => {
                    let value = |at: usize| Ok(ValueRef::from(&row.values[at]));
                    place.compare(&self.columns, value, &expected(row, attempt), findings)?;
                    self.step()?;
                }
                Some(_) | None => place.missing(findings),
            }
        }
        while self.next.as_ref().is_some_and(|row| row.execution == id) {
            self.extra(Some(key), findings)?;
        }
        Ok(())
    }
}

fn expected<'e>(row: &AttemptRow, attempt: &'e AttemptTrace) -> [(&'static str, ValueRef<'e>); 9] {
    [
        ("execution", ValueRef::Integer(row.execution)),
        ("number", ValueRef::Integer(row.number)),
        ("fence", number(attempt.fence)),
        ("effect", text(attempt.effect.as_str())),
        ("stopped", text_or_null(attempt.stopped.map(Stopped::as_str))),
        ("error_type", text_or_null(attempt.error_type.as_deref())),
        ("error_code", text_or_null(attempt.error_code.as_deref())),
        ("started_at_ms", ValueRef::Integer(attempt.started_at_ms)),
        ("latency_ms", number(attempt.latency_ms)),
    ]
}
