//! Reports, as Python sees them.

use failstop::core::{
    model::{ExecutionReport, ReasonCode},
    report::ReportStyle,
};
use pyo3::{prelude::*, types::PyDict};

use crate::convert;

/// The report of one execution: what the command line prints, as an object.
#[pyclass(frozen, module = "failstop")]
#[derive(Debug)]
pub struct Report {
    report: Box<ExecutionReport>,
    style: ReportStyle,
}

impl Report {
    /// Takes the engine's.
    pub fn new(report: ExecutionReport) -> Self {
        Self::styled(report, ReportStyle::default())
    }

    /// Takes the engine's, to be written in this style.
    pub fn styled(report: ExecutionReport, style: ReportStyle) -> Self {
        Self { report: Box::new(report), style }
    }
}

#[pymethods]
impl Report {
    /// `"success"`, `"failed"`, `"skipped"` or `"denied"`.
    #[getter]
    fn status(&self) -> &'static str {
        self.report.conclusion.status.as_str()
    }

    /// What became of the key's effect: `"executed"`, `"not_executed"` or `"unknown"`.
    #[getter]
    fn outcome(&self) -> &'static str {
        self.report.conclusion.outcome.as_str()
    }

    /// Why it did not end well; `None` on success.
    #[getter]
    fn reason_code(&self) -> Option<&'static str> {
        self.report.conclusion.reason_code.map(ReasonCode::as_str)
    }

    /// Whether the last thing that happened left it unknown what did.
    #[getter]
    fn fail_closed(&self) -> bool {
        self.report.conclusion.fail_closed
    }

    /// Whether it is the stored report of an earlier execution under the key.
    #[getter]
    fn replayed(&self) -> bool {
        self.report.replayed
    }

    /// The key in force.
    #[getter]
    fn idempotency_key(&self) -> Option<&str> {
        self.report.idempotency_key.as_deref()
    }

    /// UUIDv7 of the first admission.
    #[getter]
    fn execution_id(&self) -> String {
        self.report.execution_id.to_string()
    }

    /// `"sha256:..."`; `None` where plans have no digests.
    #[getter]
    fn plan_digest(&self) -> Option<String> {
        self.report.plan_digest.as_ref().map(|digest| format!("sha256:{digest}"))
    }

    /// How long it took, milliseconds.
    #[getter]
    fn total_latency_ms(&self) -> u64 {
        self.report.total_latency_ms
    }

    /// The attempts, each with the members it has in the report's JSON.
    #[getter]
    fn attempts<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.member(py, "attempts")
    }

    /// What the executor answered, redacted; `None` where it said nothing.
    #[getter]
    fn output<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        match &self.report.output {
            Some(output) => convert::to_python(py, output),
            None => Ok(py.None().into_bound(py)),
        }
    }

    /// The trace keys, with the `external` that came in.
    #[getter]
    fn external<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.member(py, "external")
    }

    /// The report as `failstop run` prints it, without the line's end.
    fn to_json(&self) -> String {
        self.report.to_json(self.style)
    }

    /// The report as a new `dict`.
    pub fn to_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let value = self.report.to_value(self.style);
        convert::object_to_python(py, value.as_object().unwrap_or(&decision_schema::Object::new()))
    }

    fn __repr__(&self) -> String {
        let reason = self.reason_code().map_or_else(String::new, |code| format!(", reason_code={code:?}"));
        format!("Report(status={:?}, outcome={:?}{reason})", self.status(), self.outcome())
    }

    fn __eq__(&self, other: &Bound<'_, PyAny>) -> bool {
        other.cast::<Self>().is_ok_and(|other| other.get().report == self.report)
    }

    #[expect(clippy::cast_possible_truncation, reason = "its low half is random")]
    const fn __hash__(&self) -> u64 {
        self.report.execution_id.0 as u64
    }
}

impl Report {
    fn member<'py>(&self, py: Python<'py>, name: &str) -> PyResult<Bound<'py, PyAny>> {
        let value = self.report.to_value(self.style);
        convert::to_python(py, value.get(name).unwrap_or(&decision_schema::Value::Null))
    }
}
