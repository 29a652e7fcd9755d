//! What is asked for: calls with objects, and lines, made into submissions under one set of rules.

use decision_schema::{Action, Envelope, InputFault, Object, Value, json::MAX_LINE_BYTES};
use failstop::pipeline::Submission;
use pyo3::{
    prelude::*,
    types::{PyBool, PyBytes, PyDict, PyFloat, PyInt, PyList, PyString, PyTuple},
};

use crate::convert::{self, NotJson};

/// One envelope that can be executed.
pub struct Asked {
    /// The action that is decided or proposed.
    pub action: Action,
    /// All of it.
    pub submission: Submission,
}

/// Why something is not executed.
#[derive(Debug)]
pub struct Refusal {
    /// As a line's fault.
    pub fault: InputFault,
    /// For people; names no input text.
    pub message: String,
}

impl From<InputFault> for Refusal {
    fn from(fault: InputFault) -> Self {
        Self { message: format!("{fault} ({})", fault.code()), fault }
    }
}

impl Refusal {
    /// Of what no line could say.
    fn not_json(fault: &NotJson, of: &str) -> Self {
        // Reports say no more of one fault than of another.
        Self { fault: InputFault::line_too_long(), message: format!("{} (not_json)", fault.told_of(of)) }
    }
}

/// A decision and all that comes with it, as it is handed over.
pub struct Given<'a, 'py> {
    /// A dict, an object of `decision_schema`, a look-alike.
    pub decision: &'a Bound<'py, PyAny>,
    /// The other members of an envelope, by name.
    pub members: [(&'static str, Option<&'a Bound<'py, PyAny>>); 6],
}

impl Given<'_, '_> {
    /// Reads it as a line with the same members would be read.
    ///
    /// # Errors
    /// Why it is not executed.
    pub fn read(&self) -> Result<Asked, Refusal> {
        of_value(None, &self.envelope()?)
    }

    fn envelope(&self) -> Result<Value, Refusal> {
        let mut envelope = Object::new();
        let decision = decision(self.decision).map_err(|fault| Refusal::not_json(&fault, "decision"))?;
        envelope.push_unique("decision".to_owned(), decision);
        for (name, value) in self.members {
            if let Some(value) = value {
                let value = convert::to_part(value, 1).map_err(|fault| Refusal::not_json(&fault, name))?;
                envelope.push_unique(name.to_owned(), value);
            }
        }
        Ok(Value::Object(envelope))
    }
}

/// Reads what stands on a line: its text, its bytes, or the object that it says.
///
/// # Errors
/// Why it is not executed.
pub fn of_line(number: Option<u64>, line: &Bound<'_, PyAny>) -> Result<Asked, Refusal> {
    if let Ok(text) = line.cast::<PyString>() {
        let lone = || Refusal::not_json(&NotJson::of_text(), "line");
        return of_bytes(number, text.to_str().map_err(|_| lone())?.as_bytes());
    }
    if let Ok(bytes) = line.cast::<PyBytes>() {
        return of_bytes(number, bytes.as_bytes());
    }
    let value = convert::to_json(line).map_err(|fault| Refusal::not_json(&fault, "line"))?;
    of_value(number, &value)
}

fn of_bytes(number: Option<u64>, bytes: &[u8]) -> Result<Asked, Refusal> {
    Ok(asked(number, Envelope::parse(bytes)?))
}

fn asked(number: Option<u64>, envelope: Envelope) -> Asked {
    Asked { action: envelope.payload.action(), submission: Submission::new(number, envelope) }
}

/// What could be too long for a line, and what is refused, is read again as the text of one: the faults are the same.
fn of_value(number: Option<u64>, value: &Value) -> Result<Asked, Refusal> {
    let as_text = || value.to_string();
    if most_bytes(value) > MAX_LINE_BYTES {
        return of_bytes(number, as_text().as_bytes());
    }
    match Envelope::from_value(value.clone()) {
        Ok(envelope) => Ok(asked(number, envelope)),
        // Its text is ours, and places in it mean nothing to anybody.
        Err(schema) => of_bytes(number, as_text().as_bytes())
            .map_err(|refusal| Refusal { message: format!("{schema} ({})", schema.code()), ..refusal }),
    }
}

/// No text of the value is longer.
fn most_bytes(value: &Value) -> usize {
    // An escaped byte takes six; quotes, colon and comma take four.
    let string = |text: &str| text.len().saturating_mul(6).saturating_add(4);
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => 32,
        Value::String(text) => string(text),
        Value::Array(items) => items.iter().map(most_bytes).fold(4, usize::saturating_add),
        Value::Object(object) => object
            .iter()
            .map(|(key, value)| string(key).saturating_add(most_bytes(value)))
            .fold(4, usize::saturating_add),
    }
}

/// A decision as JSON: a JSON value as it is, anything else by its attributes.
fn decision(given: &Bound<'_, PyAny>) -> Result<Value, NotJson> {
    const NAMES: [&str; 7] =
        ["action", "allowed", "reasons", "mismatch", "throttle_ms", "cooldown_ms", "params"];
    if is_json(given) {
        return convert::to_part(given, 1);
    }
    attributes(given, &NAMES, |name, value| match name {
        "action" => named(value),
        "mismatch" => mismatch(value),
        _ => convert::to_part(value, 2),
    })
}

fn mismatch(given: &Bound<'_, PyAny>) -> Result<Value, NotJson> {
    const NAMES: [&str; 4] = ["flags", "reason_codes", "throttle_refresh_ms", "metadata"];
    if is_json(given) {
        return convert::to_part(given, 2);
    }
    attributes(given, &NAMES, |_, value| convert::to_part(value, 3))
}

/// The attributes that there are, as an object.
fn attributes(
    given: &Bound<'_, PyAny>,
    names: &[&str],
    read: impl Fn(&str, &Bound<'_, PyAny>) -> Result<Value, NotJson>,
) -> Result<Value, NotJson> {
    let mut object = Object::new();
    for name in names {
        let attribute = given.getattr_opt(*name).map_err(|_| NotJson::unreadable())?;
        if let Some(attribute) = attribute {
            object.push_unique((*name).to_owned(), read(name, &attribute)?);
        }
    }
    Ok(Value::Object(object))
}

/// The action of a string, of an enumeration of strings, or of any other by its value.
fn named(action: &Bound<'_, PyAny>) -> Result<Value, NotJson> {
    if is_json(action) {
        return convert::to_part(action, 2);
    }
    let value = action.getattr_opt("value").map_err(|_| NotJson::unreadable())?;
    value.map_or_else(|| Err(NotJson::unreadable()), |value| convert::to_part(&value, 2))
}

fn is_json(value: &Bound<'_, PyAny>) -> bool {
    value.is_none()
        || value.is_instance_of::<PyDict>()
        || value.is_instance_of::<PyString>()
        || value.is_instance_of::<PyBool>()
        || value.is_instance_of::<PyInt>()
        || value.is_instance_of::<PyFloat>()
        || value.is_instance_of::<PyList>()
        || value.is_instance_of::<PyTuple>()
}
