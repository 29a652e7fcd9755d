//! The ledger: what is known of each key, durable before it matters.
//!
//! A key is `STARTED(n)`, `OPEN(n)`, or terminal; see [`Ledger`] for the steps the engine takes with it. A ledger
//! decides nothing about execution: it says what it knows, and refuses what contradicts it. What contradicts what is
//! decided by [`KeyRecord`](execution_orchestration_core::ledger::KeyRecord), for every ledger alike.

mod keys;
mod memory;

use std::{future::Future, pin::Pin, sync::Arc};

use decision_schema::Action;
use execution_orchestration_core::{
    idempotency::Digest,
    model::{Effect, ExecutionReport},
    orchestrator::{KeyState, Prior},
    stop::Verdict,
};
pub use keys::Keys;
pub(crate) use keys::{Held, HeldKey};
pub use memory::MemoryLedger;

use crate::{gate::Gate, health::OwnHealth, locks::AttemptLock};

/// What a ledger's steps return: boxed, since a ledger is chosen at run time and waits for disks.
pub type LedgerFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The ledger could not be read or written, or refused what contradicts it. Nothing new starts.
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
    /// Attempts of a dead owner, or before a resolution, and the rest may be used.
    Resumable(Box<Resumption>),
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

/// Where an execution of a dead owner is taken up.
#[derive(Debug, Clone, PartialEq)]
pub struct Resumption {
    /// What has been used up.
    pub prior: Prior,
    /// The key's fence, for a record without a start.
    pub fence: u64,
    /// The report as it stood: its id stays, and its attempts come first.
    pub report: ExecutionReport,
}

/// A start that was made durable.
#[derive(Debug)]
pub struct Started {
    /// Strictly increasing over all starts of a ledger.
    pub fence: u64,
    /// Held by what the attempt may leave running when this process dies, where [`Start::may_outlive_process`].
    pub lock: Option<AttemptLock>,
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
    /// The ledger is not the one that was opened, so what it said of the key is not to be believed either.
    Lost,
}

/// An attempt that is about to start.
#[derive(Debug, Clone)]
pub struct Start<'a> {
    /// The key and what it stands for.
    pub claim: Claim<'a>,
    /// Which attempt, from 0, over all owners of the key.
    pub attempt: u32,
    /// Whether this execution has started nothing yet, so that a gate at `drain` bars it too.
    pub is_new_work: bool,
    /// Whether what the executor starts may live on when this process dies.
    pub may_outlive_process: bool,
    /// The gate as this process knows it.
    pub gate: StartGate,
    /// The report as it stands if nothing more is ever heard: this attempt's effect unknown.
    pub report_if_lost: &'a ExecutionReport,
}

/// The gate as a start step reads it: in the moment of the start, wherever that happens.
#[derive(Debug, Clone)]
pub struct StartGate {
    gate: Gate,
    action: Action,
    is_exempt: bool,
    health: Option<Arc<OwnHealth>>,
}

impl StartGate {
    /// `gate` for `action`, which the policy exempts from `drain` and `stop` or not.
    pub const fn new(gate: Gate, action: Action, is_exempt: bool) -> Self {
        Self { gate, action, is_exempt, health: None }
    }

    /// It, and the health of the engine that starts.
    pub(crate) fn obeying(self, health: Option<Arc<OwnHealth>>) -> Self {
        Self { health, ..self }
    }

    /// For what the gate is read.
    pub const fn action(&self) -> Action {
        self.action
    }

    /// Whether the policy lets the action pass `drain` and `stop`.
    pub const fn is_exempt(&self) -> bool {
        self.is_exempt
    }

    /// The stricter of this process's gate and `shared`, a ledger's own.
    pub fn verdict(&self, shared: Verdict) -> Verdict {
        let health = self.health.as_ref().map_or(Verdict::RUN, |health| health.verdict());
        self.gate.verdict(self.action).or(shared).or(health).exempting(self.is_exempt)
    }
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

/// What changes nothing and is kept all the same.
#[derive(Debug, Clone, Copy)]
pub enum Evidence<'a> {
    /// A decision was refused, or skipped, before anything was tried.
    Denied(&'a ExecutionReport),
    /// An attempt answered when its answer did not count any more.
    Late {
        /// The key.
        key: &'a str,
        /// The fence of the attempt's start.
        fence: u64,
        /// Which attempt.
        attempt: u32,
        /// What it claims to have done.
        effect: Effect,
    },
}

/// What is known of each key. One conformance suite runs against every implementation.
pub trait Ledger: Send + Sync + 'static {
    /// The keys that executions in this process hold: all engines on one ledger share them.
    fn keys(&self) -> &Keys;

    /// What is known of a key. Called only while the key is reserved in this process, so a record that says STARTED
    /// here belongs to another process or to an owner that died; the ledger tells which, and recovers the latter: in
    /// doubt, or resumable where the class allows.
    fn look_up<'a>(&'a self, claim: Claim<'a>) -> LedgerFuture<'a, Result<Known, LedgerUnavailable>>;

    /// Resolves when a key that [`Ledger::look_up`] found in progress elsewhere may have been let go of.
    fn freed<'a>(&'a self, key: &'a str) -> LedgerFuture<'a, ()>;

    /// In one step: reads the gate, and makes STARTED durable if it is open. The executor is entered after this
    /// returns, and only then. Dropped before it returned, nothing is entered, and the key is left open.
    fn start<'a>(&'a self, start: Start<'a>) -> LedgerFuture<'a, Result<Started, NotStarted>>;

    /// The executor of this start was not, and will not be, entered: the key is open, soon and in order. Nobody waits
    /// for it; until then the attempt counts as started.
    fn withdraw(&self, key: &str, attempt: u32);

    /// Makes a key's new state durable; OPEN may become so later, in order. A record that contradicts what is known
    /// is refused and kept as evidence.
    fn record<'a>(&'a self, record: Record<'a>) -> LedgerFuture<'a, Result<(), LedgerUnavailable>>;

    /// Keeps evidence, soon and in order; nobody waits for it.
    fn note(&self, evidence: Evidence<'_>);

    /// Makes `gate` obey the ledger's shared gate too, from now on and for as long as the ledger is open. Called once
    /// for each engine.
    fn attach(&self, gate: &Gate);

    /// Shows every process that the attempt with this fence was given up and still runs, for as long as what is
    /// returned is kept. `None` where no other process could look.
    fn hold_attempt(&self, fence: u64) -> Option<AttemptLock>;
}
