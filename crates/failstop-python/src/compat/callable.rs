//! A caller's executor, for one call.

use std::{
    future::{Future, pending},
    sync::Arc,
};

use failstop::executor::{Answer, Attempt, Executor, Hold};
use parking_lot::Mutex;
use pyo3::{intern, prelude::*, types::PyTuple};

use crate::{
    answer::{self, Style},
    secrets,
    waiting::Raised,
    workers,
};

/// Where the executor runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// On the caller's thread; no timeout reaches it there.
    Inline,
    /// On a worker's thread, to be abandoned when its time is over.
    Thread,
}

/// `executor(action, context)`, with the very objects of the call.
pub struct Callable {
    call: Py<PyAny>,
    arguments: Py<PyTuple>,
    decision: Py<PyAny>,
    how: How,
    raised: Arc<Raised>,
    worker: Mutex<Option<Py<PyAny>>>,
}

impl Callable {
    /// The executor of one call.
    ///
    /// # Errors
    /// Where there is no memory for it.
    pub fn new<'py>(
        call: &Bound<'py, PyAny>,
        action: &Bound<'py, PyAny>,
        decision: &Bound<'py, PyAny>,
        context: &Bound<'py, PyAny>,
        how: How,
    ) -> PyResult<Self> {
        Ok(Self {
            call: call.clone().unbind(),
            arguments: PyTuple::new(call.py(), [action, context])?.unbind(),
            decision: decision.clone().unbind(),
            how,
            raised: Arc::default(),
            worker: Mutex::new(None),
        })
    }

    /// What it raised that is for the caller.
    pub fn raised(&self) -> &Raised {
        &self.raised
    }

    /// Lets the thread of an attempt that was abandoned show it.
    pub fn mark_if_abandoned(&self, py: Python<'_>) {
        if let Some(worker) = self.worker.lock().take() {
            // A name that cannot be set is no reason to lose a report.
            drop(worker.call_method0(py, intern!(py, "mark_if_abandoned")));
        }
    }

    fn call_here(&self, py: Python<'_>) -> Option<Answer> {
        match self.call.bind(py).call1(self.arguments.bind(py)) {
            Ok(value) => answer::of_value(py, &value, Style::Reference, &self.raised),
            Err(error) => answer::of_error(py, error, &self.raised),
        }
    }

    fn hand_over(&self, py: Python<'_>, hold: Hold) -> PyResult<workers::Line> {
        let (worker, line) = workers::submit(
            py,
            workers::Call {
                callable: self.call.bind(py).clone(),
                arguments: self.arguments.bind(py).clone(),
                style: Style::Reference,
                hold,
                raised: Arc::clone(&self.raised),
            },
        )?;
        *self.worker.lock() = Some(worker);
        Ok(line)
    }

    /// The answer, without the name of an exception that is a secret of this call (INV-EXE-5).
    fn vetted(&self, mut answer: Answer) -> Answer {
        if let Some(name) = &answer.error_type {
            let is_secret = Python::attach(|py| {
                let params = self.decision.bind(py).getattr_opt(intern!(py, "params")).ok().flatten();
                let context = self.arguments.bind(py).get_item(1).ok();
                params.iter().chain(&context).any(|value| secrets::are_in(name, value))
            });
            if is_secret {
                answer.error_type = None;
            }
        }
        answer
    }
}

impl Executor for Callable {
    fn run<'a>(&'a self, attempt: Attempt<'a>) -> impl Future<Output = Answer> + Send {
        let hold = (self.how == How::Thread).then(|| attempt.hold_deaf());
        async move {
            let answer = match hold {
                None => Python::attach(|py| self.call_here(py)),
                Some(hold) => match Python::attach(|py| self.hand_over(py, hold)) {
                    Ok(line) => line.await.unwrap_or_else(|_| Some(Answer::unknown())),
                    Err(_) => Some(Answer::not_applied().with_code("spawn_failed")),
                },
            };
            match answer {
                Some(answer) => self.vetted(answer),
                // Whoever waits sees what was raised, and drops this.
                None => pending().await,
            }
        }
    }

    fn name(&self) -> &'static str {
        "callable"
    }
}
