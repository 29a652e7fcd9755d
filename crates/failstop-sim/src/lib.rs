//! Models of the whole, explored to the end.
//!
//! [`explore`] walks every state that a [`Model`] can come to and finds the shortest way to one that breaks a
//! promise. [`world`] is such a model: processes that start attempts on one ledger, stops and releases of its gate,
//! and deaths, one atomic step of the code a transition. It asks the shipped rules: a key's record is a
//! [`KeyRecord`](execution_orchestration_core::ledger::KeyRecord), what a gate bars is said by its verdict, and every
//! chain of events that can come about is read by the shipped auditor.
//!
//! What it does not know: power failures, torn and failing writes, time. Waits have no bound, so that whatever could
//! wait for ever is found. Read `world/mod.rs` first, then `world/writer.rs`.
//!
//! The explorer is our own. `stateright` was looked at: it brings a web server, random numbers and some forty crates
//! into every build, and tells states apart by a hash of 64 bits; this is a queue and a map.

mod explore;
pub mod world;

pub use explore::{Counterexample, Explored, Model, explore};
