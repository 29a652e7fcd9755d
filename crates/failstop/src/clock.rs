//! The one room with clocks. Everything else is told the time.

use std::{
    sync::atomic::{AtomicI64, AtomicU64, Ordering},
    time::{Duration, SystemTime},
};

use execution_orchestration_core::time::Timestamp;
use tokio::time::Instant;

/// How long a reading of the wall clock serves before it is taken again, nanoseconds.
const WALL_SERVES_NANOS: u64 = 1_000_000_000;

/// A monotonic clock (which tests may pause) and the wall clock, tied together about once a second.
#[derive(Debug)]
pub struct Clock {
    origin: Instant,
    /// When the wall clock was last read, nanoseconds since `origin`.
    tied_at: AtomicU64,
    /// What Unix wall time was at `origin` by that reading, milliseconds.
    wall_at_origin_ms: AtomicI64,
}

impl Clock {
    /// A clock whose origin is now.
    #[allow(clippy::disallowed_methods)]
    pub fn new() -> Self {
        Self {
            origin: Instant::now(),
            tied_at: AtomicU64::new(0),
            wall_at_origin_ms: AtomicI64::new(unix_ms()),
        }
    }

    /// Now, on the monotonic clock.
    #[allow(clippy::disallowed_methods)]
    pub fn now(&self) -> Timestamp {
        let elapsed = Instant::now().saturating_duration_since(self.origin);
        Timestamp::from_nanos(
            elapsed.as_secs().saturating_mul(1_000_000_000) + u64::from(elapsed.subsec_nanos()),
        )
    }

    /// The Unix wall time of a monotonic moment that was just read, milliseconds. One in the future would be taken for
    /// the moment at which the wall clock is read again, and all times after it would be early.
    pub fn wall_ms(&self, at: Timestamp) -> i64 {
        let elapsed_ms = |at: Timestamp| i64::try_from(at.as_nanos() / 1_000_000).unwrap_or(i64::MAX);
        if at.as_nanos().saturating_sub(self.tied_at.load(Ordering::Relaxed)) > WALL_SERVES_NANOS {
            self.tied_at.store(at.as_nanos(), Ordering::Relaxed);
            self.wall_at_origin_ms.store(unix_ms().saturating_sub(elapsed_ms(at)), Ordering::Relaxed);
        }
        self.wall_at_origin_ms.load(Ordering::Relaxed).saturating_add(elapsed_ms(at))
    }

    /// The moment as the runtime's timers know it; far in the future where it would overflow.
    pub fn instant(&self, at: Timestamp) -> Instant {
        const FAR: Duration = Duration::from_secs(86_400 * 365);
        self.origin.checked_add(Duration::from_nanos(at.as_nanos())).unwrap_or(self.origin + FAR)
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::new()
    }
}

/// Unix wall time as of the system timer's last tick, milliseconds: late by a few of them, at a fifth of the price
/// (5 ns instead of 25). Asked of the C library, which also knows what to do where the kernel maps no clocks.
#[cfg(target_os = "linux")]
pub(crate) fn coarse_unix_ms() -> i64 {
    use nix::time::{ClockId, clock_gettime};
    clock_gettime(ClockId::CLOCK_REALTIME_COARSE)
        .map_or_else(|_| unix_ms(), |tick| tick.tv_sec() * 1_000 + tick.tv_nsec() / 1_000_000)
}

/// Unix wall time, milliseconds; other systems have no coarser clock.
#[cfg(not(target_os = "linux"))]
pub(crate) fn coarse_unix_ms() -> i64 {
    unix_ms()
}

/// Unix wall time, milliseconds.
#[allow(clippy::disallowed_methods)]
pub fn unix_ms() -> i64 {
    SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
