//! Executions that an event loop drives: it polls them on its own thread, whenever its bell says so.

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use failstop::core::{model::ExecutionReport, report::ReportStyle};
use parking_lot::Mutex;
use pyo3::prelude::*;

use crate::{bell::Bell, engine::calls::Call, errors, report::Report, timers};

/// An execution that is under way.
pub type Running = Pin<Box<dyn Future<Output = ExecutionReport> + Send>>;

/// One execution of an event loop.
#[pyclass(frozen, module = "failstop._native")]
pub struct Driving {
    running: Mutex<Option<Running>>,
    waker: Waker,
    call: Arc<Call>,
    style: ReportStyle,
    cancel: Box<dyn Fn() + Send + Sync>,
}

impl Driving {
    /// The execution `running` of `call`, which rings `bell` as `number`; `cancel` tells it to end.
    pub fn new(
        running: Running,
        (bell, number): (&Bell, u64),
        call: Arc<Call>,
        style: ReportStyle,
        cancel: impl Fn() + Send + Sync + 'static,
    ) -> Self {
        Self {
            running: Mutex::new(Some(running)),
            waker: bell.waker(number),
            call,
            style,
            cancel: Box::new(cancel),
        }
    }
}

#[pymethods]
impl Driving {
    /// Goes on with it: the report where it is done, else None. Raises what its executor raised that is no Exception.
    fn poll(&self, py: Python<'_>) -> PyResult<Option<Report>> {
        let Some(mut running) = self.running.lock().take() else { return Ok(None) };
        let timers = timers::handle().ok_or_else(|| errors::no_thread(py))?;
        let _timers = timers.enter();
        let polled = running.as_mut().poll(&mut Context::from_waker(&self.waker));
        if let Some(error) = self.call.raised.take() {
            return Err(error);
        }
        match polled {
            Poll::Ready(report) => {
                self.call.mark_if_abandoned(py)?;
                Ok(Some(Report::styled(report, self.style)))
            }
            Poll::Pending => {
                *self.running.lock() = Some(running);
                Ok(None)
            }
        }
    }

    /// Tells it to end: what waits ends now, what runs is told to stop and has its grace.
    fn cancel(&self, py: Python<'_>) {
        py.detach(|| (self.cancel)());
    }

    /// Leaves it where it stands. A key whose attempt runs is in doubt then.
    fn abandon(&self) {
        let running = self.running.lock().take();
        drop(running);
    }
}
