//! The one room of this crate with clocks: wall time is for people and for retention, never for proof.

use std::time::{Duration, Instant, SystemTime};

/// Unix wall time, milliseconds.
#[expect(clippy::disallowed_methods, reason = "the room with clocks")]
pub(crate) fn unix_ms() -> i64 {
    SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// Waits on a thread that has nothing else to do.
#[expect(clippy::disallowed_methods, reason = "a writer's thread waits for another process's lock")]
pub(crate) fn pause(time: Duration) {
    std::thread::sleep(time);
}

/// Tells how long something has taken, whatever is done to the wall clock.
pub(crate) struct Stopwatch(Instant);

impl Stopwatch {
    #[expect(clippy::disallowed_methods, reason = "the room with clocks")]
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    /// Since its start, milliseconds.
    pub(crate) fn elapsed_ms(&self) -> u64 {
        u64::try_from(self.0.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}
