//! Why an input line was refused, and what could be read of it all the same.

use alloc::{boxed::Box, string::String};
use core::fmt;

use crate::{
    fault_path::schema_path,
    fields::{integer, label},
    json::{self, JsonFault, JsonFaultKind, MAX_LINE_BYTES, Value},
    schema_fault::SchemaFault,
    types::Action,
};

/// What is wrong with an input line.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum InputProblem {
    /// It is not JSON as we take it.
    Json(JsonFault),
    /// It is JSON, but neither a decision nor an envelope.
    Schema(SchemaFault),
}

/// An input line that was refused. `Display` and `Debug` never show input text.
///
/// Of a line that is JSON, the parts a report repeats are given where they are readable by themselves. Of a line that
/// is not, nothing is: there is no telling what it meant.
#[derive(Clone, PartialEq, Eq)]
pub struct InputFault {
    /// The action of its only payload.
    pub action: Option<Action>,
    /// Its `run_id`. Input text, meant for the report's field of that name.
    pub run_id: Option<String>,
    /// Its `step`.
    pub step: Option<i64>,
    path: String,
    problem: Box<InputProblem>,
}

impl InputFault {
    /// The fault of a line that is known to exceed [`MAX_LINE_BYTES`] before all of it is in memory.
    pub fn line_too_long() -> Self {
        Self::from_json(JsonFault::outermost(JsonFaultKind::TooLong, MAX_LINE_BYTES), &[])
    }

    pub(crate) fn from_json(fault: JsonFault, line: &[u8]) -> Self {
        let path = schema_path(&fault.path, line);
        let problem = Box::new(InputProblem::Json(fault));
        Self { action: None, run_id: None, step: None, path, problem }
    }

    /// Reads the line a second time, so that good lines need not keep what only bad ones ask for.
    pub(crate) fn from_schema(fault: SchemaFault, line: &[u8]) -> Self {
        let fault = fault.located_in(line);
        let value = json::parse(line).unwrap_or_default();
        let field = |name| value.get(name).cloned().unwrap_or_default();
        Self {
            action: action_of(&value),
            run_id: label(field("run_id")).ok(),
            step: integer(field("step"), 0, i64::MAX).ok(),
            path: fault.path().into(),
            problem: Box::new(InputProblem::Schema(fault)),
        }
    }

    /// What is wrong.
    pub const fn problem(&self) -> &InputProblem {
        &self.problem
    }

    /// A stable name for what is wrong, such as `json_duplicate_key` or `schema_unknown_action`.
    pub const fn code(&self) -> &'static str {
        match &*self.problem {
            InputProblem::Json(fault) => fault.code(),
            InputProblem::Schema(fault) => fault.code(),
        }
    }

    /// The innermost field of the schema the fault is in, such as `decision.params` or `reasons[3]`; empty where that
    /// is the line itself.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Where the fault is, in bytes from the start of the line, from 0.
    pub const fn offset(&self) -> Option<usize> {
        match &*self.problem {
            InputProblem::Json(fault) => Some(fault.offset),
            InputProblem::Schema(fault) => fault.offset(),
        }
    }
}

/// Of two payloads neither is trusted.
fn action_of(line: &Value) -> Option<Action> {
    let payload = |name| line.get(name).filter(|payload| **payload != Value::Null);
    let payload = match (payload("decision"), payload("proposal")) {
        (Some(only), None) | (None, Some(only)) => only,
        (None, None) => line,
        (Some(_), Some(_)) => return None,
    };
    payload.get("action").and_then(Value::as_str).and_then(Action::from_name)
}

impl fmt::Display for InputFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.problem {
            InputProblem::Json(fault) if self.path.is_empty() => fault.fmt(f),
            InputProblem::Json(fault) => write!(f, "{}: {fault}", self.path),
            InputProblem::Schema(fault) => fault.fmt(f),
        }
    }
}

impl fmt::Debug for InputFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InputFault")
            .field("action", &self.action)
            .field("has_run_id", &self.run_id.is_some())
            .field("step", &self.step)
            .field("path", &self.path)
            .field("problem", &self.problem)
            .finish()
    }
}

impl core::error::Error for InputFault {}
