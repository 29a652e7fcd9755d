//! Proves from a ledger's events alone what it may claim: nothing was changed, nothing happened twice, nothing started
//! inside a stop window (INV-FS-4).
//!
//! An [`Auditor`] takes the events one after another and replays them: the chain, each key through its own
//! [`KeyRecord`](super::KeyRecord), the gate by its epochs. It trusts no clock, and no table but the events. What it
//! rebuilds is the [`Audit`], for a backend to compare its tables with.
//!
//! A chain proves that nothing in it was changed only against a [`Checkpoint`] that was kept elsewhere: whoever can
//! write a ledger can also write another one, from the first event on, and whoever cuts its tail leaves a chain that
//! is whole. What the rules forbid is found in a rewritten ledger too.

mod auditor;
mod checkpoint;
mod event;
mod exported;
mod finding;
mod gate;
mod key;
mod report;

pub use auditor::{Audit, Auditor, Birth};
pub use checkpoint::{Checkpoint, ParseCheckpointError, Source};
pub use exported::{MAX_EXPORTED_BYTES, read_exported, write_exported};
pub use finding::{Finding, FindingKind, Findings, MAX_FINDINGS};
pub use gate::GateTrace;
pub use key::{AttemptTrace, KeyTrace};
