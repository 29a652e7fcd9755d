//! The call of Python that is in progress on a thread, so that executors meet the very objects that came in with it.
//!
//! An engine polls an execution, and with it the start of its executor, on the thread of whoever called. While it does,
//! that call is the thread's own; a call made from within takes its place and gives it back.

use std::{
    cell::RefCell,
    future::{Future, poll_fn},
    ops::DerefMut,
    pin::Pin,
    sync::Arc,
};

use parking_lot::Mutex;
use pyo3::{prelude::*, types::PyDict};

use crate::{waiting::Raised, workers::AtWork};

thread_local! {
    static CURRENT: RefCell<Option<Arc<Call>>> = const { RefCell::new(None) };
}

/// One call of an engine.
#[derive(Default)]
pub struct Call {
    /// What came in, where it was objects.
    pub objects: Option<Objects>,
    /// The event loop that waits for the call (`failstop._loops.Loop`), where one does.
    pub looping: Option<Py<PyAny>>,
    /// What an executor raised that is for the caller.
    pub raised: Arc<Raised>,
    at_work: Mutex<Option<AtWork>>,
}

/// A decision and its context as they came in.
pub struct Objects {
    /// A dict, an object of `decision_schema`, a look-alike.
    pub decision: Py<PyAny>,
    /// What was given as context, if anything was.
    pub context: Option<Py<PyAny>>,
}

impl Objects {
    /// A part of the decision; `None` where it has none.
    pub fn part<'py>(&self, py: Python<'py>, name: &str) -> Option<Bound<'py, PyAny>> {
        let decision = self.decision.bind(py);
        match decision.cast::<PyDict>() {
            Ok(dict) => dict.get_item(name).ok().flatten(),
            Err(_) => decision.getattr_opt(name).ok().flatten(),
        }
    }
}

impl Call {
    /// A call with these objects.
    pub fn of(decision: &Bound<'_, PyAny>, context: Option<&Bound<'_, PyAny>>) -> Self {
        let context = context.map(|context| context.clone().unbind());
        Self { objects: Some(Objects { decision: decision.clone().unbind(), context }), ..Self::default() }
    }

    /// Says which worker is at the call's attempt.
    pub fn is_worked_on_by(&self, at_work: AtWork) {
        let before = self.at_work.lock().replace(at_work);
        drop(before);
    }

    /// Lets the thread of an attempt that was abandoned show it.
    ///
    /// # Errors
    /// What was raised meanwhile that is for the caller.
    pub fn mark_if_abandoned(&self, py: Python<'_>) -> PyResult<()> {
        let at_work = self.at_work.lock().take();
        at_work.map_or(Ok(()), |at_work| at_work.mark_if_abandoned(py))
    }

    fn enter(self: &Arc<Self>) -> Entered {
        Entered { before: CURRENT.replace(Some(Arc::clone(self))) }
    }
}

/// The call in progress on this thread.
pub fn current() -> Option<Arc<Call>> {
    CURRENT.with_borrow(Clone::clone)
}

/// `running`, as a part of `call` wherever it is polled.
pub fn within<P>(call: Arc<Call>, mut running: Pin<P>) -> impl Future<Output = <P::Target as Future>::Output>
where
    P: DerefMut<Target: Future>,
{
    poll_fn(move |cx| {
        let _entered = call.enter();
        running.as_mut().poll(cx)
    })
}

/// Gives the thread back to the call that was in progress before.
struct Entered {
    before: Option<Arc<Call>>,
}

impl Drop for Entered {
    fn drop(&mut self) {
        CURRENT.set(self.before.take());
    }
}
