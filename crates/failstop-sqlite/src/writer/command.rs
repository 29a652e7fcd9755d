//! What the writer is asked to do.

use std::sync::{Arc, mpsc};

use failstop::{
    core::{
        idempotency::Digest,
        ledger::{EventKind, Resolution},
        model::ExecutionReport,
        orchestrator::KeyState,
    },
    ledger::{Known, LedgerUnavailable, NotStarted, StartGate, Started},
};
use tokio::sync::oneshot;

use crate::{fault::ResolveError, ledger::PendingNote, rows::Said};

/// One thing to do. Everything in one group becomes durable together.
#[derive(Debug)]
pub(crate) enum Command {
    /// Make a start durable, if the gate is open.
    Start(Box<StartCommand>, oneshot::Sender<Result<Started, NotStarted>>),
    /// Make a key's new state durable. Nobody waits for OPEN.
    Record(Arc<RecordCommand>, Option<oneshot::Sender<Result<(), LedgerUnavailable>>>),
    /// Nobody waits for this start any more: nothing was entered.
    Withdraw { key: String, attempt: u32 },
    /// Say what is known of a key, and recover it if its owner is dead.
    Recover(ClaimedKey, oneshot::Sender<Result<Known, LedgerUnavailable>>),
    /// The gate has changed: record it.
    RecordGate,
    /// Somebody is about to release a scope of the gate.
    Announce { expected_epoch: u64, body: String, announced: mpsc::SyncSender<bool> },
    /// Keep evidence.
    Note { kind: EventKind, key: Option<String>, fence: Option<u64>, body: String, pending: PendingNote },
    /// Say what happened under a key in doubt.
    Resolve(Box<ResolveCommand>, mpsc::SyncSender<Result<ExecutionReport, ResolveError>>),
    /// Answer when everything before is done with.
    Flush(mpsc::SyncSender<()>),
}

#[derive(Debug)]
pub(crate) struct ClaimedKey {
    pub(crate) key: String,
    pub(crate) fingerprint: Digest,
    pub(crate) may_repeat: bool,
}

#[derive(Debug)]
pub(crate) struct StartCommand {
    pub(crate) claim: ClaimedKey,
    pub(crate) attempt: u32,
    pub(crate) is_new_work: bool,
    pub(crate) may_outlive_process: bool,
    pub(crate) gate: StartGate,
    pub(crate) said: Said,
    pub(crate) body: String,
}

#[derive(Debug, Clone)]
pub(crate) struct RecordCommand {
    pub(crate) key: String,
    pub(crate) fence: u64,
    pub(crate) attempt: u32,
    pub(crate) state: KeyState,
    pub(crate) said: Said,
    pub(crate) body: String,
}

#[derive(Debug)]
pub(crate) struct ResolveCommand {
    pub(crate) key: String,
    pub(crate) resolution: Resolution,
    pub(crate) who: String,
    pub(crate) reason: String,
    pub(crate) evidence: Option<String>,
}
