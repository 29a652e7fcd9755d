//! Attempts that may outlive their owner: their programs inherit a lock, and all their descendants with them.

use std::{
    collections::BTreeSet,
    fs::File,
    io,
    os::{
        fd::{AsFd, OwnedFd},
        unix::fs::FileExt,
    },
};

use parking_lot::Mutex;
use rustix::io::fcntl_dupfd_cloexec;

use super::directory::{ATTEMPT, LockDirectory, Look};

/// The lowest number that a program may find its lock under. Lower ones, of one digit, are what shell scripts use for
/// themselves; one that did so with an inherited lock would let go of it.
const FIRST_INHERITED: i32 = 10;

/// More than the longest text of a process group.
const LONGEST_TEXT: usize = 64;

/// Whether an attempt still runs, as far as its lock tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AttemptState {
    /// Nobody holds its lock.
    Ended,
    /// Somebody holds its lock: who prepared it, or what was started with it, whose group this is.
    Running(Option<ProcessGroup>),
}

/// The process group of a program, for whoever wants to look at it. It decides nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProcessGroup {
    /// The group's number, which is its leader's; above 0.
    pub id: i32,
    /// When the leader was started, in clock ticks since the system was; field 22 of `proc_pid_stat(5)`. Tells the group
    /// from a later one with the same number.
    pub start_time_ticks: u64,
}

impl ProcessGroup {
    fn to_text(self) -> String {
        format!("{} {}\n", self.id, self.start_time_ticks)
    }

    fn from_text(text: &str) -> Option<Self> {
        let (id, start_time_ticks) = text.strip_suffix('\n')?.split_once(' ')?;
        Some(Self { id: id.parse().ok()?, start_time_ticks: start_time_ticks.parse().ok()? })
    }

    fn read(file: &File) -> Option<Self> {
        let mut bytes = [0; LONGEST_TEXT];
        let len = file.read_at(&mut bytes, 0).ok()?;
        Self::from_text(str::from_utf8(&bytes[..len]).ok()?)
    }
}

/// The lock of one attempt. This process holds it until it is handed to a program, or dropped.
///
/// What is started with it and cannot be waited for to its end keeps it beyond both.
#[derive(Debug)]
pub struct AttemptLock {
    directory: LockDirectory,
    fence: u64,
    held: Mutex<Option<File>>,
}

impl AttemptLock {
    /// The attempt's fence.
    pub const fn fence(&self) -> u64 {
        self.fence
    }

    /// A descriptor of the lock for a program to inherit under this number, 10 or above; on the way there it is
    /// close-on-exec, so that no other program gets it. It holds the lock as long as it is open anywhere.
    ///
    /// # Errors
    /// If there are no more descriptors, or the lock was handed over or released before.
    pub fn inheritable(&self) -> io::Result<OwnedFd> {
        match &*self.held.lock() {
            Some(held) => Ok(fcntl_dupfd_cloexec(held.as_fd(), FIRST_INHERITED)?),
            None => Err(io::Error::other("the lock is not held any more")),
        }
    }

    /// Writes down what was started with the lock, and gives up this process's part in it: from now on only those who
    /// inherited it hold it.
    pub fn hand_over(&self, group: Option<ProcessGroup>) -> HandedOver {
        let held = self.held.lock().take();
        if let (Some(held), Some(group)) = (held, group) {
            // It only helps who looks at the group; an attempt whose group is not known runs all the same.
            let _ = held.write_all_at(group.to_text().as_bytes(), 0);
        }
        HandedOver { directory: self.directory.clone(), fence: self.fence }
    }

    /// Lets go of the lock, where nothing was started with it.
    pub fn release(&self) {
        if let Some(held) = self.held.lock().take() {
            // A name that stays is as good as none once the lock is free.
            let _ = self.directory.remove(&file_name(self.fence));
            drop(held);
        }
    }
}

impl Drop for AttemptLock {
    fn drop(&mut self) {
        if self.held.get_mut().is_some() {
            self.release();
        } else {
            self.directory.forget_attempt(self.fence);
        }
    }
}

/// The lock of an attempt, seen from the process that has handed it over.
#[derive(Debug, Clone)]
pub struct HandedOver {
    directory: LockDirectory,
    fence: u64,
}

impl HandedOver {
    /// Whether somebody holds it. Where that cannot be told, somebody does.
    pub fn is_held(&self) -> bool {
        !matches!(self.directory.attempt(self.fence), Ok(AttemptState::Ended))
    }

    /// Removes its file, unless somebody holds it.
    pub fn forget(&self) {
        self.directory.forget_attempt(self.fence);
    }
}

impl LockDirectory {
    /// Makes the lock of the attempt with this fence and holds it. What an earlier attempt with this fence left behind,
    /// whose start never became durable, is removed if it is dead.
    ///
    /// # Errors
    /// `AlreadyExists` if an attempt with this fence is still running; else if the file cannot be made or locked.
    pub fn prepare_attempt(&self, fence: u64) -> io::Result<AttemptLock> {
        let name = file_name(fence);
        let held = match self.take(&name) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                self.remove_if_free(&name)?;
                self.take(&name)?
            }
            result => result?,
        };
        Ok(AttemptLock { directory: self.clone(), fence, held: Mutex::new(Some(held.into())) })
    }

    /// Whether the attempt with this fence still runs.
    ///
    /// # Errors
    /// If that cannot be told. The attempt must then be taken for running.
    pub fn attempt(&self, fence: u64) -> io::Result<AttemptState> {
        Ok(match self.look(&file_name(fence))? {
            Look::Gone | Look::Free(_) => AttemptState::Ended,
            Look::Held(file) => AttemptState::Running(ProcessGroup::read(&file.into())),
        })
    }

    /// The fences of the attempts that have a lock's file, running or not: an attempt that is not among them has ended,
    /// or began later.
    ///
    /// # Errors
    /// If the directory cannot be read, or is not the one that was opened.
    pub fn attempts_with_files(&self) -> io::Result<BTreeSet<u64>> {
        let names = self.names(ATTEMPT)?;
        self.ensure_in_place()?;
        Ok(names.iter().filter_map(|fence| fence.parse().ok()).collect())
    }

    /// Removes the file of an attempt that has ended. One that somebody holds stays, and one that cannot be removed is
    /// left to a sweep.
    pub fn forget_attempt(&self, fence: u64) {
        let _ = self.remove_if_free(&file_name(fence));
    }
}

pub(super) fn file_name(fence: u64) -> String {
    format!("{ATTEMPT}{fence}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_torn_text_is_no_group() {
        let group = ProcessGroup { id: 77, start_time_ticks: u64::MAX };
        let text = group.to_text();
        assert_eq!(ProcessGroup::from_text(&text), Some(group));
        for len in 0..text.len() {
            assert_eq!(ProcessGroup::from_text(&text[..len]), None);
        }
    }
}
