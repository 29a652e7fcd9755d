//! Reads back what was written, for those who keep reports and hand them out again.

use alloc::{
    borrow::{Cow, ToOwned},
    boxed::Box,
    format,
    string::String,
    vec::Vec,
};

use decision_schema::{Action, JsonFault, Number, Object, Value, json};

use super::{REPORT_SCHEMA, is_derived};
use crate::{
    idempotency::Digest,
    model::{
        Code, Conclusion, Effect, ExecutionAttempt, ExecutionReport, ExecutionStatus, Outcome, ReasonCode,
        Stopped, WaitReason,
    },
    stop::{GateStamp, Level, Scope},
};

/// Why a value is no report. Names places of the schema, never what stands there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReportFault {
    /// The text is not the JSON we accept, or longer than [`json::MAX_LINE_BYTES`].
    #[error("a report must be strict json: {0}")]
    Json(JsonFault),
    /// The outermost value is not an object.
    #[error("a report must be an object")]
    NotAnObject,
    /// It is of another schema than [`REPORT_SCHEMA`].
    #[error("the schema is not one that can be read")]
    Schema,
    /// A member that every report has is not there.
    #[error("{path} is missing")]
    Missing {
        /// Where, such as `attempts[2].effect`.
        path: Cow<'static, str>,
    },
    /// A member has another type, is out of range, or is not one of its names.
    #[error("{path} cannot be read")]
    Unreadable {
        /// Where, such as `gate.level`.
        path: Cow<'static, str>,
    },
}

impl ReportFault {
    /// The same fault, seen from what has the value under `place`.
    fn inside(self, place: &str) -> Self {
        let within = |path: Cow<'static, str>| Cow::Owned(format!("{place}.{path}"));
        match self {
            Self::Missing { path } => Self::Missing { path: within(path) },
            Self::Unreadable { path } => Self::Unreadable { path: within(path) },
            Self::NotAnObject => Self::Unreadable { path: Cow::Owned(place.to_owned()) },
            fault @ (Self::Json(_) | Self::Schema) => fault,
        }
    }
}

impl ExecutionReport {
    /// Reads a report from the text that [`Self::write_json`] gave, in either style.
    ///
    /// # Errors
    /// The text is not strict JSON, longer than [`json::MAX_LINE_BYTES`] or nested deeper than [`json::MAX_DEPTH`], of
    /// which the report itself takes one level; or as for [`Self::from_value`].
    pub fn from_json(text: &str) -> Result<Self, ReportFault> {
        Self::from_value(&json::parse(text.as_bytes()).map_err(ReportFault::Json)?)
    }

    /// Reads a report from the object that [`Self::write_json`] writes, in either style. The order of its members does
    /// not matter, unknown ones are ignored.
    ///
    /// What writing derives is not read: the counts, the key of each attempt, and the `exec.*` and `x_exec.*` members
    /// of `external` and of the packet's `external`. A report that is kept without them, or without `external`, can be
    /// read too.
    ///
    /// # Errors
    /// The schema is another one; a member is missing or cannot be read.
    pub fn from_value(value: &Value) -> Result<Self, ReportFault> {
        let members = Members::of(value)?;
        if members.required("schema", text)? != REPORT_SCHEMA {
            return Err(ReportFault::Schema);
        }
        Ok(Self {
            execution_id: members.required("execution_id", |id| id.as_str()?.parse().ok())?,
            run_id: members.nullable("run_id", text)?,
            step: members.nullable("step", Value::as_i64)?,
            line: members.optional("line", natural)?,
            action: members.nullable("action", named(Action::from_name))?,
            conclusion: conclusion(&members)?,
            replayed: members.required("replayed", Value::as_bool)?,
            idempotency_key: members.nullable("idempotency_key", text)?,
            plan_digest: members
                .nullable("plan_digest", |digest| Digest::from_wire(digest.as_str()?).ok().map(Box::new))?,
            attempts: attempts(&members)?,
            total_latency_ms: members.required("total_latency_ms", natural)?,
            gate: members.get("gate").map(gate).transpose()?,
            output: members.get("output").cloned(),
            external: members.optional("external", Value::as_object)?.map(given).unwrap_or_default(),
            packet: members.optional("packet", Value::as_object)?.map(packet),
        })
    }
}

impl ExecutionAttempt {
    /// Reads one of a report's `attempts`. Unknown members are ignored.
    ///
    /// # Errors
    /// A member is missing or cannot be read; paths begin at the attempt.
    pub fn from_value(value: &Value) -> Result<Self, ReportFault> {
        let members = Members::of(value)?;
        Ok(Self {
            action: members.required("action", named(Action::from_name))?,
            status: members.required("status", named(ExecutionStatus::from_name))?,
            attempt_number: members.required("attempt_number", |number| natural(number)?.try_into().ok())?,
            latency_ms: members.required("latency_ms", natural)?,
            error_type: members.nullable("error_type", code)?,
            error_code: members.nullable("error_code", code)?,
            effect: members.required("effect", named(Effect::from_name))?,
            stopped: members.nullable("stopped", named(Stopped::from_name))?,
            started_at_ms: members.required("started_at_ms", Value::as_i64)?,
            waited_ms: members.required("waited_ms", natural)?,
            wait_reason: members.nullable("wait_reason", named(WaitReason::from_name))?,
        })
    }
}

fn conclusion(members: &Members<'_>) -> Result<Conclusion, ReportFault> {
    Ok(Conclusion {
        status: members.required("status", named(ExecutionStatus::from_name))?,
        outcome: members.required("outcome", named(Outcome::from_name))?,
        reason_code: members.nullable("reason_code", named(ReasonCode::from_name))?,
        fail_closed: members.required("fail_closed", Value::as_bool)?,
    })
}

fn attempts(members: &Members<'_>) -> Result<Vec<ExecutionAttempt>, ReportFault> {
    let read = |(index, value)| {
        ExecutionAttempt::from_value(value).map_err(|fault| fault.inside(&format!("attempts[{index}]")))
    };
    members.required("attempts", Value::as_array)?.iter().enumerate().map(read).collect()
}

fn gate(value: &Value) -> Result<GateStamp, ReportFault> {
    gate_stamp(value).map_err(|fault| fault.inside("gate"))
}

fn gate_stamp(value: &Value) -> Result<GateStamp, ReportFault> {
    let members = Members::of(value)?;
    Ok(GateStamp {
        scope: members.required("scope", named(scope))?,
        level: members.required("level", named(Level::from_name))?,
        epoch: members.required("epoch", natural)?,
    })
}

/// Reports also name the scope that no operator can: the execution's own context.
fn scope(name: &str) -> Option<Scope> {
    if name == "context" { Some(Scope::Context) } else { Scope::from_name(name) }
}

/// An `external` as it was given, before writing added its members.
fn given(external: &Object) -> Object {
    let mut given = Object::new();
    for (key, value) in external.iter().filter(|(key, _)| !is_derived(key)) {
        given.push_unique(key.to_owned(), value.clone());
    }
    given
}

/// A packet as it was given: its `external` was written merged.
fn packet(written: &Object) -> Object {
    let mut packet = written.clone();
    if let Some(external) = written.get("external").and_then(Value::as_object) {
        packet.insert("external", given(external));
    }
    packet
}

/// The members of one object, read by name.
struct Members<'v>(&'v Object);

impl<'v> Members<'v> {
    fn of(value: &'v Value) -> Result<Self, ReportFault> {
        value.as_object().map(Self).ok_or(ReportFault::NotAnObject)
    }

    fn get(&self, name: &str) -> Option<&'v Value> {
        self.0.get(name)
    }

    /// A member that must be there.
    fn required<T>(
        &self,
        name: &'static str,
        read: impl FnOnce(&'v Value) -> Option<T>,
    ) -> Result<T, ReportFault> {
        self.optional(name, read)?.ok_or(ReportFault::Missing { path: Cow::Borrowed(name) })
    }

    /// A member that must be there and may be null.
    fn nullable<T>(
        &self,
        name: &'static str,
        read: impl FnOnce(&'v Value) -> Option<T>,
    ) -> Result<Option<T>, ReportFault> {
        self.required(name, |value| if *value == Value::Null { Some(None) } else { read(value).map(Some) })
    }

    /// A member that may be absent, but not null.
    fn optional<T>(
        &self,
        name: &'static str,
        read: impl FnOnce(&'v Value) -> Option<T>,
    ) -> Result<Option<T>, ReportFault> {
        let unreadable = || ReportFault::Unreadable { path: Cow::Borrowed(name) };
        self.get(name).map(|value| read(value).ok_or_else(unreadable)).transpose()
    }
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

fn code(value: &Value) -> Option<Code> {
    text(value).map(Cow::Owned)
}

/// An integer in `u64`'s range.
fn natural(value: &Value) -> Option<u64> {
    match value.as_number()? {
        Number::Uint(number) => Some(number),
        number @ (Number::Int(_) | Number::Float(_)) => number.as_i64()?.try_into().ok(),
    }
}

/// Reads a string that is one of a type's names.
fn named<T>(from_name: impl FnOnce(&str) -> Option<T>) -> impl FnOnce(&Value) -> Option<T> {
    |value| from_name(value.as_str()?)
}
