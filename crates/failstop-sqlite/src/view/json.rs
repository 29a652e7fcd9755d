//! What is seen of a ledger as JSON: one form, whoever asks.

use decision_schema::{Object, Value, json};
use failstop::{
    core::{
        ledger::{Event, Resolution},
        report::ReportStyle,
        stop::{GateEntry, Level},
    },
    locks::ProcessGroup,
};

use super::{Entry, RunningAttempt, Shown, Status, View};
use crate::gate_file::{GateFileError, GateState};

impl Status {
    /// `{"gate": [{"scope", "level", "epoch", "reason", "at_ms"}], "gate_fault", "running", "open", "in_doubt",
    /// "abandoned", "succeeded", "failed", "events", "living_owners", "orphans": [...], "ledger": {"path", "id"}}`.
    pub fn to_object(&self, view: &View) -> Object {
        let counts = &self.counts;
        let orphans: Vec<Object> = self.orphans.iter().map(RunningAttempt::to_object).collect();
        let path = view.path();
        let path = path.strip_prefix(".").unwrap_or(path).display().to_string();
        let ledger = Object::from_iter([("path", Value::from(path)), ("id", view.ledger_id().into())]);
        Object::from_iter([
            ("gate", Value::from(gate_to_objects(&self.gate))),
            ("gate_fault", self.gate.as_ref().err().map(ToString::to_string).into()),
            ("running", counts.running.into()),
            ("open", counts.open.into()),
            ("in_doubt", counts.in_doubt.into()),
            ("abandoned", counts.abandoned.into()),
            ("succeeded", counts.succeeded.into()),
            ("failed", counts.failed.into()),
            ("events", counts.events.into()),
            ("living_owners", self.living_owners.into()),
            ("orphans", orphans.into()),
            ("ledger", ledger.into()),
        ])
    }
}

/// The gate's entries, `{"scope", "level", "epoch", "reason", "at_ms"}` each. A gate that cannot be read is at `stop`, for
/// that is what it means to every start.
pub fn gate_to_objects(gate: &Result<GateState, GateFileError>) -> Vec<Object> {
    match gate {
        Ok(state) => state.entries().iter().map(gate_entry_to_object).collect(),
        Err(_) => vec![Object::from_iter([
            ("scope", Value::from("global")),
            ("level", Level::Stop.as_str().into()),
            ("epoch", 0.into()),
            ("reason", "the gate cannot be read".into()),
            ("at_ms", Value::Null),
        ])],
    }
}

/// `{"scope", "level", "epoch", "reason", "at_ms"}`.
pub fn gate_entry_to_object(entry: &GateEntry) -> Object {
    Object::from_iter([
        ("scope", Value::from(entry.scope.to_string())),
        ("level", entry.level.as_str().into()),
        ("epoch", entry.epoch.into()),
        ("reason", entry.reason.as_str().into()),
        ("at_ms", entry.at_ms.into()),
    ])
}

impl RunningAttempt {
    /// `{"key", "attempt", "fence", "process_group": {"id", "start_time_ticks"}, "since_ms", "orphan"}`.
    pub fn to_object(&self) -> Object {
        let group = |group: ProcessGroup| {
            Object::from_iter([
                ("id", Value::from(group.id)),
                ("start_time_ticks", group.start_time_ticks.into()),
            ])
        };
        Object::from_iter([
            ("key", Value::from(self.key.as_str())),
            ("attempt", self.attempt.into()),
            ("fence", self.fence.into()),
            ("process_group", self.group.map(group).into()),
            ("since_ms", self.since_ms.into()),
            ("orphan", self.is_orphan.into()),
        ])
    }
}

impl Entry {
    /// `{"key", "state", "action", "outcome", "reason_code", "attempts", "fence", "execution_id", "resolution",
    /// "started_at_ms", "updated_at_ms", "owner_alive", "attempt_running"}`.
    pub fn to_object(&self) -> Object {
        Object::from_iter([
            ("key", Value::from(self.key.as_str())),
            ("state", self.state.as_str().into()),
            ("action", self.action.clone().into()),
            ("outcome", self.outcome.as_str().into()),
            ("reason_code", self.reason_code.clone().into()),
            ("attempts", self.record.attempts.into()),
            ("fence", self.record.fence.into()),
            ("execution_id", self.execution_id.as_str().into()),
            ("resolution", self.record.resolution.map(Resolution::as_str).into()),
            ("started_at_ms", self.started_at_ms.into()),
            ("updated_at_ms", self.updated_at_ms.into()),
            ("owner_alive", self.presence.owner_alive.into()),
            ("attempt_running", self.presence.attempt_running.into()),
        ])
    }
}

impl Shown {
    /// The members of [`Entry::to_object`], or `"key"` and a null `"state"` where there is no entry; then `"retired",
    /// "running", "report", "report_fault", "late", "events"`.
    pub fn to_object(&self, key: &str) -> Object {
        let bare = || Object::from_iter([("key", Value::from(key)), ("state", Value::Null)]);
        let mut object = self.entry.as_ref().map_or_else(bare, Entry::to_object);
        let report = self.report.as_ref();
        let readable = report.and_then(|report| report.as_ref().ok());
        let fault = report.and_then(|report| report.as_ref().err()).map(ToString::to_string);
        object.insert("retired", self.is_retired);
        object.insert("running", self.running.as_ref().map(RunningAttempt::to_object));
        object.insert("report", readable.map(|report| report.to_value(ReportStyle::default())));
        object.insert("report_fault", fault);
        object.insert("late", self.late().map(event_to_object).collect::<Vec<_>>());
        object.insert("events", self.events.iter().map(event_to_object).collect::<Vec<_>>());
        object
    }
}

/// `{"seq", "at_ms", "kind", "fence", "gate_epoch", "body"}`.
fn event_to_object(event: &Event) -> Object {
    Object::from_iter([
        ("seq", Value::from(event.seq)),
        ("at_ms", event.at_ms.into()),
        ("kind", event.kind.as_str().into()),
        ("fence", event.fence.into()),
        ("gate_epoch", event.gate_epoch.into()),
        ("body", body_of(event)),
    ])
}

/// The body as JSON; as text where it is none, which is a finding of the audit.
pub fn body_of(event: &Event) -> Value {
    let body = event.body.as_str();
    json::parse_canonical(body.as_bytes(), body.len()).unwrap_or_else(|_| Value::from(body))
}
