//! What of a context the gate looks at.

use decision_schema::{Object, Value};
use pyo3::{
    intern,
    prelude::*,
    types::{PyDict, PyString},
};

use crate::convert;

/// The members of the context that may deny a decision, and no others. One that is no JSON stands there as a text: a gate
/// that cannot be read is no gate that is open (INV-EXE-4).
///
/// # Errors
/// Where the context is no mapping.
pub fn of_context(context: &Bound<'_, PyAny>) -> PyResult<Object> {
    let py = context.py();
    let mut facts = Object::new();
    if context.is_none() {
        return Ok(facts);
    }
    for name in
        [intern!(py, "ops_deny_actions"), intern!(py, "ops_state"), intern!(py, "ops_cooldown_until_ms")]
    {
        take(context, name, &mut facts)?;
    }
    if facts.contains_key("ops_cooldown_until_ms") {
        take(context, intern!(py, "now_ms"), &mut facts)?;
    }
    Ok(facts)
}

fn take(context: &Bound<'_, PyAny>, name: &Bound<'_, PyString>, facts: &mut Object) -> PyResult<()> {
    let found = match context.cast_exact::<PyDict>() {
        Ok(dict) => dict.get_item(name)?,
        Err(_) => Some(context.call_method1(intern!(context.py(), "get"), (name,))?),
    };
    if let Some(found) = found.filter(|found| !found.is_none()) {
        let value = convert::to_json(&found).unwrap_or_else(|_| Value::from("unreadable"));
        facts.push_unique(name.to_str()?.to_owned(), value);
    }
    Ok(())
}
