//! A ledger that lives and dies with its process: the same semantics, without the durability.

use std::collections::HashMap;

use execution_orchestration_core::{
    idempotency::Digest,
    model::ExecutionReport,
    orchestrator::{KeyState, Prior},
};
use parking_lot::Mutex;

use super::{
    Claim, Known, Ledger, LedgerFuture, LedgerUnavailable, NotStarted, ReadGate, Record, Start, Started,
};

/// Keeps records in memory, for as long as the process lives. Finished keys are kept too: memory grows with the number
/// of keys, about 1 KiB each.
#[derive(Debug, Default)]
pub struct MemoryLedger {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    keys: HashMap<String, Entry>,
    fence: u64,
}

#[derive(Debug)]
struct Entry {
    fingerprint: Digest,
    standing: Standing,
    fence: u64,
    /// The last attempt started.
    attempt: u32,
    /// Whether an attempt may have had an effect.
    unknown: bool,
    report: ExecutionReport,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    Started,
    At(KeyState),
}

impl MemoryLedger {
    /// An empty ledger.
    pub fn new() -> Self {
        Self::default()
    }
}

impl State {
    fn know(&mut self, claim: Claim<'_>) -> Known {
        let Some(entry) = self.keys.get_mut(claim.key) else { return Known::Fresh };
        if entry.fingerprint != claim.fingerprint {
            return Known::Reused;
        }
        if entry.standing == Standing::Started {
            // The key is reserved by the caller, so whoever started this is gone.
            entry.unknown = true;
            entry.standing =
                Standing::At(if claim.may_repeat_effect { KeyState::Open } else { KeyState::InDoubt });
        }
        match entry.standing {
            Standing::At(KeyState::Open) => {
                Known::Resumable(Prior { attempts: entry.attempt + 1, unknown: entry.unknown })
            }
            Standing::At(KeyState::InDoubt) | Standing::Started => {
                Known::InDoubt(Box::new(entry.report.clone()))
            }
            Standing::At(KeyState::Succeeded | KeyState::Failed) => {
                Known::Finished(Box::new(entry.report.clone()))
            }
        }
    }

    fn start(&mut self, start: Start<'_>, gate: ReadGate<'_>) -> Result<Started, NotStarted> {
        let claim = start.claim;
        match self.keys.get(claim.key) {
            None => {}
            Some(entry) if entry.fingerprint == claim.fingerprint && entry.is_followed_by(start) => {}
            Some(_) => return Err(NotStarted::Race(self.know(claim))),
        }
        let verdict = gate();
        if verdict.bars_start(start.is_new_work) {
            return Err(NotStarted::Gate(verdict));
        }
        self.fence += 1;
        let unknown = self
            .keys
            .get(claim.key)
            .is_some_and(|entry| entry.unknown || entry.standing == Standing::Started);
        let entry = Entry {
            fingerprint: claim.fingerprint,
            standing: Standing::Started,
            fence: self.fence,
            attempt: start.attempt,
            unknown,
            report: start.report_if_lost.clone(),
        };
        self.keys.insert(claim.key.to_owned(), entry);
        Ok(Started { fence: self.fence })
    }

    fn record(&mut self, record: Record<'_>) {
        match self.keys.get_mut(record.key) {
            Some(entry) if entry.fence == record.fence && !entry.is_terminal() => {
                entry.standing = Standing::At(record.state);
                entry.report = record.report.clone();
            }
            _ => tracing::warn!(attempt = record.attempt, fence = record.fence, "a late record was refused"),
        }
    }
}

impl Entry {
    fn is_terminal(&self) -> bool {
        match self.standing {
            Standing::Started | Standing::At(KeyState::Open) => false,
            Standing::At(KeyState::Succeeded | KeyState::Failed | KeyState::InDoubt) => true,
        }
    }

    /// Whether `start` is the attempt after the last one, of an execution that may make it.
    fn is_followed_by(&self, start: Start<'_>) -> bool {
        let may_go_on = match self.standing {
            Standing::At(KeyState::Open) => true,
            Standing::Started => start.claim.may_repeat_effect,
            Standing::At(KeyState::Succeeded | KeyState::Failed | KeyState::InDoubt) => false,
        };
        may_go_on && start.attempt == self.attempt + 1
    }
}

impl Ledger for MemoryLedger {
    fn look_up<'a>(&'a self, claim: Claim<'a>) -> LedgerFuture<'a, Result<Known, LedgerUnavailable>> {
        Box::pin(async move { Ok(self.state.lock().know(claim)) })
    }

    fn freed<'a>(&'a self, _key: &'a str) -> LedgerFuture<'a, ()> {
        // Nobody else has this memory, so nothing in it is ever in progress elsewhere.
        Box::pin(std::future::ready(()))
    }

    fn start<'a>(
        &'a self,
        start: Start<'a>,
        gate: ReadGate<'a>,
    ) -> LedgerFuture<'a, Result<Started, NotStarted>> {
        Box::pin(async move { self.state.lock().start(start, gate) })
    }

    fn record<'a>(&'a self, record: Record<'a>) -> LedgerFuture<'a, Result<(), LedgerUnavailable>> {
        Box::pin(async move {
            self.state.lock().record(record);
            Ok(())
        })
    }
}
