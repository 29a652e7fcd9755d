//! Everything about one key.

use decision_schema::{Value, json::parse_canonical};
use failstop::core::{
    ledger::{Event, EventKind},
    model::ExecutionReport,
    report::ReportFault,
};
use rusqlite::{OptionalExtension as _, Row, types::Type};

use super::{Entry, RunningAttempt, View, entry::select};
use crate::{OpenError, rows};

/// Everything about one key, in one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Shown {
    /// How it stands; `None` where nothing was started under it, or its record was retired.
    pub entry: Option<Entry>,
    /// Whether its record was retired.
    pub is_retired: bool,
    /// The report as it stands; `None` where there is no entry.
    pub report: Option<Result<ExecutionReport, ReportFault>>,
    /// Its last attempt, if that runs now.
    pub running: Option<RunningAttempt>,
    /// All events under it, the oldest first.
    pub events: Vec<Event>,
}

impl Shown {
    /// What came too late and changed nothing.
    pub fn late(&self) -> impl Iterator<Item = &Event> {
        self.events.iter().filter(|event| event.kind == EventKind::Late)
    }
}

impl View {
    /// Everything about `key`, or `None` where the ledger never met it. Events have no index by key, which would cost
    /// every start; so this walks over all of them.
    ///
    /// # Errors
    /// Where the ledger cannot be read.
    pub fn show(&self, key: &str) -> Result<Option<Shown>, OpenError> {
        let mut living = self.living()?;
        let snapshot = self.snapshot()?;
        living.look_at_attempts();
        let sql = select("WHERE key = ?1");
        let entry = snapshot.prepare(&sql)?.query_row([key], |row| Entry::read(row, &living)).optional()?;
        let events = self.events_under(key)?;
        let is_retired = entry.is_none() && rows::is_retired(&snapshot, key)?;
        if entry.is_none() && events.is_empty() && !is_retired {
            return Ok(None);
        }
        let report = entry.as_ref().map(|entry| self.report_of(entry)).transpose()?;
        let running = match &entry {
            Some(entry) => RunningAttempt::of(entry, &snapshot)?,
            None => None,
        };
        Ok(Some(Shown { entry, is_retired, report, running, events }))
    }

    fn report_of(&self, entry: &Entry) -> Result<Result<ExecutionReport, ReportFault>, OpenError> {
        // What is missing is said of the report, and the rest is shown all the same.
        let Some(body) = rows::body(&self.connection, entry.last_event).optional()? else {
            return Ok(Err(ReportFault::NotAnObject));
        };
        Ok(parse_canonical(body.as_bytes(), body.len())
            .map_err(ReportFault::Json)
            .and_then(|body| ExecutionReport::from_value(body.get("report").unwrap_or(&Value::Null))))
    }

    fn events_under(&self, key: &str) -> Result<Vec<Event>, OpenError> {
        const SQL: &str =
            "SELECT seq, at_ms, kind, key, fence, gate_epoch, body FROM events WHERE key = ?1 ORDER BY seq";
        let mut statement = self.connection.prepare(SQL)?;
        let events = statement.query_map([key], event)?.collect::<rusqlite::Result<_>>()?;
        Ok(events)
    }
}

fn event(row: &Row<'_>) -> rusqlite::Result<Event> {
    let kind = EventKind::from_name(row.get_ref(2)?.as_str()?);
    Ok(Event {
        seq: row.get(0)?,
        at_ms: row.get(1)?,
        kind: kind.ok_or_else(|| rusqlite::Error::InvalidColumnType(2, String::new(), Type::Text))?,
        key: row.get(3)?,
        fence: row.get(4)?,
        gate_epoch: row.get(5)?,
        body: row.get(6)?,
    })
}
