//! Reports as the reference's dataclasses.

use failstop::core::model::{Effect, ExecutionAttempt, ExecutionReport};
use pyo3::{prelude::*, sync::PyOnceLock, types::PyList};

use crate::report::Report;

/// What makes instances of `execution_orchestration_core.model`.
struct Model {
    report_of: Py<PyAny>,
    attempt_of: Py<PyAny>,
    succeeded: Py<PyAny>,
    failed: Py<PyAny>,
}

impl Model {
    fn get(py: Python<'_>) -> PyResult<&Self> {
        static MODEL: PyOnceLock<Model> = PyOnceLock::new();
        MODEL.get_or_try_init(py, || {
            let makers = py.import("execution_orchestration_core._fast")?;
            let statuses = py.import("execution_orchestration_core.model")?.getattr("ExecutionStatus")?;
            Ok(Self {
                report_of: makers.getattr("report_of")?.unbind(),
                attempt_of: makers.getattr("attempt_of")?.unbind(),
                succeeded: statuses.getattr("SUCCESS")?.unbind(),
                failed: statuses.getattr("FAILED")?.unbind(),
            })
        })
    }
}

/// The report; `action` is what came in.
///
/// # Errors
/// Where the package `execution_orchestration_core` is not whole.
pub fn of<'py>(
    py: Python<'py>,
    report: ExecutionReport,
    action: Option<&Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyAny>> {
    let model = Model::get(py)?;
    let attempts = PyList::empty(py);
    for attempt in &report.attempts {
        attempts.append(attempt_of(py, model, attempt, report.idempotency_key.as_deref(), action)?)?;
    }
    let fields = (
        attempts,
        report.total_latency_ms,
        report.success_count(),
        report.failed_count(),
        report.skipped_count(),
        report.denied_count(),
        report.conclusion.fail_closed,
        Bound::new(py, Report::new(report))?,
    );
    model.report_of.bind(py).call1(fields)
}

fn attempt_of<'py>(
    py: Python<'py>,
    model: &Model,
    attempt: &ExecutionAttempt,
    key: Option<&str>,
    action: Option<&Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyAny>> {
    let status = if attempt.effect == Effect::Applied { &model.succeeded } else { &model.failed };
    let fields = (
        action,
        status,
        attempt.attempt_number,
        attempt.latency_ms,
        attempt.error_type.as_deref(),
        attempt.error_code.as_deref(),
        key,
    );
    model.attempt_of.bind(py).call1(fields)
}
