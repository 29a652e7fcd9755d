//! Executions that an event loop drives: it polls them on its own thread, whenever its bell says so.

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use failstop::core::model::ExecutionReport;
use parking_lot::Mutex;
use pyo3::prelude::*;

use crate::{bell::Bell, errors, report::Report, timers, waiting::Raised};

/// An execution that is under way.
pub type Running = Pin<Box<dyn Future<Output = ExecutionReport> + Send>>;

/// One execution of an event loop.
#[pyclass(frozen, module = "failstop._native")]
pub struct Driving {
    running: Mutex<Option<Running>>,
    waker: Waker,
    raised: Arc<Raised>,
    cancel: Box<dyn Fn() + Send + Sync>,
}

impl Driving {
    /// The execution `running`, which rings `bell` as `number`. What its executor raises that is for the caller comes
    /// through `raised`; `cancel` tells it to end.
    pub fn new(
        running: Running,
        (bell, number): (&Bell, u64),
        raised: Arc<Raised>,
        cancel: impl Fn() + Send + Sync + 'static,
    ) -> Self {
        Self {
            running: Mutex::new(Some(running)),
            waker: bell.waker(number),
            raised,
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
        if let Some(error) = self.raised.take() {
            return Err(error);
        }
        match polled {
            Poll::Ready(report) => Ok(Some(Report::new(report))),
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
