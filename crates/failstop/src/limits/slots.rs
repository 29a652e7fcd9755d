//! Slots: at most `max_concurrency` effects at once, first come first served, abandoned work included (INV-EXE-2).

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use tokio::sync::{Notify, Semaphore};

/// The slots of one engine. Clones share them.
#[derive(Debug, Clone)]
pub(crate) struct Slots {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    free: Semaphore,
    total: u32,
    abandoned: AtomicU32,
    newly_stuck: Notify,
}

/// One slot; free again when dropped.
#[derive(Debug)]
pub(crate) struct Slot {
    inner: Arc<Inner>,
    is_abandoned: bool,
}

/// Abandoned work holds every slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stuck;

impl Slots {
    pub(crate) fn new(total: u32) -> Self {
        let free = Semaphore::new(total as usize);
        Self {
            inner: Arc::new(Inner { free, total, abandoned: AtomicU32::new(0), newly_stuck: Notify::new() }),
        }
    }

    /// A slot, if one is free and nobody waits for it.
    pub(crate) fn try_acquire(&self) -> Option<Slot> {
        self.inner.free.try_acquire().ok().map(|permit| {
            permit.forget();
            self.slot()
        })
    }

    /// Waits for a slot in turn, or says that no wait would end: every slot is held by work that was abandoned.
    pub(crate) async fn acquire(&self) -> Result<Slot, Stuck> {
        let mut newly_stuck = std::pin::pin!(self.inner.newly_stuck.notified());
        newly_stuck.as_mut().enable();
        if self.is_stuck() {
            return Err(Stuck);
        }
        tokio::select! {
            biased;
            permit = self.inner.free.acquire() => {
                // The semaphore is never closed.
                permit.map_err(|_| Stuck)?.forget();
                Ok(self.slot())
            }
            () = newly_stuck => Err(Stuck),
        }
    }

    /// How many slots are held by abandoned work.
    pub(crate) fn abandoned(&self) -> u32 {
        self.inner.abandoned.load(Ordering::Acquire)
    }

    fn is_stuck(&self) -> bool {
        self.abandoned() >= self.inner.total
    }

    fn slot(&self) -> Slot {
        Slot { inner: Arc::clone(&self.inner), is_abandoned: false }
    }
}

impl Slot {
    /// Marks the slot as held by work that nobody waits for any more.
    pub(crate) fn abandon(&mut self) {
        self.is_abandoned = true;
        if self.inner.abandoned.fetch_add(1, Ordering::AcqRel) + 1 >= self.inner.total {
            self.inner.newly_stuck.notify_waiters();
        }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        if self.is_abandoned {
            self.inner.abandoned.fetch_sub(1, Ordering::AcqRel);
        }
        self.inner.free.add_permits(1);
    }
}
