//! The rules of execution, pure.
//!
//! This crate decides what happens to one approved decision: whether it may start, when it is tried again, when it is
//! told to stop, what its end means and what may be said about it. It refuses to know any clock, IO, thread,
//! randomness or hash-map order: time is told, digests take the place of dice, and a driver does what is ordered.
//!
//! Read [`orchestrator`] first; [`model`] has the words, [`stop`] the deny rule.
#![no_std]
#![forbid(unsafe_code)]
#![warn(clippy::wildcard_enum_match_arm)]

extern crate alloc;

pub mod idempotency;
pub mod ledger;
pub mod model;
pub mod orchestrator;
pub mod plan;
pub mod policies;
pub mod redaction;
pub mod report;
pub mod stop;
pub mod time;
pub mod trace;
