//! Python values to JSON values and back, as strict as lines of input are.

use decision_schema::{Number, Object, Value, json::MAX_DEPTH};
use pyo3::{
    prelude::*,
    types::{PyBool, PyDict, PyFloat, PyInt, PyList, PyString, PyTuple},
};

/// Why a value is no JSON, and where: the path counts members from 0 and never names them, since their names came in
/// with the value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotJson {
    /// What it is.
    pub what: &'static str,
    path: Vec<usize>,
}

impl NotJson {
    const fn new(what: &'static str) -> Self {
        Self { what, path: Vec::new() }
    }

    /// Of something whose parts cannot be read.
    pub const fn unreadable() -> Self {
        Self::new("it cannot be read")
    }

    /// Of text that is none.
    pub const fn of_text() -> Self {
        Self::new("a string with a lone surrogate")
    }

    fn within(mut self, position: usize) -> Self {
        self.path.push(position);
        self
    }

    /// For people: `context[2][0]: not a finite number`.
    pub fn told_of(&self, root: &str) -> String {
        let steps: Vec<String> = self.path.iter().rev().map(|position| format!("[{position}]")).collect();
        format!("{root}{}: {}", steps.concat(), self.what)
    }
}

/// The value as JSON.
///
/// # Errors
/// Where JSON, as this project reads it, has no such value: other types, keys that are no strings, integers beyond 64
/// bits, numbers that are not finite, lone surrogates, more than 64 levels.
pub fn to_json(value: &Bound<'_, PyAny>) -> Result<Value, NotJson> {
    at_depth(value, 0)
}

/// As [`to_json`], for what will lie so many levels deep in another value.
///
/// # Errors
/// As [`to_json`].
pub fn to_part(value: &Bound<'_, PyAny>, depth: usize) -> Result<Value, NotJson> {
    at_depth(value, depth)
}

/// The mapping as a JSON object.
///
/// # Errors
/// As [`to_json`], and where it is no `dict`.
pub fn to_object(value: &Bound<'_, PyAny>) -> Result<Object, NotJson> {
    let mapping = value.cast::<PyDict>().map_err(|_| NotJson::new("not a dict"))?;
    members(mapping, 0)
}

fn at_depth(value: &Bound<'_, PyAny>, depth: usize) -> Result<Value, NotJson> {
    if value.is_none() {
        return Ok(Value::Null);
    }
    if let Ok(text) = value.cast::<PyString>() {
        return string(text).map(Value::from);
    }
    if let Ok(flag) = value.cast::<PyBool>() {
        return Ok(Value::Bool(flag.is_true()));
    }
    if let Ok(integer) = value.cast::<PyInt>() {
        return number(integer);
    }
    if let Ok(float) = value.cast::<PyFloat>() {
        let float = float.value();
        let is_finite = float.is_finite();
        return is_finite
            .then_some(Value::Number(Number::Float(float)))
            .ok_or(NotJson::new("not a finite number"));
    }
    if depth >= MAX_DEPTH {
        return Err(NotJson::new("nested deeper than 64 levels, or no JSON"));
    }
    if let Ok(mapping) = value.cast::<PyDict>() {
        return members(mapping, depth + 1).map(Value::Object);
    }
    if let Ok(list) = value.cast::<PyList>() {
        return items(list.iter(), depth + 1);
    }
    if let Ok(tuple) = value.cast::<PyTuple>() {
        return items(tuple.iter(), depth + 1);
    }
    Err(NotJson::new("a value of a type that JSON does not have"))
}

fn string<'a>(text: &'a Bound<'_, PyString>) -> Result<&'a str, NotJson> {
    text.to_str().map_err(|_| NotJson::of_text())
}

fn number(integer: &Bound<'_, PyInt>) -> Result<Value, NotJson> {
    let signed = integer.extract::<i64>().map(Value::from);
    signed
        .or_else(|_| integer.extract::<u64>().map(Value::from))
        .map_err(|_| NotJson::new("an integer beyond 64 bits"))
}

fn members(mapping: &Bound<'_, PyDict>, depth: usize) -> Result<Object, NotJson> {
    let mut object = Object::new();
    for (position, (key, value)) in mapping.iter().enumerate() {
        let mut member = || {
            let name = key.cast::<PyString>().map_err(|_| NotJson::new("a key that is no string"))?;
            let name = string(name)?;
            // Keys of a subclass can be different as keys and the same as strings.
            if !key.is_exact_instance_of::<PyString>() && object.contains_key(name) {
                return Err(NotJson::new("a key that is there twice"));
            }
            object.push_unique(name.to_owned(), at_depth(&value, depth)?);
            Ok(())
        };
        member().map_err(|fault: NotJson| fault.within(position))?;
    }
    Ok(object)
}

fn items<'py>(items: impl Iterator<Item = Bound<'py, PyAny>>, depth: usize) -> Result<Value, NotJson> {
    let items = items
        .enumerate()
        .map(|(position, item)| at_depth(&item, depth).map_err(|fault| fault.within(position)));
    items.collect::<Result<Vec<_>, _>>().map(Value::Array)
}

/// The JSON value as Python has it.
///
/// # Errors
/// Where there is no memory for it.
pub fn to_python<'py>(py: Python<'py>, value: &Value) -> PyResult<Bound<'py, PyAny>> {
    Ok(match value {
        Value::Null => py.None().into_bound(py),
        Value::Bool(flag) => PyBool::new(py, *flag).to_owned().into_any(),
        Value::Number(Number::Float(float)) => PyFloat::new(py, *float).into_any(),
        Value::Number(Number::Int(integer)) => integer.into_pyobject(py)?.into_any(),
        Value::Number(Number::Uint(integer)) => integer.into_pyobject(py)?.into_any(),
        Value::String(text) => PyString::new(py, text).into_any(),
        Value::Array(items) => {
            let items = items.iter().map(|item| to_python(py, item)).collect::<PyResult<Vec<_>>>()?;
            PyList::new(py, items)?.into_any()
        }
        Value::Object(object) => object_to_python(py, object)?.into_any(),
    })
}

/// The JSON object as a `dict`.
///
/// # Errors
/// Where there is no memory for it.
pub fn object_to_python<'py>(py: Python<'py>, object: &Object) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    for (key, value) in object.iter() {
        dict.set_item(key, to_python(py, value)?)?;
    }
    Ok(dict)
}
