//! The one room with randomness: execution ids, UUIDv7 (RFC 9562, section 5.7), and names of locks.

use std::hash::{BuildHasher, Hasher, RandomState};

use execution_orchestration_core::model::ExecutionId;

/// A new id: 48 bits of Unix milliseconds, then 74 random bits.
#[allow(clippy::disallowed_methods)]
pub(crate) fn execution_id(unix_ms: i64) -> ExecutionId {
    let ms = u128::from(unix_ms.unsigned_abs() & 0xffff_ffff_ffff);
    let random = u128::from(fastrand::u64(..));
    let rand_a = u128::from(fastrand::u64(..) & 0xfff);
    ExecutionId((ms << 80) | (7 << 76) | (rand_a << 64) | (0b10 << 62) | (random >> 2))
}

/// 128 bits that no other process has. The keys of the standard hasher come from the system's own source, once a
/// thread, and are never twice the same; a generator seeded with the time would give twins to two processes that start
/// together.
pub(crate) fn random_bits() -> u128 {
    let half = || u128::from(RandomState::new().build_hasher().finish());
    (half() << 64) | half()
}
