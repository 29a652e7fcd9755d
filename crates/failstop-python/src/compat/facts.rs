//! What of a context the gate looks at.

use decision_schema::{Object, Value};
use pyo3::{intern, prelude::*, types::PyDict};

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
    let names = [
        intern!(py, "ops_deny_actions"),
        intern!(py, "ops_state"),
        intern!(py, "ops_cooldown_until_ms"),
        intern!(py, "now_ms"),
    ];
    for name in names {
        let found = match context.cast::<PyDict>() {
            Ok(dict) => dict.get_item(name)?,
            Err(_) => {
                Some(context.call_method1(intern!(py, "get"), (name,))?).filter(|found| !found.is_none())
            }
        };
        if let Some(found) = found {
            let value = convert::to_json(&found).unwrap_or_else(|_| Value::from("unreadable"));
            facts.push_unique(name.to_str()?.to_owned(), value);
        }
    }
    Ok(facts)
}
