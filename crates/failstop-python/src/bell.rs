//! How the engine wakes an event loop: by a descriptor that the loop watches, so that no thread of the engine ever waits
//! for the interpreter.

use std::{
    cell::Cell,
    os::fd::{AsRawFd as _, OwnedFd},
    sync::Arc,
    task::{Wake, Waker},
};

use parking_lot::Mutex;
use pyo3::{exceptions::PyOSError, prelude::*};
use rustix::event::{EventfdFlags, eventfd};

thread_local! {
    /// Whether whoever runs on this thread looks at the bell himself when he is done.
    static IS_AT_THE_BELL: Cell<bool> = const { Cell::new(false) };
}

/// Runs `ring` on a loop's own thread, which looks at its bell right after.
pub fn at_the_bell<R>(ring: impl FnOnce() -> R) -> R {
    let before = IS_AT_THE_BELL.replace(true);
    let rung = ring();
    IS_AT_THE_BELL.set(before);
    rung
}

/// One event loop's bell: which of its executions want to be looked at.
#[pyclass(frozen, module = "failstop._native")]
pub struct Bell {
    shared: Arc<Shared>,
}

struct Shared {
    descriptor: OwnedFd,
    rung: Mutex<Vec<u64>>,
}

#[pymethods]
impl Bell {
    #[new]
    fn new() -> PyResult<Self> {
        let descriptor = eventfd(0, EventfdFlags::NONBLOCK | EventfdFlags::CLOEXEC)
            .map_err(|error| PyOSError::new_err(error.raw_os_error()))?;
        Ok(Self { shared: Arc::new(Shared { descriptor, rung: Mutex::default() }) })
    }

    /// The descriptor that can be read when somebody has rung.
    fn fileno(&self) -> i32 {
        self.shared.descriptor.as_raw_fd()
    }

    /// The numbers of those who have rung since it was last asked.
    fn answer(&self) -> Vec<u64> {
        let mut count = [0; 8];
        // There is nothing to be read where somebody has rung on the loop's own thread.
        let _ = rustix::io::read(&self.shared.descriptor, &mut count);
        std::mem::take(&mut *self.shared.rung.lock())
    }
}

impl Bell {
    /// What rings as `number`.
    pub fn waker(&self, number: u64) -> Waker {
        Waker::from(Arc::new(Cord { number, bell: Arc::clone(&self.shared) }))
    }
}

struct Cord {
    number: u64,
    bell: Arc<Shared>,
}

impl Wake for Cord {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.bell.rung.lock().push(self.number);
        if !IS_AT_THE_BELL.get() {
            // It can only be full of rings that nobody has answered yet, and one is as good as many.
            let _ = rustix::io::write(&self.bell.descriptor, &1_u64.to_ne_bytes());
        }
    }
}
