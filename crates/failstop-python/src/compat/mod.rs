//! `execution_orchestration_core.orchestrator.execute`: the reference's call, carried out by the engine.
//!
//! Nothing is read of a caller's objects that the execution does not need: decision and context reach the executor as
//! they are, and become JSON only where a key is to be made of them.

mod callable;
mod come_along;
mod decision;
mod facts;
pub mod guard;
mod policy;
mod report;

use std::pin::pin;

use failstop::{
    Request,
    core::{
        model::{Conclusion, ExecutionReport, ReasonCode},
        policies::ExecutionPolicy,
        stop::context_verdict,
    },
    execute_request, unix_ms,
};
use pyo3::{exceptions::PyException, intern, prelude::*, types::PyBool};

use self::{
    callable::{Callable, How},
    decision::{Asked, NotRead},
};
use crate::{engine::Engine, errors, log, waiting};

/// Executes one decision: retried, timed, stopped by its context's kill switch, and reported.
///
/// `executor(action, context)` returns `(success, message)`; it is called with the very objects of the decision and the
/// call. By default it runs on a worker thread, in a copy of the caller's context variables, and is abandoned when its
/// time is over; with `enforce_timeouts=False`, or where the executor has an attribute `inline` that is `True`, it runs on the
/// caller's thread and is waited for; what it answers counts however late, as long as the total time is not over.
///
/// `engine` is a `failstop.Engine` whose gate, ledger, slots and limits guard the call; what to retry, how long to wait and
/// whether keys are on is for `policy` to say. Default: the engine of `use_engine`; without any, calls share nothing.
///
/// Raises `failstop.errors.UsageError` where the policy, or what comes with the decision, is invalid. All else is a report.
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
    run_id: Option<&Bound<'py, PyAny>>,
    step: Option<&Bound<'py, PyAny>>,
    tenant: Option<&Bound<'py, PyAny>>,
    idempotency_key: Option<&Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyAny>> {
    let is_enforced = enforce_timeouts && !is_inline(executor)?;
    let retry = policy.getattr_opt(intern!(py, "retry"))?;
    let policy = policy::read(py, policy, is_enforced)?;
    let asked = match Asked::read(final_decision, context, policy.checked.idempotency().enabled) {
        Ok(asked) => asked,
        Err(NotRead::Raised(error)) => return Err(error),
        Err(NotRead::Unreadable(fault)) => return report::of(py, refused(py, context, &fault)?, None),
    };
    let come_along = come_along::read(py, [run_id, step, tenant, idempotency_key])?;
    let request = come_along.with(Request::new(&asked.decision, &asked.context));
    let engine = guard::of(py, engine);
    let how = if is_enforced { How::Thread } else { How::Inline };
    let callable = Callable::new(executor, &asked.action, final_decision, context, how)?
        .guarded(engine.is_some())
        .with_backoff(retry.filter(|_| policy.has_own_backoff));
    let checked = &policy.checked;
    let ended = match &engine {
        None => waiting::block_on(py, pin!(execute_request(&request, checked, &callable)), callable.raised()),
        Some(engine) => execute_on(py, engine, checked, &request, &callable),
    };
    let ended = ended?;
    callable.mark_if_abandoned(py)?;
    report::of(py, ended, Some(&asked.action))
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

/// Only what says so outright: objects that answer to every name are common in tests, and as stand-ins for remote ones.
fn is_inline(executor: &Bound<'_, PyAny>) -> PyResult<bool> {
    let mark = match executor.getattr_opt(intern!(executor.py(), "inline")) {
        Err(error) if error.is_instance_of::<PyException>(executor.py()) => None,
        mark => mark?,
    };
    Ok(mark.is_some_and(|mark| mark.cast::<PyBool>().is_ok_and(PyBoolMethods::is_true)))
}

/// The report on what is no decision. Why goes to the log, without a word of the input. A kill switch comes before it, as it
/// comes before everything.
fn refused(
    py: Python<'_>,
    context: &Bound<'_, PyAny>,
    fault: &decision::Unreadable,
) -> PyResult<ExecutionReport> {
    let report = fault.report(unix_ms());
    let verdict = match facts::of_context(context) {
        Err(error) if !error.is_instance_of::<PyException>(py) => return Err(error),
        facts => context_verdict(&facts.unwrap_or_default()),
    };
    if verdict.bars_new_work() {
        let conclusion = Conclusion::refused(ReasonCode::from(verdict.code));
        return Ok(ExecutionReport { conclusion, gate: Some(verdict.stamp), ..report });
    }
    log::warn(py, &format!("decision refused: {}", fault.message));
    Ok(report)
}
