//! Executors on threads of their own, which are Python's: `failstop/_workers.py` starts and serves them.
//!
//! Nothing of ours stands below an executor on its thread, so that an interpreter that ends may leave it where it is. A
//! thread cannot be killed. At its deadline the attempt is abandoned: its [`Hold`] stays until the executor comes back.

use std::{
    borrow::Cow,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
};

use failstop::executor::{Answer, Hold};
use parking_lot::Mutex;
use pyo3::{exceptions::PyException, intern, prelude::*, sync::PyOnceLock, types::PyTuple};
use tokio::sync::oneshot;

use crate::{answer, answer::Style, bell, waiting::Raised};

const NEW: u8 = 0;
const BEGUN: u8 = 1;
const REVOKED: u8 = 2;

/// One call to be made on a worker's thread.
#[pyclass(frozen, module = "failstop._native")]
pub struct Job {
    /// Until it has ended: nothing of the caller's is kept when he hears of it.
    work: Mutex<Option<Work>>,
    is_task: bool,
    style: Style,
    was_raised: Arc<Raised>,
    /// `NEW`, then `BEGUN` or `REVOKED`, and that for good.
    stage: AtomicU8,
    /// Answered once; nobody listens where the attempt was abandoned.
    reply: Mutex<Option<Reply>>,
}

/// What is to be called, with what, and in which `contextvars.Context`; None for a task, which has its own.
type Work = (Py<PyAny>, Py<PyTuple>, Option<Py<PyAny>>);

/// How the answer comes back: `None` where something was raised that is not for a report.
pub type Line = oneshot::Receiver<Option<Answer>>;

/// How the answer goes back, and what is held until it is there.
struct Reply {
    answer_to: oneshot::Sender<Option<Answer>>,
    hold: Hold,
    /// What goes back; unknown until the call has ended.
    answer: Option<Answer>,
}

#[pymethods]
impl Job {
    /// Whether the call is to be made: it is not where whoever ordered it has taken it back meanwhile.
    fn begin(&self) -> bool {
        self.stage.compare_exchange(NEW, BEGUN, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }

    /// What to call, with what, and in which context.
    #[getter]
    fn work(&self, py: Python<'_>) -> Option<Work> {
        let work = self.work.lock();
        let (call, arguments, context) = work.as_ref()?;
        Some((
            call.clone_ref(py),
            arguments.clone_ref(py),
            context.as_ref().map(|context| context.clone_ref(py)),
        ))
    }

    /// The call came back with this.
    fn returned(&self, py: Python<'_>, value: &Bound<'_, PyAny>) {
        self.end(|| answer::of_value(py, value, self.style, &self.was_raised));
    }

    /// The call raised this.
    fn raised(&self, py: Python<'_>, error: &Bound<'_, PyAny>) {
        self.end(|| answer::of_error(py, PyErr::from_value(error.clone()), &self.was_raised));
    }

    /// The call was cancelled, as a task can be.
    fn was_cancelled(&self) {
        self.end(|| Some(Answer::broke(Cow::Borrowed("CancelledError"))));
    }

    /// Lets whoever ordered the call hear how it ended.
    fn tell(&self, py: Python<'_>) {
        let Some(Reply { answer_to, hold, answer }) = self.reply.lock().take() else { return };
        // Giving back what was held may take locks that others hold while they wait for the interpreter.
        py.detach(|| {
            drop(hold);
            let send = || drop(answer_to.send(answer));
            if self.is_task { bell::at_the_bell(send) } else { send() }
        });
    }

    /// Whether whoever ordered the call has given it up.
    #[getter]
    fn is_abandoned(&self) -> bool {
        self.reply.lock().as_ref().is_some_and(|reply| reply.answer_to.is_closed())
    }
}

impl Job {
    /// Takes the call back, unless it has begun.
    fn revoke(&self) {
        if self.stage.compare_exchange(NEW, REVOKED, Ordering::AcqRel, Ordering::Acquire).is_ok() {
            drop(self.reply.lock().take());
        }
    }

    fn end(&self, answer: impl FnOnce() -> Option<Answer>) {
        // Where the attempt was abandoned nobody is left to see what was raised.
        if !self.is_abandoned() {
            let answer = answer();
            if let Some(reply) = &mut *self.reply.lock() {
                reply.answer = answer;
            }
        }
        let work = self.work.lock().take();
        drop(work); // not under the lock: it may run code of the caller's
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
        is_task: context.is_none(),
        work: Mutex::new(Some((call.callable.unbind(), call.arguments.unbind(), context))),
        style: call.style,
        was_raised: call.raised,
        stage: AtomicU8::new(NEW),
        reply: Mutex::new(Some(Reply { answer_to, hold: call.hold, answer: Some(Answer::unknown()) })),
    };
    (job, line)
}

/// A call that a worker has, or is about to have.
pub struct Submitted {
    job: Py<Job>,
    worker: Py<PyAny>,
    line: Line,
}

/// Which worker is at which job.
pub struct AtWork {
    job: Py<Job>,
    worker: Py<PyAny>,
}

impl AtWork {
    /// Lets the worker's thread show it, if its job was abandoned.
    ///
    /// # Errors
    /// What was raised meanwhile that is for the caller; a name that cannot be set is no reason to lose a report.
    pub fn mark_if_abandoned(&self, py: Python<'_>) -> PyResult<()> {
        if !self.job.get().is_abandoned() {
            return Ok(());
        }
        match self.worker.call_method0(py, intern!(py, "mark_if_abandoned")) {
            Err(error) if !error.is_instance_of::<PyException>(py) => Err(error),
            _ => Ok(()),
        }
    }
}

impl Submitted {
    /// Who is at it.
    pub fn at_work(&self, py: Python<'_>) -> AtWork {
        AtWork { job: self.job.clone_ref(py), worker: self.worker.clone_ref(py) }
    }

    /// Waits for its answer. Dropped before the call has begun, it takes it back. `None` where something was raised that is
    /// not for a report.
    pub async fn answer(mut self) -> Option<Answer> {
        (&mut self.line).await.unwrap_or_else(|_| Some(Answer::unknown()))
    }
}

impl Drop for Submitted {
    fn drop(&mut self) {
        self.job.get().revoke();
    }
}

/// Has the call made on a worker's thread, in a copy of the caller's context variables. `None` where there is no thread to
/// be had.
///
/// # Errors
/// What came in between, such as what a signal's handler raised. The call is not made then, unless it has already begun.
pub fn submit(py: Python<'_>, call: Call<'_>) -> PyResult<Option<Submitted>> {
    static COPY_CONTEXT: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    static SUBMIT: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let context = COPY_CONTEXT.import(py, "contextvars", "copy_context")?.call0()?;
    let (job, line) = job(call, Some(context.unbind()));
    let job = Bound::new(py, job)?;
    let worker = SUBMIT.import(py, "failstop._workers", "submit")?.call1((&job,));
    let worker = worker.inspect_err(|_| job.get().revoke())?;
    if worker.is_none() {
        return Ok(None);
    }
    Ok(Some(Submitted { job: job.unbind(), worker: worker.unbind(), line }))
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
