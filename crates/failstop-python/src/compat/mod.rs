//! `execution_orchestration_core.orchestrator.execute`: the reference's call, carried out by the engine.
//!
//! Nothing is read of a caller's objects that the execution does not need: decision and context reach the executor as
//! they are, and become JSON only where a key is to be made of them.

mod callable;
mod decision;
mod facts;
pub mod guard;
mod policy;
mod report;

use std::pin::pin;

use failstop::{
    Request,
    core::{model::ExecutionReport, policies::ExecutionPolicy},
    execute_request, unix_ms,
};
use pyo3::prelude::*;

use self::{
    callable::{Callable, How},
    decision::Asked,
};
use crate::{engine::Engine, errors, log, waiting};

/// Executes one decision: retried, timed, stopped by its context's kill switch, and reported.
///
/// `executor(action, context)` returns `(success, message)`; it is called with the very objects of the decision and the
/// call. By default it runs on a worker thread, in a copy of the caller's context variables, and is abandoned when its
/// time is over; with `enforce_timeouts=False`, or where the executor has a true attribute `inline`, it runs on the
/// caller's thread and is waited for; what it answers counts however late, as long as the total time is not over.
///
/// `engine` is a `failstop.Engine` whose gate, ledger, slots and limits guard the call; what to retry, how long to wait and
/// whether keys are on is for `policy` to say. Default: the engine of `use_engine`; without any, calls share nothing.
///
/// Raises `failstop.errors.UsageError` where the policy is invalid. All else is a report.
#[pyfunction]
#[pyo3(signature = (final_decision, context, policy, executor, *, engine=None, enforce_timeouts=true, run_id=None, step=None,
    tenant=None, idempotency_key=None))]
#[allow(clippy::too_many_arguments)] // the reference's, and what may come with a decision
pub fn execute<'py>(
    py: Python<'py>,
    final_decision: &Bound<'py, PyAny>,
    context: &Bound<'py, PyAny>,
    policy: &Bound<'py, PyAny>,
    executor: &Bound<'py, PyAny>,
    engine: Option<&Bound<'py, Engine>>,
    enforce_timeouts: bool,
    run_id: Option<&str>,
    step: Option<i64>,
    tenant: Option<&str>,
    idempotency_key: Option<&str>,
) -> PyResult<Bound<'py, PyAny>> {
    let is_enforced = enforce_timeouts && !is_inline(executor);
    let policy = policy::read(py, policy, is_enforced)?;
    let asked = match Asked::read(final_decision, context, policy.idempotency().enabled) {
        Ok(asked) => asked,
        Err(fault) => return report::of(py, refused(py, &fault), None),
    };
    let request =
        Request { run_id, step, tenant, idempotency_key, ..Request::new(&asked.decision, &asked.context) };
    let how = if is_enforced { How::Thread } else { How::Inline };
    let callable = Callable::new(executor, &asked.action, final_decision, context, how)?;
    let ended = match &guard::of(py, engine) {
        None => waiting::block_on(py, pin!(execute_request(&request, &policy, &callable)), callable.raised()),
        Some(engine) => execute_on(py, engine, &policy, &request, &callable),
    };
    callable.mark_if_abandoned(py);
    report::of(py, ended?, Some(&asked.action))
}

/// Executes it under the call's policy, with the engine's gate, ledger, slots and limits.
fn execute_on(
    py: Python<'_>,
    engine: &Bound<'_, Engine>,
    policy: &ExecutionPolicy,
    request: &Request<'_>,
    callable: &Callable,
) -> PyResult<ExecutionReport> {
    let parts = engine.get().parts(py)?;
    let _flight = parts.flights.begin(request.decision.action);
    let running = parts.pipeline.engine().execute_under(policy, request, callable);
    let running = running.map_err(|error| errors::usage(py, "policy_invalid", &error.to_string()))?;
    waiting::block_on(py, pin!(running), callable.raised())
}

fn is_inline(executor: &Bound<'_, PyAny>) -> bool {
    let mark = executor.getattr_opt(pyo3::intern!(executor.py(), "inline"));
    mark.ok().flatten().is_some_and(|mark| mark.is_truthy().unwrap_or(false))
}

/// The report on what is no decision. Why goes to the log, without a word of the input.
fn refused(py: Python<'_>, fault: &decision::Unreadable) -> ExecutionReport {
    log::warn(py, &format!("decision refused: {}", fault.message));
    fault.report(unix_ms())
}
