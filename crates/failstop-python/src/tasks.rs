//! Executors that are coroutines, each attempt a task of the loop that drives its execution.

use failstop::executor::{Answer, Cancel, Urgency};
use pyo3::{intern, prelude::*};

use crate::workers::{self, Call, Line};

/// An attempt that is a task. Dropped before it has ended, it cancels the task.
pub struct Attempted {
    task: Py<PyAny>,
    line: Line,
    has_ended: bool,
}

impl Attempted {
    /// Starts the task that the call makes, on the loop (`failstop._loops.Loop`) of this thread.
    ///
    /// # Errors
    /// What the call raises where it makes no coroutine.
    pub fn start(looping: &Bound<'_, PyAny>, call: Call<'_>) -> PyResult<Self> {
        let (task, line) = workers::spawn(looping, call)?;
        Ok(Self { task, line, has_ended: false })
    }

    /// Waits for its answer. Told to stop, it cancels the task and goes on waiting: what the task says in the grace still
    /// counts. `None` where something was raised that is not for a report.
    pub async fn answer(mut self, cancel: Cancel) -> Option<Answer> {
        let answered = tokio::select! {
            biased;
            answered = &mut self.line => Some(answered),
            () = cancel.at_least(Urgency::Signal) => None,
        };
        let answered = if let Some(answered) = answered {
            answered
        } else {
            self.cancel();
            (&mut self.line).await
        };
        self.has_ended = true;
        answered.unwrap_or_else(|_| Some(Answer::unknown()))
    }

    fn cancel(&self) {
        // Where there is no interpreter any more there are no tasks either.
        Python::try_attach(|py| drop(self.task.call_method0(py, intern!(py, "cancel"))));
    }
}

impl Drop for Attempted {
    fn drop(&mut self) {
        if !self.has_ended {
            self.cancel();
        }
    }
}
