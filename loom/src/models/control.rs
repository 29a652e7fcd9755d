//! Cancel and holds: urgency only rises, whoever waits for it wakes, and the last hold's end is told once.

use loom::{future::block_on, thread};

use super::explore;
use crate::{
    control::{Control, Urgency},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

/// A signal and a kill from two threads, in any order, while one waits for each: both wake, and it ends at kill.
pub fn urgency_only_rises_and_wakes_each_waiter() -> usize {
    explore(|| {
        let control = Arc::new(Control::default());
        let waiters = [Urgency::Signal, Urgency::Kill].map(|urgency| {
            let cancel = control.cancel();
            thread::spawn(move || {
                block_on(cancel.at_least(urgency));
                let before = cancel.urgency();
                assert!(before >= urgency && cancel.urgency() >= before, "urgency fell");
            })
        });
        let other = control.clone();
        let killer = thread::spawn(move || other.raise(Urgency::Kill));
        control.raise(Urgency::Signal);
        killer.join().expect("the killer does not panic");
        assert_eq!(control.cancel().urgency(), Urgency::Kill);
        for waiter in waiters {
            waiter.join().expect("no waiter panics");
        }
    })
}

/// Two clones of a hold end on threads of their own while the engine asks to be told.
pub fn last_hold_is_told_once_however_late_somebody_asks() -> usize {
    explore(|| {
        let told = Arc::new(AtomicU32::new(0));
        let control = Control::default();
        let (one, two) = (control.hold(), control.hold());
        let holders = [thread::spawn(move || drop(one)), thread::spawn(move || drop(two))];
        let counted = told.clone();
        control.when_ended(move || {
            counted.fetch_add(1, Ordering::Relaxed);
        });
        for holder in holders {
            holder.join().expect("no holder panics");
        }
        assert_eq!(told.load(Ordering::Relaxed), 1);
    })
}

/// A deaf hold that is seen is seen to be deaf.
pub fn deaf_hold_is_never_waited_for() -> usize {
    explore(|| {
        let control = Arc::new(Control::default());
        let other = control.clone();
        let holder = thread::spawn(move || other.hold_deaf());
        assert!(!control.is_waited_for(), "a deaf hold was given a grace");
        let hold = holder.join().expect("the holder does not panic");
        assert!(control.is_held() && !control.is_waited_for());
        drop(hold);
        assert!(!control.is_held());
    })
}
