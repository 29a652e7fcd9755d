//! The one room of this crate with clocks: wall time is for people and for retention, never for proof.

use std::time::{Duration, SystemTime};

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
