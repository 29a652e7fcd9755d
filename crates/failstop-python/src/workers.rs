//! Executors on threads of their own, which are Python's: `failstop/_workers.py` starts and serves them.
//!
//! Nothing of ours stands below an executor on its thread, so that an interpreter that ends may leave it where it is. A
//! thread cannot be killed. At its deadline the attempt is abandoned: its [`Hold`] stays until the executor comes back.

use std::{borrow::Cow, sync::Arc};

use failstop::executor::{Answer, Hold};
use parking_lot::Mutex;
use pyo3::{intern, prelude::*, sync::PyOnceLock, types::PyTuple};
use tokio::sync::oneshot;

use crate::{answer, answer::Style, bell, waiting::Raised};

/// One call to be made on a worker's thread.
#[pyclass(frozen, module = "failstop._native")]
pub struct Job {
    /// What to call.
    #[pyo3(get)]
    call: Py<PyAny>,
    /// With what.
    #[pyo3(get)]
    arguments: Py<PyTuple>,
    /// In which `contextvars.Context`; None for a task, which has its own.
    #[pyo3(get)]
    context: Option<Py<PyAny>>,
    style: Style,
    was_raised: Arc<Raised>,
    /// Answered once; nobody listens where the attempt was abandoned.
    reply: Mutex<Option<Reply>>,
}

/// How the answer comes back: `None` where something was raised that is not for a report.
pub type Line = oneshot::Receiver<Option<Answer>>;

/// How the answer goes back, and what is held until it is there.
struct Reply {
    answer_to: oneshot::Sender<Option<Answer>>,
    hold: Hold,
}

#[pymethods]
impl Job {
    /// The call came back with this.
    fn returned(&self, py: Python<'_>, value: &Bound<'_, PyAny>) {
        self.end(py, || answer::of_value(py, value, self.style, &self.was_raised));
    }

    /// The call raised this.
    fn raised(&self, py: Python<'_>, error: &Bound<'_, PyAny>) {
        self.end(py, || answer::of_error(py, PyErr::from_value(error.clone()), &self.was_raised));
    }

    /// The call was cancelled, as a task can be.
    fn was_cancelled(&self, py: Python<'_>) {
        self.end(py, || Some(Answer::broke(Cow::Borrowed("CancelledError"))));
    }

    /// Whether whoever ordered the call has given it up.
    #[getter]
    fn is_abandoned(&self) -> bool {
        self.reply.lock().as_ref().is_some_and(|reply| reply.answer_to.is_closed())
    }
}

impl Job {
    fn end(&self, py: Python<'_>, answer: impl FnOnce() -> Option<Answer>) {
        let Some(Reply { answer_to, hold }) = self.reply.lock().take() else { return };
        // Where the attempt was abandoned nobody is left to see what was raised.
        let answer = if answer_to.is_closed() { None } else { answer() };
        // Giving back what was held may take locks that others hold while they wait for the interpreter.
        py.detach(|| {
            drop(hold);
            let send = || drop(answer_to.send(answer));
            if self.context.is_some() { send() } else { bell::at_the_bell(send) }
        });
    }
}

/// What is to be called, with what, and how its answer is read.
pub struct Call<'py> {
    /// What to call.
    pub callable: Bound<'py, PyAny>,
    /// With what.
    pub arguments: Bound<'py, PyTuple>,
    /// How its answer is read.
    pub style: Style,
    /// The attempt's hold.
    pub hold: Hold,
    /// Where what is no `Exception` goes.
    pub raised: Arc<Raised>,
}

/// The call as a job, and the line on which its answer comes.
fn job(call: Call<'_>, context: Option<Py<PyAny>>) -> (Job, Line) {
    let (answer_to, line) = oneshot::channel();
    let job = Job {
        call: call.callable.unbind(),
        arguments: call.arguments.unbind(),
        context,
        style: call.style,
        was_raised: call.raised,
        reply: Mutex::new(Some(Reply { answer_to, hold: call.hold })),
    };
    (job, line)
}

/// Has the call made on a worker's thread, in a copy of the caller's context variables: the worker, and the line to it.
///
/// # Errors
/// Where there is no thread to be had.
pub fn submit(py: Python<'_>, call: Call<'_>) -> PyResult<(Py<PyAny>, Line)> {
    static COPY_CONTEXT: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    static SUBMIT: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let context = COPY_CONTEXT.import(py, "contextvars", "copy_context")?.call0()?;
    let (job, line) = job(call, Some(context.unbind()));
    let worker = SUBMIT.import(py, "failstop._workers", "submit")?.call1((job,))?;
    Ok((worker.unbind(), line))
}

/// Has the call, which makes a coroutine, carried out as a task of an event loop (`failstop._loops.Loop`) on whose thread
/// this is.
///
/// # Errors
/// What the call raises where it makes no coroutine.
pub fn spawn(looping: &Bound<'_, PyAny>, call: Call<'_>) -> PyResult<(Py<PyAny>, Line)> {
    let (job, line) = job(call, None);
    let task = looping.call_method1(intern!(looping.py(), "spawn"), (job,))?;
    Ok((task.unbind(), line))
}
