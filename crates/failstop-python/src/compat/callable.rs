//! A caller's executor, for one call.

use std::{
    future::{Future, pending},
    sync::Arc,
};

use failstop::{
    core::model::Effect,
    executor::{Answer, Attempt, Executor, Hold},
};
use parking_lot::Mutex;
use pyo3::{exceptions::PyException, intern, prelude::*, types::PyTuple};

use crate::{
    answer::{self, Style},
    secrets,
    waiting::Raised,
    workers::{self, AtWork, Submitted},
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
    at_work: Mutex<Option<AtWork>>,
    /// Whether an engine stands behind the call.
    is_guarded: bool,
    /// The retry policy, where its pauses are of the caller's own making.
    backoff: Option<Py<PyAny>>,
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
            at_work: Mutex::new(None),
            is_guarded: false,
            backoff: None,
        })
    }

    /// With an engine behind it, or without.
    pub const fn guarded(mut self, is_guarded: bool) -> Self {
        self.is_guarded = is_guarded;
        self
    }

    /// With pauses that `retry.backoff_ms(n)` tells.
    pub fn with_backoff(mut self, retry: Option<Bound<'_, PyAny>>) -> Self {
        self.backoff = retry.map(Bound::unbind);
        self
    }

    /// What it raised that is for the caller.
    pub fn raised(&self) -> &Raised {
        &self.raised
    }

    /// Lets the thread of an attempt that was abandoned show it.
    ///
    /// # Errors
    /// What was raised meanwhile that is for the caller.
    pub fn mark_if_abandoned(&self, py: Python<'_>) -> PyResult<()> {
        let at_work = self.at_work.lock().take();
        at_work.map_or(Ok(()), |at_work| at_work.mark_if_abandoned(py))
    }

    fn call_here(&self, py: Python<'_>) -> Option<Answer> {
        answer::of_call(py, Style::Reference, self.is_guarded, &self.raised, || {
            self.call.bind(py).call1(self.arguments.bind(py))
        })
    }

    fn hand_over(&self, py: Python<'_>, hold: Hold) -> PyResult<Option<Submitted>> {
        let submitted = workers::submit(
            py,
            workers::Call {
                callable: self.call.bind(py).clone(),
                arguments: self.arguments.bind(py).clone(),
                style: Style::Reference,
                hold,
                raised: Arc::clone(&self.raised),
            },
        )?;
        if let Some(submitted) = &submitted {
            *self.at_work.lock() = Some(submitted.at_work(py));
        }
        Ok(submitted)
    }

    async fn call_on_worker(&self, hold: Hold) -> Option<Answer> {
        match Python::attach(|py| self.hand_over(py, hold)) {
            Ok(Some(submitted)) => submitted.answer().await,
            Ok(None) => Some(Answer::not_applied().with_code("spawn_failed")),
            Err(error) => {
                self.raised.put(error);
                None
            }
        }
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

    /// The answer, with the pause that the caller's own `backoff_ms` has for what comes after it; one that fails has none.
    /// `None` where it raised what is not for a report.
    fn paced(&self, answer: Answer, number: u32) -> Option<Answer> {
        let Some(retry) = self.backoff.as_ref().filter(|_| answer.effect != Effect::Applied) else {
            return Some(answer);
        };
        let pause = Python::attach(|py| {
            let pause = retry.bind(py).call_method1(intern!(py, "backoff_ms"), (number + 1,))?;
            pause.extract::<f64>()
        });
        match pause {
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
            // saturating, and a NaN is no pause
            Ok(pause) => Some(answer.with_retry_after_ms(pause as u64)),
            Err(error) if Python::attach(|py| error.is_instance_of::<PyException>(py)) => Some(answer),
            Err(error) => {
                self.raised.put(error);
                None
            }
        }
    }
}

impl Executor for Callable {
    fn run<'a>(&'a self, attempt: Attempt<'a>) -> impl Future<Output = Answer> + Send {
        let number = attempt.attempt_number;
        let hold = (self.how == How::Thread).then(|| attempt.hold_deaf());
        async move {
            let answer = match hold {
                None => Python::attach(|py| self.call_here(py)),
                Some(hold) => self.call_on_worker(hold).await,
            };
            match answer.and_then(|answer| self.paced(self.vetted(answer), number)) {
                Some(answer) => answer,
                // Whoever waits sees what was raised, and drops this.
                None => pending().await,
            }
        }
    }

    fn name(&self) -> &'static str {
        "callable"
    }
}
