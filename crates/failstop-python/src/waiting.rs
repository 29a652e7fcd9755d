//! How a thread of Python waits for the engine: without the interpreter, and never deaf to its signals.

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Wake, Waker},
    time::Duration,
};

use parking_lot::{Condvar, Mutex};
use pyo3::{PyErr, Python};

use crate::{errors, timers};

/// How often the main thread looks whether the interpreter has signals for it.
const SIGNALS_EVERY: Duration = Duration::from_millis(50);

/// What is not for a report: what an executor raised that is no `Exception` (`KeyboardInterrupt`, `SystemExit`), and what a
/// signal's handler raised while work was handed over. It goes through to whoever called, and the execution ends where it
/// stands.
#[derive(Debug, Default)]
pub struct Raised(Mutex<Option<PyErr>>);

impl Raised {
    /// Keeps it for the caller.
    pub fn put(&self, error: PyErr) {
        *self.0.lock() = Some(error);
    }

    /// Takes it to the caller.
    pub fn take(&self) -> Option<PyErr> {
        self.0.lock().take()
    }

    fn is_there(&self) -> bool {
        self.0.lock().is_some()
    }
}

/// Waits for `future` on this thread. The first poll is made with the interpreter, since what is done at once needs no
/// more than that; everything after it without.
///
/// # Errors
/// What came through `raised`, or what a signal's handler raised. The future is not to be polled again then.
pub fn block_on<F: Future + Send>(
    py: Python<'_>,
    mut future: Pin<&mut F>,
    raised: &Raised,
) -> Result<F::Output, PyErr>
where
    F::Output: Send,
{
    let timers = timers::handle().ok_or_else(|| errors::no_thread(py))?;
    let _timers = timers.enter();
    if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        return Ok(output);
    }
    let parking = Arc::new(Parking::default());
    let waker = Waker::from(Arc::clone(&parking));
    let tick = is_main_thread().then_some(SIGNALS_EVERY);
    loop {
        if let Some(error) = raised.take() {
            return Err(error);
        }
        let polled = py.detach(|| {
            let polled = future.as_mut().poll(&mut Context::from_waker(&waker));
            if polled.is_pending() && !raised.is_there() {
                parking.wait(tick);
            }
            polled
        });
        if let Poll::Ready(output) = polled {
            return Ok(output);
        }
        py.check_signals()?;
    }
}

/// Where a thread waits to be woken.
#[derive(Debug, Default)]
struct Parking {
    is_woken: Mutex<bool>,
    woken: Condvar,
}

impl Parking {
    fn wait(&self, at_most: Option<Duration>) {
        let mut is_woken = self.is_woken.lock();
        if !*is_woken {
            match at_most {
                Some(time) => drop(self.woken.wait_for(&mut is_woken, time)),
                None => self.woken.wait(&mut is_woken),
            }
        }
        *is_woken = false;
    }
}

impl Wake for Parking {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        *self.is_woken.lock() = true;
        self.woken.notify_one();
    }
}

/// Python handles signals on its main thread, which has the number of its process.
fn is_main_thread() -> bool {
    rustix::thread::gettid() == rustix::process::getpid()
}
