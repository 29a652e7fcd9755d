//! What executors answer, read from what they returned or raised.

use std::borrow::Cow;

use failstop::executor::Answer;
use pyo3::{
    exceptions::{PyException, PyTypeError, PyValueError},
    prelude::*,
    types::{PyString, PyTuple},
};

use crate::waiting::Raised;

/// How an executor answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// As the reference's do: `(bool, str | None)`.
    Reference,
}

/// What a returned value says. `None` where reading it raised what is not for a report.
pub fn of_value(py: Python<'_>, value: &Bound<'_, PyAny>, style: Style, raised: &Raised) -> Option<Answer> {
    let read = match style {
        Style::Reference => success(value),
    };
    match read {
        Ok(true) => Some(Answer::applied()),
        Ok(false) => Some(Answer::not_applied()),
        Err(error) => of_error(py, error, raised),
    }
}

/// Whether it is a success. The message beside it is dropped unread (INV-EXE-SEC-1).
fn success(value: &Bound<'_, PyAny>) -> PyResult<bool> {
    if let Ok(pair) = value.cast_exact::<PyTuple>()
        && pair.len() == 2
    {
        return pair.get_borrowed_item(0)?.is_truthy();
    }
    let mut items = value.try_iter().map_err(|_| PyTypeError::new_err(()))?;
    let (first, second, third) = (items.next().transpose()?, items.next().transpose()?, items.next());
    match (first, second, third) {
        (Some(success), Some(_), None) => success.is_truthy(),
        _ => Err(PyValueError::new_err(())),
    }
}

/// What an exception says: the kind of fault, and nothing of its text, which is never asked for (INV-EXE-SEC-1). `None`
/// where it is not for a report but for whoever called.
pub fn of_error(py: Python<'_>, error: PyErr, raised: &Raised) -> Option<Answer> {
    if !error.is_instance_of::<PyException>(py) {
        raised.put(error);
        return None;
    }
    let name = error.get_type(py).name().ok().and_then(|name: Bound<'_, PyString>| name.extract().ok());
    Some(Answer::broke(name.map_or(Cow::Borrowed("exception"), Cow::Owned)))
}
