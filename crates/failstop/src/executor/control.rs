//! The strings between the engine and one running attempt: made only when an executor asks for them, so that an attempt
//! that answers at once costs nothing.

use std::fmt;

use crate::sync::{
    Arc, Mutex, Notify, OnceLock,
    atomic::{AtomicBool, AtomicU8, Ordering},
};

/// How urgently an attempt is asked to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Urgency {
    /// Not at all.
    None,
    /// End soon; the grace is running.
    Signal,
    /// End now, by force.
    Kill,
}

/// Tells an executor when to stop. Clones share one state.
#[derive(Debug, Clone)]
pub struct Cancel {
    state: Arc<CancelState>,
}

#[derive(Debug)]
struct CancelState {
    urgency: AtomicU8,
    changed: Notify,
}

impl Cancel {
    fn new() -> Self {
        Self {
            state: Arc::new(CancelState {
                urgency: AtomicU8::new(Urgency::None as u8),
                changed: Notify::new(),
            }),
        }
    }

    /// How urgent it is now. Cheap enough to ask in a loop; for blocking executors.
    pub fn urgency(&self) -> Urgency {
        match self.state.urgency.load(Ordering::Acquire) {
            0 => Urgency::None,
            1 => Urgency::Signal,
            _ => Urgency::Kill,
        }
    }

    /// Whether the attempt has been told to stop.
    pub fn is_signalled(&self) -> bool {
        self.urgency() >= Urgency::Signal
    }

    /// Waits until the attempt is told to stop, at least this urgently.
    pub async fn at_least(&self, urgency: Urgency) {
        loop {
            let mut changed = std::pin::pin!(self.state.changed.notified());
            changed.as_mut().enable();
            if self.urgency() >= urgency {
                return;
            }
            changed.await;
        }
    }

    fn raise(&self, urgency: Urgency) {
        self.state.urgency.fetch_max(urgency as u8, Ordering::AcqRel);
        self.state.changed.notify_waiters();
    }
}

/// Kept by whatever an attempt leaves running behind its future. While one is alive the attempt counts as running.
#[derive(Clone)]
pub struct Hold {
    inner: Arc<HoldInner>,
}

#[derive(Default)]
struct HoldInner {
    when_ended: Mutex<Option<Box<dyn FnOnce() + Send>>>,
}

impl Drop for HoldInner {
    fn drop(&mut self) {
        if let Some(callback) = self.when_ended.get_mut().take() {
            callback();
        }
    }
}

impl fmt::Debug for Hold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hold").finish_non_exhaustive()
    }
}

/// The engine's end of the strings, one per attempt.
#[derive(Debug, Default)]
pub struct Control {
    cancel: OnceLock<Cancel>,
    hold: OnceLock<Hold>,
    is_deaf: AtomicBool,
}

impl Control {
    pub(super) fn cancel(&self) -> Cancel {
        self.cancel.get_or_init(Cancel::new).clone()
    }

    pub(super) fn hold(&self) -> Hold {
        self.hold.get_or_init(|| Hold { inner: Arc::default() }).clone()
    }

    pub(super) fn hold_deaf(&self) -> Hold {
        self.is_deaf.store(true, Ordering::Relaxed);
        self.hold()
    }

    /// Whether the executor asked for the cancel handle, and so may end by itself when told to.
    pub fn is_listening(&self) -> bool {
        self.cancel.get().is_some()
    }

    /// Whether something outlives, or would outlive, the attempt's future.
    pub fn is_held(&self) -> bool {
        self.hold.get().is_some_and(|hold| Arc::strong_count(&hold.inner) > 1)
    }

    /// Whether what outlives the attempt's future is given time to end: it is, unless nothing can reach it.
    pub fn is_waited_for(&self) -> bool {
        self.is_held() && !self.is_deaf.load(Ordering::Relaxed)
    }

    /// Tells the attempt how urgently it should end. Never less than before.
    pub fn raise(&self, urgency: Urgency) {
        if let Some(cancel) = self.cancel.get() {
            cancel.raise(urgency);
        }
    }

    /// Runs `callback` when the last [`Hold`] is gone: at once where there is none.
    pub fn when_ended(self, callback: impl FnOnce() + Send + 'static) {
        match self.hold.into_inner() {
            Some(hold) => *hold.inner.when_ended.lock() = Some(Box::new(callback)),
            None => callback(),
        }
    }
}
