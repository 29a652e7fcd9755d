//! Secrets in objects that are no JSON, and so cannot go through a redactor.

use std::collections::HashMap;

use failstop::core::redaction::is_secret_key;
use pyo3::{
    prelude::*,
    types::{PyDict, PyList, PyMapping, PyString, PyTuple},
};

/// Whether `text` has a string in it that stands in `value` under the name of a secret. Each container is looked into once,
/// or twice where it also stands under such a name, however often it is met.
pub fn are_in<'py>(text: &str, value: &Bound<'py, PyAny>) -> bool {
    let mut open = vec![(value.clone(), false)];
    // With the containers themselves, so that nothing else comes to stand where one of them stood.
    let mut met: HashMap<(usize, bool), Bound<'py, PyAny>> = HashMap::new();
    while let Some((value, is_secret)) = open.pop() {
        if let Ok(string) = value.cast::<PyString>() {
            let is_in = |secret: &str| !secret.is_empty() && text.contains(secret);
            if is_secret && string.to_str().is_ok_and(is_in) {
                return true;
            }
        } else if let Ok(dict) = value.cast::<PyDict>() {
            if met.insert((value.as_ptr() as usize, is_secret), value.clone()).is_none() {
                open.extend(dict.iter().map(|(key, value)| (value, is_secret || is_named_secret(&key))));
            }
        } else if value.is_instance_of::<PyList>() || value.is_instance_of::<PyTuple>() {
            if met.insert((value.as_ptr() as usize, is_secret), value.clone()).is_none() {
                let items = value.try_iter().into_iter().flatten().flatten();
                open.extend(items.map(|item| (item, is_secret)));
            }
        } else if let Ok(mapping) = value.cast::<PyMapping>() {
            // What it lists is new each time, so it is looked into once and for all as a dict.
            let dict = PyDict::new(value.py());
            if dict.update(mapping).is_err() {
                return true;
            }
            if met.insert((value.as_ptr() as usize, is_secret), value.clone()).is_none() {
                open.push((dict.into_any(), is_secret));
            }
        }
    }
    false
}

fn is_named_secret(key: &Bound<'_, PyAny>) -> bool {
    key.cast::<PyString>().is_ok_and(|name| name.to_str().is_ok_and(is_secret_key))
}
