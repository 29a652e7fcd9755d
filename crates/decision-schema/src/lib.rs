//! The contract of the decision ecosystem, compatible with `decision-schema` 0.2.x.
//!
//! This crate decides what a decision, a proposal, a packet and a trace key look like, and refuses anything that does
//! not look so. It knows no clock, no IO and no policy. Read [`types`] first, then [`json`].
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod json;
pub mod types;

pub use json::{Number, Object, Value};
pub use types::{Action, FinalDecision, MismatchInfo, Proposal};
