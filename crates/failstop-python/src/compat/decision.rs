//! Decisions as callers have them: objects of the `decision_schema` package, look-alikes, dicts.

use decision_schema::{Action, FinalDecision, InputFault, Object, Value};
use failstop::{core::model::ExecutionReport, invalid_input};
use pyo3::{
    exceptions::PyException,
    intern,
    prelude::*,
    types::{PyBool, PyDict, PyMapping, PyString},
};

use super::facts;
use crate::convert;

/// What is asked for.
pub struct Asked<'py> {
    /// The decision, as far as it is needed.
    pub decision: FinalDecision,
    /// The context, as far as it is needed.
    pub context: Object,
    /// The action, as it came in.
    pub action: Bound<'py, PyAny>,
}

/// Why there is nothing to be carried out.
pub enum NotRead {
    /// It is no decision.
    Unreadable(Unreadable),
    /// Something was raised meanwhile that is for the caller.
    Raised(PyErr),
}

impl From<Unreadable> for NotRead {
    fn from(unreadable: Unreadable) -> Self {
        Self::Unreadable(unreadable)
    }
}

impl NotRead {
    /// What an error is that reading met: `message`, unless it is no `Exception`.
    fn of(py: Python<'_>, error: PyErr, unreadable: impl FnOnce() -> Unreadable) -> Self {
        if error.is_instance_of::<PyException>(py) {
            Self::Unreadable(unreadable())
        } else {
            Self::Raised(error)
        }
    }
}

/// Why something is no decision.
pub struct Unreadable {
    /// For people; names no input text.
    pub message: String,
    action: Option<Action>,
}

impl Unreadable {
    fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), action: None }
    }

    /// The report on it.
    pub fn report(&self, unix_ms: i64) -> ExecutionReport {
        let bare = invalid_input(None, unix_ms, &InputFault::line_too_long());
        ExecutionReport { action: self.action, ..bare }
    }
}

impl<'py> Asked<'py> {
    /// Reads a decision in its context. With `whole`, params and context are read too, for the key that is made of them.
    ///
    /// # Errors
    /// Where it cannot be carried out as it is meant.
    pub fn read(
        decision: &Bound<'py, PyAny>,
        context: &Bound<'py, PyAny>,
        whole: bool,
    ) -> Result<Self, NotRead> {
        let (decision, action) = match decision.cast::<PyDict>() {
            Ok(dict) => of_dict(dict)?,
            Err(_) => of_object(decision, whole)?,
        };
        let told = |message: String| Unreadable { message, action: Some(decision.action) };
        let no_mapping =
            |error| NotRead::of(context.py(), error, || told("context: not a mapping".to_owned()));
        let facts = facts::of_context(context).map_err(no_mapping)?;
        let mut read = facts;
        if whole && !context.is_none() {
            let dict = plain(context).map_err(no_mapping)?;
            let members = convert::to_object(&dict).map_err(|fault| told(fault.told_of("context")))?;
            // What a mapping of the caller's own says to the gate goes before what it lists.
            let facts = std::mem::replace(&mut read, members);
            for (name, value) in facts {
                read.insert(name, value);
            }
        }
        Ok(Self { decision, context: read, action })
    }
}

/// The mapping as a dict.
fn plain<'py>(mapping: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyDict>> {
    if let Ok(dict) = mapping.cast::<PyDict>() {
        return Ok(dict.clone());
    }
    let dict = PyDict::new(mapping.py());
    dict.update(mapping.cast::<PyMapping>()?)?;
    Ok(dict)
}

fn of_dict<'py>(dict: &Bound<'py, PyDict>) -> Result<(FinalDecision, Bound<'py, PyAny>), NotRead> {
    let py = dict.py();
    let raised = |error| NotRead::of(py, error, || Unreadable::new("decision: cannot be read"));
    let action = dict.get_item(intern!(py, "action")).map_err(raised)?;
    let action = action.ok_or_else(|| Unreadable::new("decision: action: missing"))?;
    let read = if action.is_instance_of::<PyString>() {
        convert::to_object(dict)
    } else {
        let named = dict.copy().map_err(raised)?;
        let name = named_by(&action).map_err(raised)?.ok_or_else(|| Unreadable::new(NO_ACTION))?;
        named.set_item(intern!(py, "action"), name.as_str()).map_err(raised)?;
        convert::to_object(&named)
    };
    let object = read.map_err(|fault| Unreadable::new(fault.told_of("decision")))?;
    let decision = FinalDecision::from_value(Value::Object(object))
        .map_err(|fault| Unreadable::new(format!("decision: {fault}")))?;
    Ok((decision, action))
}

const NO_ACTION: &str = "action: not one of HOLD, ACT, EXIT, CANCEL, STOP";

fn of_object<'py>(
    object: &Bound<'py, PyAny>,
    whole: bool,
) -> Result<(FinalDecision, Bound<'py, PyAny>), NotRead> {
    let py = object.py();
    let missing = |error, message| NotRead::of(py, error, || Unreadable::new(message));
    let action = object.getattr(intern!(py, "action")).map_err(|error| missing(error, "action: missing"))?;
    let name = named_by(&action).map_err(|error| missing(error, NO_ACTION))?;
    let mut decision = FinalDecision::new(name.ok_or_else(|| Unreadable::new(NO_ACTION))?);
    let told = |message: &str| Unreadable { message: message.to_owned(), action: Some(decision.action) };
    let allowed = object.getattr(intern!(py, "allowed"));
    let allowed = allowed.map_err(|error| NotRead::of(py, error, || told("allowed: missing")))?;
    let allowed = allowed.cast::<PyBool>().map_err(|_| told("allowed: not a bool"))?.is_true();
    let [throttle_ms, cooldown_ms] = [intern!(py, "throttle_ms"), intern!(py, "cooldown_ms")].map(|name| {
        milliseconds(object, name)
            .map_err(|error| NotRead::of(py, error, || told(&format!("{name}: not an integer from 0"))))
    });
    let params = if whole { params(object, told)? } else { None };
    decision =
        FinalDecision { allowed, throttle_ms: throttle_ms?, cooldown_ms: cooldown_ms?, params, ..decision };
    Ok((decision, action))
}

/// The action of a string, of an enumeration of strings, or of any other by its value.
fn named_by(action: &Bound<'_, PyAny>) -> PyResult<Option<Action>> {
    if let Ok(name) = action.cast::<PyString>() {
        return Ok(name.to_str().ok().and_then(Action::from_name));
    }
    let value = action.getattr(intern!(action.py(), "value"))?;
    Ok(value.cast::<PyString>().ok().and_then(|name| Action::from_name(name.to_str().ok()?)))
}

/// An attribute that may be missing or `None`.
fn milliseconds(object: &Bound<'_, PyAny>, name: &Bound<'_, PyString>) -> PyResult<Option<u64>> {
    match object.getattr_opt(name)? {
        Some(value) if !value.is_none() => value.extract().map(Some),
        _ => Ok(None),
    }
}

fn params(object: &Bound<'_, PyAny>, told: impl Fn(&str) -> Unreadable) -> Result<Option<Object>, NotRead> {
    let py = object.py();
    let params = object.getattr_opt(intern!(py, "params"));
    match params.map_err(|error| NotRead::of(py, error, || told("params: cannot be read")))? {
        Some(params) if !params.is_none() => {
            Ok(Some(convert::to_object(&params).map_err(|fault| told(&fault.told_of("params")))?))
        }
        _ => Ok(None),
    }
}
