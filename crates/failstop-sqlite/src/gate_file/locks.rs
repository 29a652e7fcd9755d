//! Byte-range locks of open file descriptions. The bytes need not exist: an offset is only a name.

use std::{
    fs::File,
    ops::Range,
    time::{Duration, Instant},
};

use nix::{
    errno::Errno,
    fcntl::{FcntlArg, fcntl},
    libc,
};

use super::GateFault;

/// The byte that writers exclude one another with, above every epoch.
const WRITER: i64 = i64::MAX - 1;

const FIRST_PAUSE: Duration = Duration::from_micros(50);
const LONGEST_PAUSE: Duration = Duration::from_millis(5);

/// The byte of one epoch.
pub(super) fn byte(epoch: u64) -> Range<i64> {
    let at = offset(epoch);
    at..at + 1
}

/// The bytes of all earlier epochs. Never empty: a range of length 0 would mean all bytes to the end.
pub(super) fn below(epoch: u64) -> Range<i64> {
    0..offset(epoch).max(1)
}

/// The bytes of all epochs.
pub(super) const fn every_epoch() -> Range<i64> {
    0..WRITER
}

/// The byte of those who change the gate.
pub(super) const fn writer() -> Range<i64> {
    WRITER..i64::MAX
}

fn offset(epoch: u64) -> i64 {
    i64::try_from(epoch).unwrap_or(i64::MAX).min(WRITER - 1)
}

/// Takes a lock that others may hold as well, if nobody holds it alone.
pub(super) fn try_shared(file: &File, bytes: &Range<i64>) -> Result<bool, GateFault> {
    try_lock(file, libc::F_RDLCK, bytes)
}

/// Takes a lock alone as soon as nobody is in the way; `false` once `bound` has passed. Tried again and again, because
/// the kernel's own wait has no bound.
pub(super) fn exclusive_within(file: &File, bytes: &Range<i64>, bound: Duration) -> Result<bool, GateFault> {
    let since = now();
    let mut pause = FIRST_PAUSE;
    while !try_lock(file, libc::F_WRLCK, bytes)? {
        let left = bound.saturating_sub(since.elapsed());
        if left.is_zero() {
            return Ok(false);
        }
        std::thread::park_timeout(pause.min(left));
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
    Ok(true)
}

/// Gives the lock back; nothing happens where it is not held.
pub(super) fn unlock(file: &File, bytes: &Range<i64>) -> Result<(), GateFault> {
    set(file, libc::F_UNLCK, bytes).map_err(|errno| GateFault::Unreadable { errno: errno as i32 })
}

#[expect(clippy::disallowed_methods, reason = "bounds a wait for other processes; decides nothing")]
fn now() -> Instant {
    Instant::now()
}

fn try_lock(file: &File, lock_type: i32, bytes: &Range<i64>) -> Result<bool, GateFault> {
    match set(file, lock_type, bytes) {
        Ok(()) => Ok(true),
        Err(Errno::EAGAIN | Errno::EACCES) => Ok(false),
        Err(errno) => Err(GateFault::Unreadable { errno: errno as i32 }),
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the constants of the system fit their own field")]
fn set(file: &File, lock_type: i32, bytes: &Range<i64>) -> Result<(), Errno> {
    let lock = libc::flock {
        l_type: lock_type as libc::c_short,
        l_whence: libc::SEEK_SET as libc::c_short,
        l_start: bytes.start,
        l_len: bytes.end - bytes.start,
        l_pid: 0,
    };
    fcntl(file, FcntlArg::F_OFD_SETLK(&lock)).map(drop)
}
