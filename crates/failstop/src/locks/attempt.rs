//! The lock of one attempt.

/// The lock of one attempt, held until it is handed to a program or dropped.
#[derive(Debug)]
pub struct AttemptLock {
    fence: u64,
}

impl AttemptLock {
    /// The attempt's fence.
    pub const fn fence(&self) -> u64 {
        self.fence
    }
}
