//! The ledger: what is known of each key, durable before it matters.
//!
//! A key is `STARTED(n)`, `OPEN(n)`, or terminal; see [`Ledger`] for the three steps the engine takes with it. A ledger
//! decides nothing about execution: it says what it knows, and refuses what contradicts it.

mod memory;

use std::{future::Future, pin::Pin};

use execution_orchestration_core::{
    idempotency::Digest,
    model::ExecutionReport,
    orchestrator::{KeyState, Prior},
    stop::Verdict,
};
pub use memory::MemoryLedger;

/// What a ledger's steps return: boxed, since a ledger is chosen at run time and waits for disks.
pub type LedgerFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The ledger could not be read or written. Nothing new starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the ledger is unavailable")]
pub struct LedgerUnavailable;

/// A key and what it stands for.
#[derive(Debug, Clone, Copy)]
pub struct Claim<'a> {
    /// The idempotency key.
    pub key: &'a str,
    /// SHA-256 over action, params and tenant; another one under the same key is refused.
    pub fingerprint: Digest,
    /// Whether the executor's class allows its effect to happen more than once.
    pub may_repeat_effect: bool,
}

/// What a ledger knows of a key that nobody in this process holds.
#[derive(Debug, Clone, PartialEq)]
pub enum Known {
    /// Nothing.
    Fresh,
    /// Attempts of a dead owner, and the rest may be used.
    Resumable(Prior),
    /// Somebody alive elsewhere is at it.
    InProgress,
    /// The stored report.
    Finished(Box<ExecutionReport>),
    /// The stored report of an unknown effect.
    InDoubt(Box<ExecutionReport>),
    /// The key stands for something else.
    Reused,
    /// The key's record was retired.
    Expired,
}

/// A start that was made durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Started {
    /// Strictly increasing over all starts of a ledger.
    pub fence: u64,
}

/// Why a start was not made.
#[derive(Debug, Clone, PartialEq)]
pub enum NotStarted {
    /// The gate, read in the same step, says no.
    Gate(Verdict),
    /// Somebody else was first.
    Race(Known),
    /// It could not be made durable.
    Unavailable,
}

/// An attempt that is about to start.
#[derive(Debug, Clone, Copy)]
pub struct Start<'a> {
    /// The key and what it stands for.
    pub claim: Claim<'a>,
    /// Which attempt, from 0, over all owners of the key.
    pub attempt: u32,
    /// Whether this execution has started nothing yet, so that a gate at `drain` bars it too.
    pub is_new_work: bool,
    /// The report as it stands if nothing more is ever heard: this attempt's effect unknown.
    pub report_if_lost: &'a ExecutionReport,
}

/// A key's new state after an attempt.
#[derive(Debug, Clone, Copy)]
pub struct Record<'a> {
    /// The key.
    pub key: &'a str,
    /// The fence of the attempt's start.
    pub fence: u64,
    /// Which attempt.
    pub attempt: u32,
    /// The new state.
    pub state: KeyState,
    /// The report as it stands: what a terminal state will replay.
    pub report: &'a ExecutionReport,
}

/// Reads the gate; called by a ledger inside its start step.
pub type ReadGate<'a> = &'a (dyn Fn() -> Verdict + Sync);

/// What is known of each key. One conformance suite runs against every implementation.
pub trait Ledger: Send + Sync + 'static {
    /// What is known of a key. Called only while the key is reserved in this process, so a record that says STARTED
    /// here belongs to another process or to an owner that died; the ledger tells which, and recovers the latter: in
    /// doubt, or resumable where the class allows.
    fn look_up<'a>(&'a self, claim: Claim<'a>) -> LedgerFuture<'a, Result<Known, LedgerUnavailable>>;

    /// Resolves when a key that [`Ledger::look_up`] found in progress elsewhere may have been let go of.
    fn freed<'a>(&'a self, key: &'a str) -> LedgerFuture<'a, ()>;

    /// In one step: reads the gate, and makes STARTED durable if it is open. The executor is entered after this
    /// returns, and only then.
    fn start<'a>(
        &'a self,
        start: Start<'a>,
        gate: ReadGate<'a>,
    ) -> LedgerFuture<'a, Result<Started, NotStarted>>;

    /// Makes a key's new state durable. A record whose fence is not the key's is refused and kept as evidence.
    fn record<'a>(&'a self, record: Record<'a>) -> LedgerFuture<'a, Result<(), LedgerUnavailable>>;
}
