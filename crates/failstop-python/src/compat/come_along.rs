//! What may come with a decision: `run_id`, `step`, `tenant`, `idempotency_key`, under the rules of a line.

use decision_schema::{Envelope, Object, Value};
use failstop::Request;
use pyo3::prelude::*;

use crate::{convert, errors};

const NAMES: [&str; 4] = ["run_id", "step", "tenant", "idempotency_key"];

/// What came along; nothing, as a rule.
#[derive(Default)]
pub struct ComeAlong {
    envelope: Option<Box<Envelope>>,
}

impl ComeAlong {
    /// The request with what came along.
    pub fn with<'a>(&'a self, request: Request<'a>) -> Request<'a> {
        let Some(envelope) = &self.envelope else { return request };
        Request {
            run_id: envelope.run_id.as_deref(),
            step: envelope.step,
            tenant: envelope.tenant.as_deref(),
            idempotency_key: envelope.idempotency_key.as_deref(),
            ..request
        }
    }
}

/// Reads what came along, as [`NAMES`] has it.
///
/// # Errors
/// `UsageError`, `argument_invalid`, where a line could not have it.
pub fn read(py: Python<'_>, values: [Option<&Bound<'_, PyAny>>; 4]) -> PyResult<ComeAlong> {
    if values.iter().all(Option::is_none) {
        return Ok(ComeAlong::default());
    }
    let invalid = |message: &str| errors::usage(py, "argument_invalid", message);
    let action = Object::from_iter([("action", Value::from("HOLD"))]);
    let mut members = Object::from_iter([("decision", Value::from(action))]);
    for (name, value) in NAMES.iter().zip(values) {
        if let Some(value) = value {
            let value = convert::to_json(value).map_err(|fault| invalid(&fault.told_of(name)))?;
            members.push_unique((*name).to_owned(), value);
        }
    }
    let envelope = Envelope::from_value(Value::from(members)).map_err(|fault| invalid(&fault.to_string()))?;
    Ok(ComeAlong { envelope: Some(Box::new(envelope)) })
}
