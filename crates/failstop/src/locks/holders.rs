//! Who holds an attempt's lock: the processes to be told when an attempt is stopped whose owner is dead.

use std::{fs, io, os::unix::fs::MetadataExt as _, path::Path};

use rustix::{
    io::Errno,
    process::{Pid, PidfdFlags, Signal, getpid, pidfd_open, pidfd_send_signal},
};

use super::{LockDirectory, attempt};

/// Which file a lock is.
type Inode = (u64, u64);

impl LockDirectory {
    /// Sends `signal` to every process that holds the lock of the attempt with this fence, whatever group it is in; says
    /// to how many. Found by the file itself, so that no stranger is ever told: neither by its number, which may be
    /// another's by now, nor by its group's. A process that comes into being meanwhile is found the next time.
    ///
    /// # Errors
    /// If the processes of this machine cannot be looked at.
    pub fn signal_attempt(&self, fence: u64, signal: Signal) -> io::Result<usize> {
        let Some(lock) = inode(&self.path().join(attempt::file_name(fence))) else { return Ok(0) };
        let mut told = 0;
        for entry in fs::read_dir("/proc")?.flatten() {
            let id = entry.file_name().to_str().and_then(|name| name.parse().ok()).and_then(Pid::from_raw);
            if let Some(id) = id.filter(|id| *id != getpid()) {
                told += usize::from(signal_if_holding(id, &entry.path(), lock, signal));
            }
        }
        Ok(told)
    }
}

/// The process is taken hold of first and looked at then: while it is held, its number is nobody else's.
fn signal_if_holding(id: Pid, process: &Path, lock: Inode, signal: Signal) -> bool {
    if !holds(process, lock) {
        return false;
    }
    let Ok(process_handle) = pidfd_open(id, PidfdFlags::empty()) else { return false };
    holds(process, lock) && matches!(pidfd_send_signal(process_handle, signal), Ok(()) | Err(Errno::SRCH))
}

fn holds(process: &Path, lock: Inode) -> bool {
    let Ok(descriptors) = fs::read_dir(process.join("fd")) else { return false };
    descriptors.flatten().any(|descriptor| inode(&descriptor.path()) == Some(lock))
}

fn inode(path: &Path) -> Option<Inode> {
    let metadata = fs::metadata(path).ok()?;
    Some((metadata.dev(), metadata.ino()))
}
