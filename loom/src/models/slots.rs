//! Slots: none is lost, none is doubled, nobody sleeps beside a free one.

use std::pin::pin;

use loom::{future::block_on, thread};

use super::{explore, poll_once};
use crate::{
    slots::{AbandonedSlot, Slot, Slots},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

/// What one slot guards: a number that only its holder may add to. Neither step is atomic with the other or orders
/// anything, so a second holder, or one who does not see what the last one did, loses what was added.
#[derive(Debug, Clone)]
struct Guarded(Arc<AtomicU64>);

impl Guarded {
    fn new() -> Self {
        Self(Arc::new(AtomicU64::new(0)))
    }

    fn touch(&self, _holding: &Slot<'_>) {
        let seen = self.0.load(Ordering::Relaxed);
        self.0.store(seen + 1, Ordering::Relaxed);
    }

    fn touches(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A thread that has its slot at once or waits for it, as the driver does, and touches what it guards.
fn contender(slots: &Slots, guarded: &Guarded) -> thread::JoinHandle<()> {
    let (slots, guarded) = (slots.clone(), guarded.clone());
    thread::spawn(move || {
        let slot = slots.try_acquire();
        let slot = slot.unwrap_or_else(|| block_on(slots.acquire()).expect("nothing was abandoned"));
        guarded.touch(&slot);
    })
}

fn assert_all_free(slots: &Slots, total: usize) {
    let all: Vec<_> = std::iter::from_fn(|| slots.try_acquire()).collect();
    assert_eq!(all.len(), total, "slots are lost or doubled");
}

/// One slot goes from its holder to two who wait, of whom each gives it back in turn.
pub fn one_slot_two_releasers_two_waiters() -> usize {
    explore(|| {
        let (slots, guarded) = (Slots::new(1), Guarded::new());
        let held = slots.try_acquire().expect("nobody else is there");
        let contenders = [contender(&slots, &guarded), contender(&slots, &guarded)];
        guarded.touch(&held);
        drop(held);
        for contender in contenders {
            contender.join().expect("no contender panics");
        }
        assert_eq!(guarded.touches(), 3, "two held the slot at once");
        assert_all_free(&slots, 1);
    })
}

/// Two slots come back at once while two wait for them.
pub fn two_slots_given_back_at_once() -> usize {
    explore(|| {
        let (slots, guarded) = (Slots::new(2), Guarded::new());
        let other = slots.clone();
        let releaser = thread::spawn(move || drop(other.try_acquire()));
        let held = slots.try_acquire();
        let waiter = contender(&slots, &guarded);
        drop(held);
        releaser.join().expect("the releaser does not panic");
        waiter.join().expect("the waiter does not panic");
        assert_all_free(&slots, 2);
    })
}

/// A wait is given up at any moment around its turn, while another waits behind it.
pub fn waiter_dropped_as_it_is_granted() -> usize {
    explore(|| {
        let (slots, guarded) = (Slots::new(1), Guarded::new());
        let held = slots.try_acquire().expect("nobody else is there");
        let leaving = slots.clone();
        let leaver = thread::spawn(move || {
            let mut wait = pin!(leaving.acquire());
            drop(poll_once(wait.as_mut()));
        });
        let waiter = contender(&slots, &guarded);
        guarded.touch(&held);
        drop(held);
        leaver.join().expect("the leaver does not panic");
        waiter.join().expect("the waiter does not panic");
        assert_eq!(guarded.touches(), 2, "two held the slot at once");
        assert_all_free(&slots, 1);
    })
}

/// The last slot is abandoned, and comes back, while another waits: that one gets it or hears that all are stuck.
pub fn abandoned_slot_comes_back_while_another_waits() -> usize {
    explore(|| {
        let slots = Slots::new(1);
        let other = slots.clone();
        let held = slots.try_acquire().expect("nobody else is there");
        let waiter = thread::spawn(move || block_on(other.acquire()).map(drop).is_ok());
        let abandoned = held.abandon();
        drop(abandoned);
        waiter.join().expect("the waiter does not panic");
        assert_eq!(slots.abandoned(), 0);
        assert_all_free(&slots, 1);
    })
}

/// The last slot is abandoned for good while another begins to wait: that one hears of it.
pub fn waiter_hears_that_the_last_slot_was_abandoned() -> usize {
    explore(|| {
        let slots = Slots::new(1);
        let other = slots.clone();
        let held = slots.try_acquire().expect("nobody else is there");
        let waiter = thread::spawn(move || block_on(other.acquire()).map(drop).is_err());
        let abandoned: AbandonedSlot = held.abandon();
        assert!(waiter.join().expect("the waiter does not panic"), "a stuck slot was handed out");
        drop(abandoned);
        assert_all_free(&slots, 1);
    })
}
