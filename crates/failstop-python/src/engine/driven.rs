//! Executions that an event loop drives (`failstop/_loops.py`), begun here.

use std::{future::ready, pin::pin, sync::Arc};

use failstop::{Cancellation, invalid_input, unix_ms};
use pyo3::prelude::*;

use super::{
    Engine, Parts,
    asked::{self, Asked, Refusal},
    calls::{self, Call},
    given,
};
use crate::{bell::Bell, driving::Driving, log};

/// Who drives an execution: the loop (`failstop._loops.Loop`), its bell, and the execution's number there.
type Driver<'py> = (Bound<'py, PyAny>, Bound<'py, Bell>, u64);

/// Begins `engine.execute(...)` for an event loop.
///
/// `driver` is the loop, its bell, and the number as which the execution rings.
#[pyfunction]
#[pyo3(signature = (engine, driver, decision, context=None, *, run_id=None, step=None, tenant=None, idempotency_key=None,
    packet=None))]
#[allow(clippy::too_many_arguments)] // an envelope's
pub fn begin_execution<'py>(
    py: Python<'py>,
    engine: &Bound<'py, Engine>,
    driver: Driver<'py>,
    decision: &Bound<'py, PyAny>,
    context: Option<&Bound<'py, PyAny>>,
    run_id: Option<&Bound<'py, PyAny>>,
    step: Option<&Bound<'py, PyAny>>,
    tenant: Option<&Bound<'py, PyAny>>,
    idempotency_key: Option<&Bound<'py, PyAny>>,
    packet: Option<&Bound<'py, PyAny>>,
) -> PyResult<Driving> {
    let asked = given(decision, context, run_id, step, tenant, idempotency_key, packet).read();
    Ok(begin(py, engine.get().parts(py)?, driver, None, asked, Call::of(decision, context)))
}

/// Begins `engine.submit(line)` for an event loop.
#[pyfunction]
#[pyo3(signature = (engine, driver, line, *, number=None))]
pub fn begin_submission<'py>(
    py: Python<'py>,
    engine: &Bound<'py, Engine>,
    driver: Driver<'py>,
    line: &Bound<'py, PyAny>,
    number: Option<u64>,
) -> PyResult<Driving> {
    let asked = asked::of_line(number, line);
    Ok(begin(py, engine.get().parts(py)?, driver, number, asked, Call::default()))
}

fn begin(
    py: Python<'_>,
    parts: Arc<Parts>,
    (looping, bell, rings_as): Driver<'_>,
    line: Option<u64>,
    asked: Result<Asked, Refusal>,
    mut call: Call,
) -> Driving {
    let bell = (bell.get(), rings_as);
    let style = parts.style;
    call.looping = Some(looping.unbind());
    let call = Arc::new(call);
    let asked = match asked {
        Ok(asked) => asked,
        Err(refusal) => {
            log::warn(py, &format!("decision refused: {}", refusal.message));
            let report = invalid_input(line, unix_ms(), &refusal.fault);
            return Driving::new(Box::pin(ready(report)), bell, call, style, || {});
        }
    };
    let cancellation = Arc::new(Cancellation::new());
    let (cancelled, cancelling) = (Arc::clone(&cancellation), Arc::clone(&parts));
    let called = Arc::clone(&call);
    let running = Box::pin(async move {
        let _flight = parts.flights.begin(asked.action);
        let running = pin!(asked.submission.execute_until(&parts.pipeline, Some(&cancellation)));
        calls::within(called, running).await
    });
    Driving::new(running, bell, call, style, move || cancelling.pipeline.engine().cancel(&cancelled))
}
