//! A ledger that lives and dies with its process: the same semantics, without the durability.

use std::collections::{HashMap, hash_map::Entry};

use execution_orchestration_core::{
    ledger::{Beginning, Contradiction, KeyRecord, OwnerId, Sight, withdraw_last_attempt},
    model::ExecutionReport,
    orchestrator::{KeyState, Prior},
    stop::Verdict,
};
use parking_lot::Mutex;

use super::{
    Claim, Evidence, Keys, Known, Ledger, LedgerFuture, LedgerUnavailable, NotStarted, Record, Resumption,
    Start, Started,
};
use crate::{gate::Gate, locks::AttemptLock};

/// Keeps records in memory, for as long as the process lives. Finished keys are kept too: memory grows with the number
/// of keys, about 1 KiB each. Evidence goes to the log.
#[derive(Debug, Default)]
pub struct MemoryLedger {
    keys: Keys,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    kept: HashMap<String, Kept>,
    fence: u64,
}

#[derive(Debug)]
struct Kept {
    record: KeyRecord,
    report: ExecutionReport,
}

impl MemoryLedger {
    /// An empty ledger.
    pub fn new() -> Self {
        Self::default()
    }
}

impl Kept {
    /// The key is reserved by the caller, so whoever started something under it is gone.
    fn know(&mut self, claim: Claim<'_>) -> Known {
        match self.record.sight(claim.fingerprint, claim.may_repeat_effect, false) {
            Sight::Reused => Known::Reused,
            Sight::InProgress => Known::InProgress,
            Sight::Resumable { unknown } => Known::Resumable(Box::new(Resumption {
                prior: Prior { attempts: self.record.attempts, unknown },
                fence: self.record.fence,
                report: self.report.clone(),
            })),
            Sight::Orphaned => {
                self.record = self.record.orphan().unwrap_or(self.record);
                Known::InDoubt(Box::new(self.report.clone()))
            }
            Sight::InDoubt => Known::InDoubt(Box::new(self.report.clone())),
            Sight::Finished => Known::Finished(Box::new(self.report.clone())),
        }
    }
}

impl State {
    fn start(&mut self, start: &Start<'_>) -> Result<Started, NotStarted> {
        let claim = start.claim;
        let beginning = Beginning {
            fingerprint: claim.fingerprint,
            fence: self.fence + 1,
            attempt: start.attempt,
            owner: OwnerId::NOBODY,
            may_repeat: claim.may_repeat_effect,
        };
        let entry = self.kept.entry(claim.key.to_owned());
        let next = match &entry {
            Entry::Occupied(kept) => kept.get().record.restart(&beginning),
            Entry::Vacant(_) => KeyRecord::first(&beginning),
        };
        let Ok(record) = next else {
            return Err(match entry {
                Entry::Occupied(mut kept) => NotStarted::Race(kept.get_mut().know(claim)),
                Entry::Vacant(_) => NotStarted::Unavailable,
            });
        };
        let verdict = start.gate.verdict(Verdict::RUN);
        if verdict.bars_start(start.is_new_work) {
            return Err(NotStarted::Gate(verdict));
        }
        self.fence = beginning.fence;
        entry.insert_entry(Kept { record, report: start.report_if_lost.clone() });
        Ok(Started { fence: self.fence, lock: None })
    }

    fn withdraw(&mut self, key: &str, attempt: u32) {
        let Some(kept) = self.kept.get_mut(key).filter(|kept| kept.record.attempts == attempt + 1) else {
            return;
        };
        if let Ok(record) = kept.record.conclude(kept.record.fence, KeyState::Open) {
            kept.record = record;
            withdraw_last_attempt(&mut kept.report, record.may_have_effect);
        }
    }

    fn record(&mut self, record: Record<'_>) -> Result<(), Contradiction> {
        let kept = self.kept.get_mut(record.key).ok_or(Contradiction::Standing)?;
        kept.record = kept.record.conclude(record.fence, record.state)?;
        kept.report = record.report.clone();
        Ok(())
    }
}

impl Ledger for MemoryLedger {
    fn keys(&self) -> &Keys {
        &self.keys
    }

    fn look_up<'a>(&'a self, claim: Claim<'a>) -> LedgerFuture<'a, Result<Known, LedgerUnavailable>> {
        Box::pin(async move {
            let mut state = self.state.lock();
            Ok(state.kept.get_mut(claim.key).map_or(Known::Fresh, |kept| kept.know(claim)))
        })
    }

    fn freed<'a>(&'a self, _key: &'a str) -> LedgerFuture<'a, ()> {
        // Nobody else has this memory, so nothing in it is ever in progress elsewhere.
        Box::pin(std::future::ready(()))
    }

    fn start<'a>(&'a self, start: Start<'a>) -> LedgerFuture<'a, Result<Started, NotStarted>> {
        Box::pin(async move { self.state.lock().start(&start) })
    }

    fn withdraw(&self, key: &str, attempt: u32) {
        self.state.lock().withdraw(key, attempt);
    }

    fn record<'a>(&'a self, record: Record<'a>) -> LedgerFuture<'a, Result<(), LedgerUnavailable>> {
        Box::pin(async move {
            self.state.lock().record(record).map_err(|contradiction| {
                tracing::warn!(%contradiction, attempt = record.attempt, fence = record.fence, "a record was refused");
                LedgerUnavailable
            })
        })
    }

    fn note(&self, evidence: Evidence<'_>) {
        match evidence {
            Evidence::Denied(_) => {}
            Evidence::Late { fence, attempt, effect, .. } => {
                tracing::warn!(attempt, fence, effect = effect.as_str(), "a late result changes nothing");
            }
        }
    }

    fn attach(&self, _gate: &Gate) {
        // What nobody else can see, nobody else can stop.
    }

    fn hold_attempt(&self, _fence: u64) -> Option<AttemptLock> {
        None
    }
}
