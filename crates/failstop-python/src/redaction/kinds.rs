//! What the objects in a log are to the walk through it.

use failstop::core::redaction::is_secret_key;
use pyo3::{
    prelude::*,
    types::{PyBool, PyDict, PyFloat, PyInt, PyList, PyString, PyTuple},
};

/// What is looked into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Container {
    Dict,
    List,
}

/// What `value` is, as `isinstance` has it; none for what is not looked into.
///
/// # Errors
/// What a `__class__` of its own raises.
#[inline]
pub fn container(value: &Bound<'_, PyAny>) -> PyResult<Option<Container>> {
    if is_scalar(value) {
        Ok(None)
    } else if value.is_exact_instance_of::<PyDict>() {
        Ok(Some(Container::Dict))
    } else if value.is_exact_instance_of::<PyList>() {
        Ok(Some(Container::List))
    } else {
        by_isinstance(value)
    }
}

/// Whether `value` is of one of the types that logs are full of.
#[inline]
fn is_scalar(value: &Bound<'_, PyAny>) -> bool {
    value.is_exact_instance_of::<PyString>()
        || value.is_exact_instance_of::<PyInt>()
        || value.is_exact_instance_of::<PyFloat>()
        || value.is_exact_instance_of::<PyBool>()
        || value.is_none()
        || value.is_exact_instance_of::<PyTuple>()
}

#[cold]
fn by_isinstance(value: &Bound<'_, PyAny>) -> PyResult<Option<Container>> {
    let py = value.py();
    if value.is_instance(&py.get_type::<PyDict>())? {
        Ok(Some(Container::Dict))
    } else if value.is_instance(&py.get_type::<PyList>())? {
        Ok(Some(Container::List))
    } else {
        Ok(None)
    }
}

/// Whether `key` speaks of a secret. What is no string does not; of a subclass, the text counts.
#[inline]
pub fn speaks_of_a_secret(key: &Bound<'_, PyAny>) -> bool {
    let Ok(key) = key.cast::<PyString>() else { return false };
    // A lone surrogate has no UTF-8, and no part in any pattern.
    key.to_str().map_or_else(|_| is_secret_key(&key.to_string_lossy()), is_secret_key)
}
