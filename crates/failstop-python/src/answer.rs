//! What executors answer, read from what they returned or raised.

use std::borrow::Cow;

use failstop::{core::model::Effect, executor::Answer};
use pyo3::{
    exceptions::{PyException, PyTypeError, PyValueError},
    prelude::*,
    types::{PyBool, PyString, PyTuple},
};

use crate::{convert, errors, log, timers, waiting::Raised};

/// How an executor answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// As the reference's do: `(bool, str | None)`.
    Reference,
    /// With an [`Answered`], a bool, or as the reference's do.
    Native,
}

/// What an executor did to the world, and what it has to say about it.
#[pyclass(frozen, name = "Answer", module = "failstop")]
pub struct Answered {
    effect: Effect,
    /// What the target said: a JSON value; None where it said nothing.
    #[pyo3(get)]
    output: Option<Py<PyAny>>,
    /// The fault's code; None where there is none.
    #[pyo3(get)]
    error_code: Option<String>,
    /// How long the target asks to be left alone, milliseconds; None where it does not ask.
    #[pyo3(get)]
    retry_after_ms: Option<u64>,
}

#[pymethods]
impl Answered {
    /// `"applied"`, `"not_applied"`, `"rejected"` or `"unknown"`.
    #[getter]
    const fn effect(&self) -> &'static str {
        self.effect.as_str()
    }

    fn __repr__(&self) -> String {
        format!("Answer(effect='{}')", self.effect)
    }
}

impl Answered {
    const fn of(effect: Effect, error_code: Option<String>) -> Self {
        Self { effect, output: None, error_code, retry_after_ms: None }
    }

    fn to_answer(&self, py: Python<'_>) -> Answer {
        let mut answer = Answer::of(self.effect);
        answer.error_code = self.error_code.clone().map(Cow::Owned);
        answer.retry_after_ms = self.retry_after_ms;
        if let Some(output) = &self.output {
            match convert::to_json(output.bind(py)) {
                Ok(output) => answer.output = Some(output),
                // What happened is known, and is not unsaid for the sake of what was said about it.
                Err(fault) => log::warn(py, &format!("left out of a report: {}", fault.told_of("output"))),
            }
        }
        answer
    }
}

/// The effect happened. `output` is what the target said, any JSON value; it goes into the report, redacted, and up to
/// 64 KiB of it. An output that is no JSON is left out, and the log says so.
#[pyfunction]
#[pyo3(signature = (output=None))]
pub fn applied(output: Option<Py<PyAny>>) -> Answered {
    Answered { output, ..Answered::of(Effect::Applied, None) }
}

/// Definitely no effect; it may work later. `retry_after_ms` is how long the target asks to be left alone, milliseconds.
///
/// `error_code` is a short word for programs, up to 64 bytes of letters, digits and `_`; unfit text is left out.
#[pyfunction]
#[pyo3(signature = (error_code=None, retry_after_ms=None))]
pub fn not_applied(error_code: Option<String>, retry_after_ms: Option<u64>) -> Answered {
    Answered { retry_after_ms, ..Answered::of(Effect::NotApplied, error_code) }
}

/// Definitely no effect, and there never will be one. `error_code` as in `not_applied`.
#[pyfunction]
#[pyo3(signature = (error_code=None))]
pub fn rejected(error_code: Option<String>) -> Answered {
    Answered::of(Effect::Rejected, error_code)
}

/// The effect may have happened. `error_code` as in `not_applied`.
#[pyfunction]
#[pyo3(signature = (error_code=None))]
pub fn unknown(error_code: Option<String>) -> Answered {
    Answered::of(Effect::Unknown, error_code)
}

/// What a returned value says. `None` where reading it raised what is not for a report.
pub fn of_value(py: Python<'_>, value: &Bound<'_, PyAny>, style: Style, raised: &Raised) -> Option<Answer> {
    let read = match style {
        Style::Reference => success(value).map(of_success),
        Style::Native => native(value),
    };
    read.map_or_else(|error| of_error(py, error, raised), Some)
}

const fn of_success(success: bool) -> Answer {
    if success { Answer::applied() } else { Answer::not_applied() }
}

/// What a native executor says. Nothing else is guessed at: it may have had its effect.
fn native(value: &Bound<'_, PyAny>) -> PyResult<Answer> {
    if let Ok(answered) = value.cast_exact::<Answered>() {
        return Ok(answered.get().to_answer(value.py()));
    }
    if let Ok(success) = value.cast_exact::<PyBool>() {
        return Ok(of_success(success.is_true()));
    }
    if let Ok(pair) = value.cast_exact::<PyTuple>()
        && let [success, message] = pair.iter().collect::<Vec<_>>().as_slice()
        && let Ok(success) = success.cast_exact::<PyBool>()
        && (message.is_none() || message.is_instance_of::<PyString>())
    {
        return Ok(of_success(success.is_true()));
    }
    Err(PyTypeError::new_err(()))
}

/// Whether it is a success. The message beside it is dropped unread (INV-EXE-SEC-1).
fn success(value: &Bound<'_, PyAny>) -> PyResult<bool> {
    if let Ok(pair) = value.cast_exact::<PyTuple>()
        && pair.len() == 2
    {
        return pair.get_borrowed_item(0)?.is_truthy();
    }
    let mut items = value.try_iter().map_err(|error| {
        let is_of_the_value = error.is_instance_of::<PyException>(value.py());
        if is_of_the_value { PyTypeError::new_err(()) } else { error }
    })?;
    let (first, second, third) = (items.next().transpose()?, items.next().transpose()?, items.next());
    match (first, second, third) {
        (Some(success), Some(_), None) => success.is_truthy(),
        _ => Err(PyValueError::new_err(())),
    }
}

/// What a call made on this thread says. Where it comes back in a child of the process that made `engine_is_used`'s engine,
/// that engine's threads are not there, so nothing can be waited for: the child hears that, and the parent goes on.
pub fn of_call<'py>(
    py: Python<'py>,
    style: Style,
    engine_is_used: bool,
    raised: &Raised,
    call: impl FnOnce() -> PyResult<Bound<'py, PyAny>>,
) -> Option<Answer> {
    let forks = timers::forks();
    let returned = call();
    if engine_is_used && timers::forks() != forks {
        raised.put(errors::forked(py));
        return None;
    }
    match returned {
        Ok(value) => of_value(py, &value, style, raised),
        Err(error) => of_error(py, error, raised),
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
