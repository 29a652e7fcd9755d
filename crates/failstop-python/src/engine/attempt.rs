//! One attempt, as executors in Python see it.

use std::time::Duration;

use failstop::executor::{self, Cancel, Urgency};
use pyo3::{
    prelude::*,
    types::{PyDict, PyString},
};

use super::calls::Call;
use crate::{convert, errors, timers};

/// One attempt to carry out a decision, handed to its executor.
#[pyclass(frozen, module = "failstop")]
#[allow(clippy::struct_field_names)] // the contract's
pub struct Attempt {
    /// `"HOLD"`, `"ACT"`, `"EXIT"`, `"CANCEL"` or `"STOP"`.
    #[pyo3(get)]
    action: Py<PyString>,
    /// The very object that was handed to `execute`; None where the decision came as a line.
    #[pyo3(get)]
    decision: Option<Py<PyAny>>,
    /// The decision's parameters, the very object that came in; None where there are none.
    #[pyo3(get)]
    params: Option<Py<PyAny>>,
    /// The context, the very object that came in; `{}` where there is none.
    #[pyo3(get)]
    context: Py<PyAny>,
    /// The run this belongs to.
    #[pyo3(get)]
    run_id: Option<String>,
    /// The step within the run.
    #[pyo3(get)]
    step: Option<i64>,
    /// On whose behalf.
    #[pyo3(get)]
    tenant: Option<String>,
    /// Counted from 0.
    #[pyo3(get)]
    attempt_number: u32,
    /// The key in force, to be forwarded to the target.
    #[pyo3(get)]
    idempotency_key: Option<String>,
    /// Strictly increasing over all attempts of a ledger; 0 where there is no ledger.
    #[pyo3(get)]
    fence: u64,
    /// When the attempt will be told to stop, Unix wall time in milliseconds.
    #[pyo3(get)]
    deadline_ms: i64,
    /// How long that was from the attempt's start, milliseconds.
    #[pyo3(get)]
    timeout_ms: u64,
    cancel: Option<Cancel>,
}

#[pymethods]
impl Attempt {
    /// Whether the attempt has been told to stop, by its deadline or by the gate. Cheap enough to ask in a loop.
    ///
    /// An executor that is marked `inline` is never told.
    fn is_cancelled(&self) -> bool {
        self.cancel.as_ref().is_some_and(Cancel::is_signalled)
    }

    /// Waits until the attempt is told to stop, for `timeout_s` seconds at most: whether it was told.
    ///
    /// For executors on threads; a coroutine is cancelled instead. One that is marked `inline` is never told, and waits
    /// for nothing but its timeout. Raises `failstop.UsageError` where `timeout_s` is no number from 0.
    #[pyo3(signature = (timeout_s=None))]
    fn wait_cancelled(&self, py: Python<'_>, timeout_s: Option<f64>) -> PyResult<bool> {
        let timeout = timeout_s.map(Duration::try_from_secs_f64).transpose().map_err(|_| {
            errors::usage(py, "argument_invalid", "timeout_s must be a number of seconds from 0")
        })?;
        let Some(cancel) = &self.cancel else {
            if let Some(timeout_s) = timeout_s {
                py.import("time")?.call_method1("sleep", (timeout_s,))?;
            }
            return Ok(false);
        };
        let timers = timers::handle().ok_or_else(|| errors::no_thread(py))?;
        py.detach(|| {
            let told = cancel.at_least(Urgency::Signal);
            match timeout {
                None => timers.block_on(told),
                Some(timeout) => drop(timers.block_on(async { tokio::time::timeout(timeout, told).await })),
            }
        });
        Ok(cancel.is_signalled())
    }

    fn __repr__(&self, py: Python<'_>) -> String {
        format!("Attempt(action='{}', attempt_number={})", self.action.bind(py), self.attempt_number)
    }
}

impl Attempt {
    /// The attempt, with the objects of the call that it belongs to, and else with what they say.
    ///
    /// # Errors
    /// Where there is no memory for it.
    pub fn new(
        py: Python<'_>,
        attempt: &executor::Attempt<'_>,
        call: Option<&Call>,
        cancel: Option<Cancel>,
    ) -> PyResult<Self> {
        let objects = call.and_then(|call| call.objects.as_ref());
        Ok(Self {
            action: PyString::intern(py, attempt.action.as_str()).unbind(),
            decision: objects.map(|objects| objects.decision.clone_ref(py)),
            params: params(py, attempt, call)?,
            context: context(py, attempt, call)?,
            run_id: attempt.run_id.map(str::to_owned),
            step: attempt.step,
            tenant: attempt.tenant.map(str::to_owned),
            attempt_number: attempt.attempt_number,
            idempotency_key: attempt.idempotency_key.map(str::to_owned),
            fence: attempt.fence,
            deadline_ms: attempt.deadline_ms,
            timeout_ms: attempt.timeout_ms,
            cancel,
        })
    }
}

fn params(
    py: Python<'_>,
    attempt: &executor::Attempt<'_>,
    call: Option<&Call>,
) -> PyResult<Option<Py<PyAny>>> {
    if let Some(objects) = call.and_then(|call| call.objects.as_ref()) {
        return Ok(objects.part(py, "params").filter(|params| !params.is_none()).map(Bound::unbind));
    }
    attempt.params.map(|params| Ok(convert::object_to_python(py, params)?.into_any().unbind())).transpose()
}

/// The context of an attempt, as its executor meets it.
///
/// # Errors
/// Where there is no memory for it.
pub fn context(py: Python<'_>, attempt: &executor::Attempt<'_>, call: Option<&Call>) -> PyResult<Py<PyAny>> {
    match call.and_then(|call| call.objects.as_ref()) {
        Some(objects) => {
            let given = objects.context.as_ref().map(|context| context.clone_ref(py));
            Ok(given.unwrap_or_else(|| PyDict::new(py).into_any().unbind()))
        }
        None => Ok(convert::object_to_python(py, attempt.context)?.into_any().unbind()),
    }
}
