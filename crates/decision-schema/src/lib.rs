//! The contract of the decision ecosystem, compatible with `decision-schema` 0.2.x.
//!
//! This crate decides what a decision, a proposal, a packet and a trace key look like, and refuses anything that does
//! not look so. It knows no clock, no IO and no policy, only the words in which every core refuses one
//! ([`policy_fault`]). Read [`types`] first, then [`envelope`], then [`json`].
//!
//! Faults say what is wrong and where, with names of the schema, indices and byte offsets, and never with input text.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod compat;
pub mod envelope;
mod fault_path;
mod fields;
pub mod input_fault;
pub mod json;
pub mod packet_v2;
pub mod policy_fault;
pub mod schema_fault;
pub mod trace_registry;
pub mod types;
mod wire;

pub use envelope::{Envelope, Payload};
pub use input_fault::{InputFault, InputProblem};
pub use json::{JsonFault, JsonFaultKind, Number, Object, Value};
pub use packet_v2::PacketV2;
pub use schema_fault::{Problem, SchemaFault};
pub use types::{Action, FinalDecision, MismatchInfo, Proposal};
