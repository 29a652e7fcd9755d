//! Decisions as callers have them: objects of the `decision_schema` package, look-alikes, dicts.

use decision_schema::{Action, FinalDecision, InputFault, Object, Value};
use failstop::{core::model::ExecutionReport, invalid_input};
use pyo3::{
    intern,
    prelude::*,
    types::{PyBool, PyDict, PyString},
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
    ) -> Result<Self, Unreadable> {
        let (decision, action) = match decision.cast::<PyDict>() {
            Ok(dict) => of_dict(dict)?,
            Err(_) => of_object(decision, whole)?,
        };
        let context = if whole && !context.is_none() {
            convert::to_object(context).map_err(|fault| Unreadable::new(fault.told_of("context")))
        } else {
            facts::of_context(context).map_err(|_| Unreadable::new("context: not a mapping"))
        };
        let context = context.map_err(|fault| Unreadable { action: Some(decision.action), ..fault })?;
        Ok(Self { decision, context, action })
    }
}

fn of_dict<'py>(dict: &Bound<'py, PyDict>) -> Result<(FinalDecision, Bound<'py, PyAny>), Unreadable> {
    let object = convert::to_object(dict).map_err(|fault| Unreadable::new(fault.told_of("decision")))?;
    let decision = FinalDecision::from_value(Value::Object(object))
        .map_err(|fault| Unreadable::new(format!("decision: {fault}")))?;
    let action = dict.get_item(intern!(dict.py(), "action")).ok().flatten();
    action.map(|action| (decision, action)).ok_or_else(|| Unreadable::new("action: missing"))
}

fn of_object<'py>(
    object: &Bound<'py, PyAny>,
    whole: bool,
) -> Result<(FinalDecision, Bound<'py, PyAny>), Unreadable> {
    let py = object.py();
    let action = object.getattr(intern!(py, "action")).map_err(|_| Unreadable::new("action: missing"))?;
    let mut decision = FinalDecision::new(
        named(&action).ok_or_else(|| Unreadable::new("action: not one of HOLD, ACT, EXIT, CANCEL, STOP"))?,
    );
    let told = |message: &str| Unreadable { message: message.to_owned(), action: Some(decision.action) };
    let allowed = object.getattr(intern!(py, "allowed")).map_err(|_| told("allowed: missing"))?;
    let allowed = allowed.cast::<PyBool>().map_err(|_| told("allowed: not a bool"))?.is_true();
    let throttle_ms = milliseconds(object, intern!(py, "throttle_ms"))
        .map_err(|()| told("throttle_ms: not an integer from 0"))?;
    let cooldown_ms = milliseconds(object, intern!(py, "cooldown_ms"))
        .map_err(|()| told("cooldown_ms: not an integer from 0"))?;
    let params = if whole { params(object).map_err(|fault| told(&fault))? } else { None };
    decision = FinalDecision { allowed, throttle_ms, cooldown_ms, params, ..decision };
    Ok((decision, action))
}

/// The action of a string, of an enumeration of strings, or of any other by its value.
fn named(action: &Bound<'_, PyAny>) -> Option<Action> {
    if let Ok(name) = action.cast::<PyString>() {
        return Action::from_name(name.to_str().ok()?);
    }
    let value = action.getattr(intern!(action.py(), "value")).ok()?;
    Action::from_name(value.cast::<PyString>().ok()?.to_str().ok()?)
}

/// An attribute that may be missing or `None`.
fn milliseconds(object: &Bound<'_, PyAny>, name: &Bound<'_, PyString>) -> Result<Option<u64>, ()> {
    match object.getattr_opt(name) {
        Ok(None) => Ok(None),
        Ok(Some(value)) if value.is_none() => Ok(None),
        Ok(Some(value)) => value.extract().map(Some).map_err(|_| ()),
        Err(_) => Err(()),
    }
}

fn params(object: &Bound<'_, PyAny>) -> Result<Option<Object>, String> {
    match object.getattr_opt(intern!(object.py(), "params")) {
        Ok(None) => Ok(None),
        Ok(Some(params)) if params.is_none() => Ok(None),
        Ok(Some(params)) => convert::to_object(&params).map(Some).map_err(|fault| fault.told_of("params")),
        Err(_) => Err("params: cannot be read".to_owned()),
    }
}
