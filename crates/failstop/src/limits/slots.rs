//! Slots: at most `max_concurrency` effects at once, first come first served, abandoned work included (INV-EXE-2).
//!
//! Where nobody waits, one atomic operation takes a slot and one gives it back. Who waits stands in a queue, and from
//! then on every slot goes through it.

use std::{collections::VecDeque, pin::pin};

use crate::sync::{
    Arc, Mutex, Notify,
    atomic::{AtomicU32, AtomicU64, Ordering},
    oneshot,
};

/// In `Inner::free`: somebody waits, and slots are handed out by turns only.
const QUEUED: u64 = 1 << 63;

/// The slots of one engine. Clones share them.
#[derive(Debug, Clone)]
pub(crate) struct Slots {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    /// How many slots are free, and [`QUEUED`].
    free: AtomicU64,
    queue: Mutex<Queue>,
    total: u32,
    abandoned: AtomicU32,
    newly_stuck: Notify,
}

#[derive(Debug, Default)]
struct Queue {
    waiting: VecDeque<oneshot::Sender<()>>,
    /// How many have left since the last sweep.
    left: usize,
}

/// One slot; free again when dropped.
#[derive(Debug)]
pub(crate) struct Slot<'a> {
    slots: &'a Slots,
}

/// A slot held by work that nobody waits for any more; free again when dropped.
#[derive(Debug)]
pub(crate) struct AbandonedSlot {
    slots: Slots,
}

/// Abandoned work holds every slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stuck;

impl Slots {
    pub(crate) fn new(total: u32) -> Self {
        Self {
            inner: Arc::new(Inner {
                free: AtomicU64::new(total.into()),
                queue: Mutex::default(),
                total,
                abandoned: AtomicU32::new(0),
                newly_stuck: Notify::new(),
            }),
        }
    }

    /// A slot, if one is free and nobody waits for it.
    pub(crate) fn try_acquire(&self) -> Option<Slot<'_>> {
        let one_less = |free: u64| if free & QUEUED == 0 { free.checked_sub(1) } else { None };
        let taken = self.inner.free.fetch_update(Ordering::AcqRel, Ordering::Relaxed, one_less);
        taken.is_ok().then(|| Slot { slots: self })
    }

    /// Waits for a slot in turn, or says that no wait would end: every slot is held by work that was abandoned.
    pub(crate) async fn acquire(&self) -> Result<Slot<'_>, Stuck> {
        let mut newly_stuck = pin!(self.inner.newly_stuck.notified());
        newly_stuck.as_mut().enable();
        if self.is_stuck() {
            return Err(Stuck);
        }
        let mut place = self.queue_up();
        tokio::select! {
            biased;
            turn = &mut place.turn => {
                // The queue outlives the place in it, and drops no sender without its turn.
                turn.map_err(|_| Stuck)?;
                Ok(Slot { slots: self })
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

    fn queue_up(&self) -> Place<'_> {
        let (sender, turn) = oneshot::channel();
        self.inner.queue.lock().join(sender, &self.inner.free);
        // What was freed before anybody saw the queue.
        self.hand_out();
        Place { slots: self, turn }
    }

    fn give_back(&self) {
        if self.inner.free.fetch_add(1, Ordering::AcqRel) & QUEUED != 0 {
            self.hand_out();
        }
    }

    /// Gives what is free to those who wait, in their order. Nobody is woken under the lock.
    fn hand_out(&self) {
        while let Some(first) = self.next_turn() {
            if first.send(()).is_err() {
                self.inner.free.fetch_add(1, Ordering::AcqRel);
            }
        }
    }

    /// Takes a free slot for the first in the queue. While somebody waits, only this takes slots.
    fn next_turn(&self) -> Option<oneshot::Sender<()>> {
        let mut queue = self.inner.queue.lock();
        if queue.waiting.is_empty() {
            self.inner.free.fetch_and(!QUEUED, Ordering::AcqRel);
            return None;
        }
        if self.inner.free.load(Ordering::Acquire) & !QUEUED == 0 {
            return None;
        }
        self.inner.free.fetch_sub(1, Ordering::AcqRel);
        queue.waiting.pop_front()
    }
}

impl Queue {
    fn join(&mut self, sender: oneshot::Sender<()>, free: &AtomicU64) {
        self.waiting.push_back(sender);
        free.fetch_or(QUEUED, Ordering::AcqRel);
    }

    /// Counts one who left, and sweeps once that may have been half of them: `n` leave in `O(n)`.
    fn leave(&mut self) {
        self.left += 1;
        if self.left > self.waiting.len() / 2 {
            self.waiting.retain(|sender| !sender.is_closed());
            self.left = 0;
        }
    }
}

/// A place in the queue. Given up when dropped, with the slot that may have come meanwhile.
struct Place<'a> {
    slots: &'a Slots,
    turn: oneshot::Receiver<()>,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        if self.turn.is_terminated() {
            return;
        }
        self.turn.close();
        if self.turn.try_recv().is_ok() {
            return self.slots.give_back();
        }
        self.slots.inner.queue.lock().leave();
    }
}

impl Slot<'_> {
    /// Keeps the slot for work that nobody waits for any more.
    pub(crate) fn abandon(self) -> AbandonedSlot {
        let slots = self.slots.clone();
        // The slot is not given back here: it lives on in what is returned.
        std::mem::forget(self);
        if slots.inner.abandoned.fetch_add(1, Ordering::AcqRel) + 1 >= slots.inner.total {
            slots.inner.newly_stuck.notify_waiters();
        }
        AbandonedSlot { slots }
    }
}

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        self.slots.give_back();
    }
}

impl Drop for AbandonedSlot {
    fn drop(&mut self) {
        self.slots.inner.abandoned.fetch_sub(1, Ordering::AcqRel);
        self.slots.give_back();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        future::Future,
        pin::Pin,
        task::{Context, Poll, Waker},
    };

    type Wait<'a> = Pin<Box<dyn Future<Output = Result<Slot<'a>, Stuck>> + 'a>>;

    fn poll<'a>(wait: &mut Wait<'a>) -> Poll<Result<Slot<'a>, Stuck>> {
        wait.as_mut().poll(&mut Context::from_waker(Waker::noop()))
    }

    fn waiting(slots: &Slots) -> Wait<'_> {
        let mut wait: Wait<'_> = Box::pin(slots.acquire());
        assert!(poll(&mut wait).is_pending());
        wait
    }

    #[test]
    fn slots_come_in_the_order_of_the_queue_and_nobody_overtakes() {
        let slots = Slots::new(1);
        let held = slots.try_acquire().unwrap();
        let (mut first, mut second) = (waiting(&slots), waiting(&slots));
        drop(held);
        assert!(slots.try_acquire().is_none());
        assert!(poll(&mut second).is_pending());
        let Poll::Ready(Ok(held)) = poll(&mut first) else { panic!("it was its turn") };
        drop(held);
        assert!(slots.try_acquire().is_none());
        assert!(matches!(poll(&mut second), Poll::Ready(Ok(_))));
        drop((first, second));
        assert!(slots.try_acquire().is_some());
    }

    #[test]
    fn a_wait_given_up_before_or_after_its_turn_loses_no_slot() {
        let slots = Slots::new(1);
        let held = slots.try_acquire().unwrap();
        let (gone, granted, mut last) = (waiting(&slots), waiting(&slots), waiting(&slots));
        drop(gone);
        drop(held);
        drop(granted);
        assert!(matches!(poll(&mut last), Poll::Ready(Ok(_))));
        drop(last);
        assert!(slots.try_acquire().is_some());
    }

    #[test]
    fn waits_given_up_leave_nothing_in_the_queue() {
        let slots = Slots::new(1);
        let held = slots.try_acquire().unwrap();
        for _ in 0..100 {
            drop(waiting(&slots));
        }
        assert!(slots.inner.queue.lock().waiting.len() <= 2);
        drop(held);
        assert!(slots.try_acquire().is_some());
    }

    #[test]
    fn abandoned_work_on_every_slot_ends_the_waits_until_it_ends() {
        let slots = Slots::new(1);
        let held = slots.try_acquire().unwrap();
        let mut wait = waiting(&slots);
        let abandoned = held.abandon();
        assert!(matches!(poll(&mut wait), Poll::Ready(Err(Stuck))));
        drop(wait);
        assert_eq!(slots.abandoned(), 1);
        drop(abandoned);
        assert_eq!(slots.abandoned(), 0);
        assert!(slots.try_acquire().is_some());
    }
}
