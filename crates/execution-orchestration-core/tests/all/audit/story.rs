//! Ledgers as they are told in tests: events with the right hashes, whatever they say.

use decision_schema::Action;
use execution_orchestration_core::{
    idempotency::Digest,
    ledger::{
        Beginning, Event, EventKind, GENESIS, OwnerId, Resolution,
        audit::{Audit, Auditor, Checkpoint, Source},
        body,
    },
    model::{
        Conclusion, Effect, ExecutionAttempt, ExecutionId, ExecutionReport, ExecutionStatus, Outcome,
        ReasonCode,
    },
    stop::{GateEntry, Level, Scope},
};

/// Events under way, and what the next ones are made of.
pub struct Story {
    pub events: Vec<Event>,
    pub owner: OwnerId,
    pub fingerprint: Digest,
    pub may_repeat: bool,
    pub is_exempt: bool,
    pub epoch: u64,
}

impl Story {
    /// A ledger that was just made.
    pub fn new() -> Self {
        let mut story = Self {
            events: Vec::new(),
            owner: OwnerId(7),
            fingerprint: Digest::of(b"decision"),
            may_repeat: false,
            is_exempt: false,
            epoch: 1,
        };
        story.tell(EventKind::Created, None, None, body::created("ledger-1"));
        story
    }

    pub fn seq(&self) -> u64 {
        self.events.len() as u64
    }

    pub fn tell(
        &mut self,
        kind: EventKind,
        key: Option<&str>,
        fence: Option<u64>,
        body: String,
    ) -> &mut Event {
        let seq = self.seq() + 1;
        let at_ms = 1_000 + i64::try_from(seq).unwrap();
        self.events.push(Event { seq, at_ms, kind, key: key.map(Into::into), fence, gate_epoch: None, body });
        self.events.last_mut().unwrap()
    }

    /// A start of attempt `effects.len()`, after attempts that ended so.
    pub fn start(&mut self, key: &str, before: &[Effect]) -> u64 {
        self.start_as(key, before, before.is_empty())
    }

    pub fn start_as(&mut self, key: &str, before: &[Effect], is_new_work: bool) -> u64 {
        let fence = self.seq() + 1;
        let start = Beginning {
            fingerprint: self.fingerprint,
            fence,
            attempt: u32::try_from(before.len()).unwrap(),
            owner: self.owner,
            may_repeat: self.may_repeat,
        };
        let effects = [before, &[Effect::Unknown]].concat();
        let body =
            body::started(&start, is_new_work, self.is_exempt, &report(key, &effects, Outcome::Unknown));
        let epoch = self.epoch;
        self.tell(EventKind::Started, Some(key), Some(fence), body).gate_epoch = Some(epoch);
        fence
    }

    /// The end of the attempt with this fence.
    pub fn end(&mut self, kind: EventKind, key: &str, fence: u64, effects: &[Effect]) -> u64 {
        let outcome = match kind {
            EventKind::Succeeded => Outcome::Executed,
            EventKind::InDoubt => Outcome::Unknown,
            _ => Outcome::NotExecuted,
        };
        self.tell(kind, Some(key), Some(fence), body::stands(&report(key, effects, outcome))).seq
    }

    pub fn resolve(&mut self, key: &str, fence: u64, effects: &[Effect], resolution: Resolution) {
        let outcome = match resolution {
            Resolution::Applied => Outcome::Executed,
            Resolution::NotApplied => Outcome::NotExecuted,
        };
        let body = body::resolved(resolution, "op", "looked", None, &report(key, effects, outcome));
        self.tell(EventKind::Resolved, Some(key), Some(fence), body);
    }

    pub fn gate(&mut self, scope: Scope, level: Level) {
        self.epoch += 1;
        let entry = GateEntry { scope, level, epoch: self.epoch, reason: "drill".into(), at_ms: 5 };
        self.tell(EventKind::Gate, None, None, body::gate(&entry)).gate_epoch = Some(entry.epoch);
    }

    /// Announces the release of `scope` as it last changed, and lowers it.
    pub fn release(&mut self, scope: Scope) {
        self.tell(EventKind::Release, None, None, body::release(scope, "op", "done")).gate_epoch =
            Some(self.epoch);
        self.gate(scope, Level::Run);
    }

    /// The events with their hashes, each behind the one before.
    pub fn chained(&self) -> Vec<(Event, Digest)> {
        let mut previous = GENESIS;
        let link = |event: &Event| {
            let hash = event.hash(&previous);
            previous = *hash.as_bytes();
            (event.clone(), hash)
        };
        self.events.iter().map(link).collect()
    }

    pub fn audit(&self) -> Audit {
        audit(self.chained(), &[])
    }

    /// The codes of what is found in it.
    pub fn codes(&self) -> Vec<&'static str> {
        codes(&self.audit())
    }
}

pub fn audit(events: Vec<(Event, Digest)>, kept: &[Checkpoint]) -> Audit {
    let mut auditor = Auditor::new(kept.iter().map(|checkpoint| (*checkpoint, Source::Kept)).collect());
    for (event, hash) in events {
        auditor.take(event, hash);
    }
    auditor.finish()
}

pub fn codes(audit: &Audit) -> Vec<&'static str> {
    audit.findings.iter().map(|finding| finding.kind.code()).collect()
}

pub fn report(key: &str, effects: &[Effect], outcome: Outcome) -> ExecutionReport {
    let attempts = effects.iter().zip(0..).map(|(effect, number)| attempt(*effect, number)).collect();
    let is_success = outcome == Outcome::Executed;
    ExecutionReport {
        execution_id: ExecutionId(42),
        run_id: None,
        step: None,
        line: None,
        action: Some(Action::Act),
        conclusion: Conclusion {
            status: if is_success { ExecutionStatus::Success } else { ExecutionStatus::Failed },
            outcome,
            reason_code: (!is_success).then_some(ReasonCode::UnknownOutcome),
            fail_closed: !is_success,
        },
        replayed: false,
        idempotency_key: Some(key.into()),
        plan_digest: None,
        attempts,
        total_latency_ms: 3,
        gate: None,
        output: None,
        external: decision_schema::Object::new(),
        packet: None,
    }
}

fn attempt(effect: Effect, attempt_number: u32) -> ExecutionAttempt {
    let has_applied = effect == Effect::Applied;
    ExecutionAttempt {
        action: Action::Act,
        status: if has_applied { ExecutionStatus::Success } else { ExecutionStatus::Failed },
        attempt_number,
        latency_ms: 3,
        error_type: None,
        error_code: None,
        effect,
        stopped: None,
        started_at_ms: 1_000,
        waited_ms: 0,
        wait_reason: None,
    }
}
