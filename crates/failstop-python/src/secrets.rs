//! Secrets in objects that are no JSON, and so cannot go through a redactor.

use failstop::core::redaction::is_secret_key;
use pyo3::{
    prelude::*,
    types::{PyDict, PyList, PyString},
};

/// How deep is looked; what lies deeper is taken for a secret.
const MAX_DEPTH: usize = 64;

/// Whether `text` has a string in it that stands in `value` under the name of a secret.
pub fn are_in(text: &str, value: &Bound<'_, PyAny>) -> bool {
    search(text, value, false, MAX_DEPTH)
}

fn search(text: &str, value: &Bound<'_, PyAny>, is_secret: bool, depth: usize) -> bool {
    if let Ok(string) = value.cast::<PyString>() {
        return is_secret && string.to_str().is_ok_and(|secret| !secret.is_empty() && text.contains(secret));
    }
    let Some(depth) = depth.checked_sub(1) else { return true };
    if let Ok(dict) = value.cast::<PyDict>() {
        return dict.iter().any(|(key, value)| {
            let name = key.cast::<PyString>().ok();
            let is_named = name.and_then(|name| name.to_str().ok()).is_some_and(is_secret_key);
            search(text, &value, is_secret || is_named, depth)
        });
    }
    value.cast::<PyList>().is_ok_and(|list| list.iter().any(|item| search(text, &item, is_secret, depth)))
}
