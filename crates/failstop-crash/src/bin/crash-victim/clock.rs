//! A wall clock that can be set back, for everything in this process: the C library's own function is replaced.
#![expect(unsafe_code, reason = "a function of the C library can be replaced in no other way")]

use std::{
    ffi::{c_int, c_long},
    sync::atomic::{AtomicU32, Ordering},
};

use failstop_crash::victim;
use rustix::time::{ClockId, clock_gettime as really};

/// The environment variable that says after how many entered attempts the clock is set back.
const BACK_VARIABLE: &str = "FAILSTOP_CLOCK_BACK_AFTER";

/// How far it is set back, seconds.
const HOUR: i64 = 3_600;

const CLOCK_REALTIME: c_int = 0;

/// After how many entered attempts the time is wrong.
static BACK_AFTER: AtomicU32 = AtomicU32::new(u32::MAX);

/// Sets the clock back later, if the environment says so.
pub fn set_back_as_told() {
    let after = std::env::var(BACK_VARIABLE).ok().and_then(|after| after.parse().ok());
    BACK_AFTER.store(after.unwrap_or(u32::MAX), Ordering::SeqCst);
}

/// `struct timespec`.
#[repr(C)]
pub struct TimeSpec {
    seconds: i64,
    nanoseconds: c_long,
}

/// `clock_gettime(2)`, but for the hour.
///
/// # Safety
/// As there: `time` can be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn clock_gettime(clock: c_int, time: *mut TimeSpec) -> c_int {
    let Some(id) = clock_id(clock) else { return -1 };
    let now = really(id);
    let is_back = clock == CLOCK_REALTIME && victim::entered() >= BACK_AFTER.load(Ordering::SeqCst);
    let seconds = if is_back { now.tv_sec - HOUR } else { now.tv_sec };
    // SAFETY: the caller's promise.
    unsafe { time.write(TimeSpec { seconds, nanoseconds: now.tv_nsec }) };
    0
}

/// The clocks that anybody here asks for.
const fn clock_id(clock: c_int) -> Option<ClockId> {
    match clock {
        CLOCK_REALTIME => Some(ClockId::Realtime),
        1 => Some(ClockId::Monotonic),
        2 => Some(ClockId::ProcessCPUTime),
        3 => Some(ClockId::ThreadCPUTime),
        5 => Some(ClockId::RealtimeCoarse),
        6 => Some(ClockId::MonotonicCoarse),
        7 => Some(ClockId::Boottime),
        _ => None,
    }
}
