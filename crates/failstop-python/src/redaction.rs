//! Redaction for Python: of logs as they are, and of JSON through the redactor of the engine.

mod kinds;
mod met;
mod walk;

use failstop::core::redaction::{Profile, Redactor, RegisteredSecrets};
use pyo3::{prelude::*, types::PyString};

use crate::{
    convert::{to_json, to_python},
    errors,
};

/// A copy of a log without the values of members whose names speak of secrets; what is no dict comes back as it is.
///
/// The copy has the keys in their order, and the very same values where nothing had to go. Dicts and lists are new;
/// one that stands in several places is copied once, one that contains itself is redacted where it does, and so is
/// what is nested deeper than 256 levels on the first way to it. Tuples and other objects are not looked into.
///
/// A dict under the name of a secret is kept, and its own names decide; anything else under one is redacted, also in
/// lists. Names are compared in lower case and without "-" and "_"; a name that is no string speaks of nothing.
///
/// Raises only what the objects in the log raise themselves when they are read.
///
/// >>> redact_execution_log({"user": "ada", "api_key": "1234", "auth": {"id": 7, "token": None}})
/// {'user': 'ada', 'api_key': '[REDACTED]', 'auth': {'id': 7, 'token': '[REDACTED]'}}
#[pyfunction]
#[pyo3(signature = (log_data))]
pub fn redact_execution_log(log_data: Bound<'_, PyAny>) -> PyResult<Bound<'_, PyAny>> {
    walk::redacted(log_data)
}

/// A copy of a JSON value without its secrets. What the arguments mean stands in `failstop.redaction`.
#[pyfunction]
#[pyo3(signature = (value, *, profile = "strict", keep = None, secrets = None))]
pub fn redact<'py>(
    value: &Bound<'py, PyAny>,
    profile: &str,
    keep: Option<&Bound<'py, PyAny>>,
    secrets: Option<&Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyAny>> {
    let py = value.py();
    let keep = strings(py, keep, "keep must be several strings")?;
    let secrets = strings(py, secrets, "secrets must be several strings")?;
    // Registered, since standing secrets are not looked for in numbers.
    let redactor =
        Redactor::new(named(py, profile)?).with_keep(keep).scoped(&RegisteredSecrets::new(secrets));
    let mut json = to_json(value).map_err(|fault| errors::usage(py, "not_json", &fault.told_of("value")))?;
    redactor.redact(&mut json);
    to_python(py, &json)
}

fn named(py: Python<'_>, profile: &str) -> PyResult<Profile> {
    match profile {
        "strict" => Ok(Profile::Strict),
        "reference" => Ok(Profile::Reference),
        _ => Err(errors::usage(py, "argument_invalid", "profile must be strict or reference")),
    }
}

/// The strings in an iterable. One string is none: its letters are not what was meant.
fn strings(py: Python<'_>, given: Option<&Bound<'_, PyAny>>, fault: &str) -> PyResult<Vec<String>> {
    let invalid = || errors::usage(py, "argument_invalid", fault);
    let Some(given) = given else { return Ok(Vec::new()) };
    if given.is_instance_of::<PyString>() {
        return Err(invalid());
    }
    // What Python raises about a string could have the string in it.
    let string = |item: PyResult<Bound<'_, PyAny>>| {
        let item = item?;
        let text = item.cast::<PyString>().ok().and_then(|text| text.to_str().ok());
        text.map(str::to_owned).ok_or_else(invalid)
    };
    given.try_iter().map_err(|_| invalid())?.map(string).collect()
}
