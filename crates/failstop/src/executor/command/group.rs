//! A program's process group, from its start until nothing in it runs and nobody holds the attempt's lock.
//!
//! **Whom a signal may reach.** The number of a group is free for others as soon as its leader is reaped and its last
//! member gone. While the leader is not reaped (it is reaped only by our own waiting for it), or a member lives, the
//! number is the group's. So nothing is signalled once the group was seen empty, and the forced end comes before the
//! reaping wherever the leader is still there. One window is left: the leader ended by itself, a member was seen alive,
//! and is gone when the signal comes, at most one look (50 ms) later. To be mistaken for the group, a stranger would have
//! to get the same number in that time, for which the kernel must first give out all the others.
//!
//! KILL to a group leaves nobody out: the kernel holds up forks in a group that has a signal pending.
//!
//! Who left the group and kept the lock gets no signal, and is waited for all the same.

use std::{mem, process::ExitStatus, thread};

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::{process::Child, time::sleep};

use super::members::{FIRST_PAUSE, Watch, describe, longer};
use crate::{executor::Hold, locks::AttemptLock};

const REAPER_STACK_BYTES: usize = 64 * 1024;

/// Dropped before it has ended, it is killed, and a reaper keeps its [`Hold`] until nothing in it runs and its lock
/// is free.
pub(super) struct Group {
    running: Option<Running>,
}

struct Running {
    group: Pid,
    leader: Child,
    watch: Watch,
    hold: Hold,
}

impl Group {
    /// Takes over a program that was started as leader of its own group and inherited `lock`, which from now on is in the
    /// hands of the program and its descendants alone.
    ///
    /// # Panics
    /// If it was waited for already.
    pub(super) fn new(leader: Child, lock: Option<&AttemptLock>, hold: Hold) -> Self {
        let group = leader.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        let group = group.expect("a program has its number until it is waited for");
        let watch = Watch::new(group, lock.map(|lock| lock.hand_over(describe(group))));
        Self { running: Some(Running { group, leader, watch, hold }) }
    }

    /// Sends a signal to every member. After the group's end it does nothing.
    pub(super) fn signal(&self, signal: Signal) {
        if let Some(running) = &self.running {
            running.signal(signal);
        }
    }

    /// Waits until the leader has ended, no member runs and the lock is free; says how the leader ended, if the system tells. Safe to drop
    /// and to call again until it has answered.
    pub(super) async fn ended(&mut self) -> Option<ExitStatus> {
        let running = self.running.as_mut()?;
        let status = running.leader.wait().await.ok();
        running.watch.hurry();
        while let Some(pause) = running.watch.look() {
            sleep(pause).await;
        }
        self.running = None;
        status
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(running) = self.running.take() {
            running.signal(Signal::KILL);
            bury(running);
        }
    }
}

impl Running {
    fn signal(&self, signal: Signal) {
        if self.watch.is_group_empty() {
            return;
        }
        // The only fault there can be is that nobody is left, or that nobody left may be signalled by us; either shows
        // when the group is looked at.
        let _ = kill_process_group(self.group, signal);
    }

    #[expect(clippy::disallowed_methods, reason = "a thread of its own, with nothing to be woken for")]
    fn wait_blocking(mut self) {
        let mut pause = FIRST_PAUSE;
        while matches!(self.leader.try_wait(), Ok(None)) {
            thread::sleep(pause);
            pause = longer(pause);
        }
        self.watch.hurry();
        while let Some(pause) = self.watch.look() {
            thread::sleep(pause);
        }
        self.watch.forget_lock();
    }
}

/// Waits in a thread, and not in a task: a task dies with its runtime, and its [`Hold`] with it, while the group may
/// still be running. Where no thread is to be had the hold is never let go, because the end will never be known.
fn bury(running: Running) {
    let hold = running.hold.clone();
    let thread = thread::Builder::new().name("failstop-reaper".to_owned()).stack_size(REAPER_STACK_BYTES);
    if thread.spawn(move || running.wait_blocking()).is_err() {
        mem::forget(hold);
    }
}
