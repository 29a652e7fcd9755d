//! `failstop.Engine`: the engine, its gate and its ledger, for Python.
//!
//! Construction and everything that may wait for a disk is done without the interpreter. An engine belongs to the process
//! that made it: in a forked child it is left as it is, and refuses to be used.

pub mod asked;
pub mod attempt;
mod building;
pub mod calls;
pub mod driven;
mod flights;
mod opened;

use std::{mem, path::PathBuf, pin::pin, sync::Arc};

use decision_schema::json;
use failstop::{core::model::ExecutionReport, invalid_input, pipeline::Planned, unix_ms};
use parking_lot::Mutex;
use pyo3::{prelude::*, types::PyDict};

pub use self::building::Parts;
use self::{
    asked::{Asked, Given, Refusal},
    calls::Call,
};
use crate::{
    audit, convert, errors,
    gate::Gate,
    ledger::{self, Ledger},
    log,
    report::Report,
    timers, waiting,
};

/// Executes decisions under one configuration, with a gate and a ledger.
#[pyclass(frozen, subclass, module = "failstop._native")]
pub struct Engine {
    /// How many forks lay before the process that made it.
    forks: usize,
    parts: Mutex<Option<Arc<Parts>>>,
}

#[pymethods]
impl Engine {
    #[new]
    fn new(
        py: Python<'_>,
        file: Option<PathBuf>,
        values: &Bound<'_, PyDict>,
        executors: Vec<(Option<String>, Bound<'_, PyAny>)>,
    ) -> PyResult<Self> {
        let parts = Parts::build(py, file, values, executors)?;
        Ok(Self { forks: timers::forks(), parts: Mutex::new(Some(Arc::new(parts))) })
    }

    /// Executes one decision: `{"action", "allowed"?, "reasons"?, "mismatch"?, "throttle_ms"?, "cooldown_ms"?, "params"?}`
    /// as a dict, an object of `decision_schema`, or anything with such attributes.
    ///
    /// `context` is a dict that the gate looks at and keys are made of; `run_id` (str), `step` (int from 0), `tenant` (str),
    /// `idempotency_key` (str) and `packet` (dict) are those of a line of `failstop run`, and are read as strictly.
    ///
    /// Whatever happens is a report: bad input too (`input_invalid`; the log says why). Raises `UsageError` where the
    /// executor is a coroutine (`executor_is_async`), or where the engine is closed or another process's; and what an
    /// executor raised that is no `Exception`, or a signal's handler: the key is in doubt then.
    #[pyo3(signature = (decision, context=None, *, run_id=None, step=None, tenant=None, idempotency_key=None, packet=None))]
    #[allow(clippy::too_many_arguments)] // an envelope's
    fn execute(
        &self,
        py: Python<'_>,
        decision: &Bound<'_, PyAny>,
        context: Option<&Bound<'_, PyAny>>,
        run_id: Option<&Bound<'_, PyAny>>,
        step: Option<&Bound<'_, PyAny>>,
        tenant: Option<&Bound<'_, PyAny>>,
        idempotency_key: Option<&Bound<'_, PyAny>>,
        packet: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Report> {
        let given = given(decision, context, run_id, step, tenant, idempotency_key, packet);
        let parts = self.parts(py)?;
        match given.read() {
            Ok(asked) => parts.carry_out(py, &asked, Call::of(decision, context)),
            Err(refusal) => Ok(parts.refuse(py, None, &refusal)),
        }
    }

    /// Executes what stands on one line of `failstop run`: a str, bytes, or the dict that it says; a decision, or an
    /// envelope with a decision or a proposal. `number` is the line's, from 1, for its report.
    ///
    /// Raises what `execute` raises. Executors get dicts made of what the line says.
    #[pyo3(signature = (line, /, *, number=None))]
    fn submit(&self, py: Python<'_>, line: &Bound<'_, PyAny>, number: Option<u64>) -> PyResult<Report> {
        let parts = self.parts(py)?;
        match asked::of_line(number, line) {
            Ok(asked) => parts.carry_out(py, &asked, Call::default()),
            Err(refusal) => Ok(parts.refuse(py, number, &refusal)),
        }
    }

    /// The plan by which `execute` would carry this out, as `failstop plan` prints it: `{"plan_digest": "sha256:...",
    /// "plan": {...}}`; for what would be refused, the refusal's report as a dict. Executes nothing.
    #[pyo3(signature = (decision, context=None, *, run_id=None, step=None, tenant=None, idempotency_key=None, packet=None))]
    #[allow(clippy::too_many_arguments)] // an envelope's
    fn plan<'py>(
        &self,
        py: Python<'py>,
        decision: &Bound<'py, PyAny>,
        context: Option<&Bound<'py, PyAny>>,
        run_id: Option<&Bound<'py, PyAny>>,
        step: Option<&Bound<'py, PyAny>>,
        tenant: Option<&Bound<'py, PyAny>>,
        idempotency_key: Option<&Bound<'py, PyAny>>,
        packet: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyDict>> {
        let given = given(decision, context, run_id, step, tenant, idempotency_key, packet);
        let parts = self.parts(py)?;
        match given.read() {
            Ok(asked) => parts.plan(py, &asked),
            Err(refusal) => parts.refuse(py, None, &refusal).to_dict(py),
        }
    }

    /// The gate.
    #[getter]
    const fn gate(slf: Py<Self>) -> Gate {
        Gate { engine: slf }
    }

    /// The ledger. Its file is not to be opened with another copy of SQLite (as the module `sqlite3` has) by a process that
    /// has an engine on it: two copies in one process undo each other's locks. Other processes may.
    #[getter]
    const fn ledger(slf: Py<Self>) -> Ledger {
        Ledger { engine: slf }
    }

    /// As `failstop.audit_verify`, of this engine's ledger.
    #[pyo3(signature = (*, checkpoint=None))]
    fn audit_verify<'py>(
        &self,
        py: Python<'py>,
        checkpoint: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyDict>> {
        let parts = self.parts(py)?;
        let path = parts.ledger.path().ok_or_else(|| ledger::in_memory(py))?;
        audit::of_file(py, path, checkpoint)
    }

    /// How many slots are held by work that was abandoned and has not ended.
    #[getter]
    fn abandoned(&self, py: Python<'_>) -> PyResult<u32> {
        Ok(self.parts(py)?.pipeline.engine().abandoned())
    }

    /// Makes durable what was noted, and lets go of the ledger and the executors; calls under way go on to their ends.
    ///
    /// May be called twice. In a forked child it does nothing. False where the ledger did not take down all evidence.
    fn close(&self, py: Python<'_>) -> bool {
        if self.is_foreign() {
            return true;
        }
        let parts = self.parts.lock().take();
        py.detach(|| parts.is_none_or(|parts| parts.ledger.flush()))
    }

    /// Whether it was closed.
    #[getter]
    fn closed(&self) -> bool {
        self.parts.lock().is_none()
    }
}

/// The members of an envelope, as they were handed over.
pub fn given<'a, 'py>(
    decision: &'a Bound<'py, PyAny>,
    context: Option<&'a Bound<'py, PyAny>>,
    run_id: Option<&'a Bound<'py, PyAny>>,
    step: Option<&'a Bound<'py, PyAny>>,
    tenant: Option<&'a Bound<'py, PyAny>>,
    idempotency_key: Option<&'a Bound<'py, PyAny>>,
    packet: Option<&'a Bound<'py, PyAny>>,
) -> Given<'a, 'py> {
    let members = [
        ("context", context),
        ("run_id", run_id),
        ("step", step),
        ("tenant", tenant),
        ("idempotency_key", idempotency_key),
        ("packet", packet),
    ];
    Given { decision, members }
}

impl Engine {
    /// What the engine consists of, to be used.
    ///
    /// # Errors
    /// `UsageError` where it is closed, or was made by the process that this one was forked from.
    pub fn parts(&self, py: Python<'_>) -> PyResult<Arc<Parts>> {
        if self.is_foreign() {
            return Err(errors::forked(py));
        }
        let parts = self.parts.lock().clone();
        parts.ok_or_else(|| errors::usage(py, "engine_closed", "the engine is closed"))
    }

    fn is_foreign(&self) -> bool {
        self.forks != timers::forks()
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        let parts = self.parts.get_mut().take();
        if self.is_foreign() {
            // Its threads, locks and files are those of the parent, who still needs them.
            mem::forget(parts);
        }
    }
}

impl Parts {
    /// Carries it out, on this thread.
    ///
    /// # Errors
    /// `UsageError` where the executor needs an event loop; what an executor or a signal's handler raised.
    pub fn carry_out(&self, py: Python<'_>, asked: &Asked, call: Call) -> PyResult<Report> {
        if self.is_awaited(asked.action) {
            let message = "the executor of this action is a coroutine; use execute_async";
            return Err(errors::usage(py, "executor_is_async", message));
        }
        let call = Arc::new(call);
        let _flight = self.flights.begin(asked.action);
        let running = pin!(asked.submission.execute(&self.pipeline));
        let running = pin!(calls::within(Arc::clone(&call), running));
        let ended = waiting::block_on(py, running, &call.raised);
        let ended = ended?;
        call.mark_if_abandoned(py)?;
        Ok(self.report(ended))
    }

    /// The plan by which it would be carried out, or the report on its refusal.
    ///
    /// # Errors
    /// Where there is no memory for it.
    fn plan<'py>(&self, py: Python<'py>, asked: &Asked) -> PyResult<Bound<'py, PyDict>> {
        match asked.submission.plan(&self.pipeline) {
            Ok(Planned { plan, digest }) => {
                let told = PyDict::new(py);
                let plan = json::parse_canonical(plan.as_bytes(), plan.len()).unwrap_or_default();
                told.set_item("plan_digest", format!("sha256:{digest}"))?;
                told.set_item("plan", convert::to_python(py, &plan)?)?;
                Ok(told)
            }
            Err(refused) => {
                log::warn(py, &format!("not planned: {}", refused.message));
                self.report(refused.report).to_dict(py)
            }
        }
    }

    /// The report on what cannot be carried out; the log says why, without a word of the input.
    pub fn refuse(&self, py: Python<'_>, line: Option<u64>, refusal: &Refusal) -> Report {
        log::warn(py, &format!("decision refused: {}", refusal.message));
        self.report(invalid_input(line, unix_ms(), &refusal.fault))
    }

    /// The report, written as the configuration has it.
    pub fn report(&self, report: ExecutionReport) -> Report {
        Report::styled(report, self.style)
    }
}
