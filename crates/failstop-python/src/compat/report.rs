//! Reports as the reference's dataclasses.

use std::borrow::Cow;

use failstop::core::model::{ExecutionAttempt, ExecutionReport};
use pyo3::{
    intern,
    prelude::*,
    sync::PyOnceLock,
    types::{PyDict, PyList, PyType},
};

use crate::report::Report;

/// The dataclasses of `execution_orchestration_core.model`, and the fields of instances that say nothing yet.
struct Model {
    report: Py<PyType>,
    attempt: Py<PyType>,
    statuses: [Py<PyAny>; 2],
    bare_report: Py<PyDict>,
    bare_attempt: Py<PyDict>,
}

impl Model {
    fn get(py: Python<'_>) -> PyResult<&Self> {
        static MODEL: PyOnceLock<Model> = PyOnceLock::new();
        MODEL.get_or_try_init(py, || Self::load(py))
    }

    fn load(py: Python<'_>) -> PyResult<Self> {
        let module = py.import("execution_orchestration_core.model")?;
        let class = |name: &str| module.getattr(name)?.cast_into::<PyType>().map_err(PyErr::from);
        let (report, attempt) = (class("ExecutionReport")?, class("ExecutionAttempt")?);
        let statuses = module.getattr("ExecutionStatus")?;
        let [succeeded, failed] = [statuses.getattr("SUCCESS")?, statuses.getattr("FAILED")?];
        let fields = |instance: Bound<'_, PyAny>| -> PyResult<Py<PyDict>> {
            Ok(instance.getattr("__dict__")?.cast_into::<PyDict>()?.copy()?.unbind())
        };
        Ok(Self {
            bare_report: fields(report.call0()?)?,
            bare_attempt: fields(attempt.call1((py.None(), &succeeded, 0, 0))?)?,
            report: report.unbind(),
            attempt: attempt.unbind(),
            statuses: [succeeded.unbind(), failed.unbind()],
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
    let fields = model.bare_report.bind(py).copy()?;
    let attempts = PyList::empty(py);
    for attempt in &report.attempts {
        attempts.append(attempt_of(py, model, attempt, report.idempotency_key.as_deref(), action)?)?;
    }
    fields.set_item(intern!(py, "attempts"), attempts)?;
    for (name, count) in [
        (intern!(py, "success_count"), report.success_count()),
        (intern!(py, "failed_count"), report.failed_count()),
        (intern!(py, "skipped_count"), report.skipped_count()),
        (intern!(py, "denied_count"), report.denied_count()),
    ] {
        if count > 0 {
            fields.set_item(name, count)?;
        }
    }
    if report.total_latency_ms > 0 {
        fields.set_item(intern!(py, "total_latency_ms"), report.total_latency_ms)?;
    }
    if report.conclusion.fail_closed {
        fields.set_item(intern!(py, "fail_closed"), true)?;
    }
    fields.set_item(intern!(py, "_native"), Bound::new(py, Report::new(report))?)?;
    instance(py, &model.report, fields)
}

fn attempt_of<'py>(
    py: Python<'py>,
    model: &Model,
    attempt: &ExecutionAttempt,
    key: Option<&str>,
    action: Option<&Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyAny>> {
    let fields = model.bare_attempt.bind(py).copy()?;
    fields.set_item(intern!(py, "action"), action)?;
    if attempt.effect != failstop::core::model::Effect::Applied {
        fields.set_item(intern!(py, "status"), &model.statuses[1])?;
    }
    if attempt.attempt_number > 0 {
        fields.set_item(intern!(py, "attempt_number"), attempt.attempt_number)?;
    }
    if attempt.latency_ms > 0 {
        fields.set_item(intern!(py, "latency_ms"), attempt.latency_ms)?;
    }
    if let Some(error_type) = &attempt.error_type {
        fields.set_item(intern!(py, "error_type"), Cow::as_ref(error_type))?;
    }
    if let Some(error_code) = &attempt.error_code {
        fields.set_item(intern!(py, "error_code"), Cow::as_ref(error_code))?;
    }
    if let Some(key) = key {
        fields.set_item(intern!(py, "idempotency_key"), key)?;
    }
    instance(py, &model.attempt, fields)
}

/// An instance with these fields, made without its `__init__`.
fn instance<'py>(
    py: Python<'py>,
    class: &Py<PyType>,
    fields: Bound<'py, PyDict>,
) -> PyResult<Bound<'py, PyAny>> {
    let class = class.bind(py);
    let instance = class.call_method1(intern!(py, "__new__"), (class,))?;
    instance.setattr(intern!(py, "__dict__"), fields)?;
    Ok(instance)
}
