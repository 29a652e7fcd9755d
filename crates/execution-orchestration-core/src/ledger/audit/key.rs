//! One key as the events tell it.

use alloc::vec::Vec;

use decision_schema::Action;

use super::{event::Started, finding::FindingKind};
use crate::{
    ledger::{Beginning, Contradiction, KeyRecord, Resolution, Standing},
    model::{Code, Effect, ExecutionAttempt, ExecutionId, ExecutionReport, Outcome, ReasonCode, Stopped},
    orchestrator::KeyState,
};

/// What the events say of one key.
#[derive(Debug, Clone, PartialEq)]
pub struct KeyTrace {
    /// Moved by its own transitions only; where an event contradicts it, what the event says.
    pub record: KeyRecord,
    /// Of the first start.
    pub execution_id: ExecutionId,
    /// Of the first start.
    pub action: Action,
    /// Of the last report.
    pub outcome: Outcome,
    /// Of the last report.
    pub reason_code: Option<ReasonCode>,
    /// When its first start was recorded, Unix wall time in milliseconds.
    pub started_at_ms: i64,
    /// When its last report was recorded, Unix wall time in milliseconds.
    pub updated_at_ms: i64,
    /// The event with its last report.
    pub last_event: u64,
    /// Every attempt, in order, as the last report tells it.
    pub attempts: Vec<AttemptTrace>,
    /// How many attempts had been made when somebody said that none of them had an effect.
    pub(super) settled: usize,
}

/// What the events say of one attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttemptTrace {
    /// Counted from 0.
    pub number: u32,
    /// Of its start.
    pub fence: u64,
    /// What it did to the world.
    pub effect: Effect,
    /// Set where it was told to stop.
    pub stopped: Option<Stopped>,
    /// The kind of fault.
    pub error_type: Option<Code>,
    /// The fault's code.
    pub error_code: Option<Code>,
    /// Unix wall time, milliseconds.
    pub started_at_ms: i64,
    /// Milliseconds.
    pub latency_ms: u64,
}

impl AttemptTrace {
    fn new(fence: u64, attempt: &ExecutionAttempt) -> Self {
        Self {
            number: attempt.attempt_number,
            fence,
            effect: attempt.effect,
            stopped: attempt.stopped,
            error_type: attempt.error_type.clone(),
            error_code: attempt.error_code.clone(),
            started_at_ms: attempt.started_at_ms,
            latency_ms: attempt.latency_ms,
        }
    }

    /// An attempt of which no report has told yet.
    const fn begun(start: &Beginning) -> Self {
        Self {
            number: start.attempt,
            fence: start.fence,
            effect: Effect::Unknown,
            stopped: None,
            error_type: None,
            error_code: None,
            started_at_ms: 0,
            latency_ms: 0,
        }
    }

    /// Whether `attempt` tells the same of it.
    pub(super) fn is_told_by(&self, attempt: &ExecutionAttempt) -> bool {
        *self == Self::new(self.fence, attempt)
    }
}

impl KeyTrace {
    /// A key with its first start, and what is wrong with that.
    pub(super) fn begin(started: &Started) -> (Self, Option<FindingKind>) {
        let (start, report) = (&started.beginning, &started.report);
        let (record, fault) = match KeyRecord::first(start) {
            Ok(record) => (record, None),
            Err(contradiction) => (begun(start), Some(fault_of(contradiction))),
        };
        let trace = Self {
            record,
            execution_id: report.execution_id,
            action: started.action,
            outcome: report.conclusion.outcome,
            reason_code: report.conclusion.reason_code,
            started_at_ms: 0,
            updated_at_ms: 0,
            last_event: 0,
            attempts: alloc::vec![AttemptTrace::begun(start)],
            settled: 0,
        };
        let is_retry = !started.is_new_work;
        (trace, fault.or(is_retry.then_some(FindingKind::NotARetry)))
    }

    /// One more start.
    pub(super) fn restart(&mut self, started: &Started) -> Option<FindingKind> {
        let (before, start) = (self.record, &started.beginning);
        self.attempts.push(AttemptTrace::begun(start));
        match before.restart(start) {
            Ok(record) => {
                self.record = record;
                let is_retry = !started.is_new_work && before.owner != start.owner;
                is_retry.then_some(FindingKind::NotARetry)
            }
            Err(contradiction) => {
                let may_have_effect = before.may_have_effect || may_have_had_effect(&before);
                self.record = KeyRecord {
                    fingerprint: before.fingerprint,
                    may_have_effect,
                    resolution: before.resolution,
                    ..begun(start)
                };
                Some(start_fault(&before, start, contradiction))
            }
        }
    }

    /// The end of its last attempt.
    pub(super) fn conclude(&mut self, fence: u64, state: KeyState) -> Option<FindingKind> {
        let before = self.record;
        match before.conclude(fence, state) {
            Ok(record) => {
                self.record = record;
                None
            }
            Err(contradiction) => {
                self.record.standing = state.into();
                self.record.fence = fence;
                self.record.may_have_effect |= state == KeyState::InDoubt;
                let is_second = before.standing == Standing::Succeeded && state == KeyState::Succeeded;
                Some(if is_second { FindingKind::SecondEffect } else { fault_of(contradiction) })
            }
        }
    }

    /// What an operator or a probe said.
    pub(super) fn resolve(&mut self, fence: u64, resolution: Resolution) -> Option<FindingKind> {
        let before = self.record;
        let in_doubt = KeyRecord { standing: Standing::InDoubt, ..before };
        if let Ok(record) = in_doubt.resolve(resolution) {
            self.record = record;
        }
        if resolution == Resolution::NotApplied {
            self.settled = self.attempts.len();
        }
        if before.standing != Standing::InDoubt {
            return Some(FindingKind::NotInDoubt);
        }
        (fence != before.fence).then_some(FindingKind::Fence)
    }

    /// What is wrong with its retirement.
    pub(super) fn expire(&self, fence: u64) -> Option<FindingKind> {
        if !self.record.may_expire() {
            return Some(FindingKind::ExpiredEarly);
        }
        (fence != self.record.fence).then_some(FindingKind::Fence)
    }

    /// Takes over what an event's report tells.
    pub(super) fn hear(&mut self, report: &ExecutionReport, (seq, at_ms): (u64, i64)) {
        (self.outcome, self.reason_code) = (report.conclusion.outcome, report.conclusion.reason_code);
        (self.last_event, self.updated_at_ms) = (seq, at_ms);
        for (trace, attempt) in self.attempts.iter_mut().zip(&report.attempts) {
            *trace = AttemptTrace::new(trace.fence, attempt);
        }
    }
}

/// A record that follows from nothing but this start.
const fn begun(start: &Beginning) -> KeyRecord {
    KeyRecord {
        standing: Standing::Started,
        fingerprint: start.fingerprint,
        fence: start.fence,
        attempts: start.attempt.saturating_add(1),
        owner: start.owner,
        may_have_effect: false,
        may_repeat: start.may_repeat,
        resolution: None,
    }
}

/// What is wrong with a start: before all else, that an effect may happen twice.
fn start_fault(before: &KeyRecord, start: &Beginning, contradiction: Contradiction) -> FindingKind {
    let may_repeat = before.standing == Standing::Started && before.may_repeat && start.may_repeat;
    if may_have_had_effect(before) && !may_repeat {
        return FindingKind::SecondEffect;
    }
    if contradiction == Contradiction::Standing {
        FindingKind::StartAfterEnd
    } else {
        fault_of(contradiction)
    }
}

const fn may_have_had_effect(record: &KeyRecord) -> bool {
    match record.standing {
        Standing::Started | Standing::Succeeded | Standing::InDoubt => true,
        Standing::Open | Standing::Failed => false,
    }
}

const fn fault_of(contradiction: Contradiction) -> FindingKind {
    match contradiction {
        Contradiction::Fingerprint => FindingKind::Fingerprint,
        Contradiction::Standing => FindingKind::OutcomeWithoutStart,
        Contradiction::Fence => FindingKind::Fence,
        Contradiction::Attempt => FindingKind::Attempt,
        Contradiction::Effect => FindingKind::EffectDenied,
    }
}
