//! The rules of execution, pure: no clock, no IO, no thread, no randomness.
#![no_std]
#![forbid(unsafe_code)]
#![warn(clippy::wildcard_enum_match_arm)]

extern crate alloc;

pub mod idempotency;
pub mod policies;
