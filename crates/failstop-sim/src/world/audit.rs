//! Writes the chain as the ledger does, and has the shipped auditor read it.

use decision_schema::Object;
use execution_orchestration_core::{
    ledger::{Beginning, Event, EventKind, GENESIS, audit::Auditor, body},
    model::{
        Conclusion, Effect, ExecutionAttempt, ExecutionId, ExecutionReport, ExecutionStatus, Outcome,
        ReasonCode,
    },
    orchestrator::KeyState,
    stop::GateEntry,
};

use super::{
    bounds::Bounds,
    gate::SCOPES,
    ledger::{Ledger, Told, action_of, fingerprint},
    process::owner_id,
    promise::Broken,
};

/// The first thing that the auditor finds in the ledger's chain.
pub(super) fn finding(bounds: &Bounds, ledger: &Ledger) -> Option<Broken> {
    let mut auditor = Auditor::new(Vec::new());
    let mut previous = GENESIS;
    for event in Chain::new(bounds).events(&ledger.told) {
        let hash = event.hash(&previous);
        previous = *hash.as_bytes();
        auditor.take(event, hash);
    }
    let audit = auditor.finish();
    audit.findings.iter().next().map(|finding| Broken::Audit(finding.kind.code()))
}

/// Tells what happened as events with bodies; keeps of each key how its attempts ended.
struct Chain<'b> {
    bounds: &'b Bounds,
    effects: Vec<Vec<Effect>>,
}

impl<'b> Chain<'b> {
    fn new(bounds: &'b Bounds) -> Self {
        Self { bounds, effects: vec![Vec::new(); bounds.keys.len()] }
    }

    fn events(mut self, told: &[Told]) -> Vec<Event> {
        let created = event(1, EventKind::Created, body::created("ledger-1"));
        let rest = (2..).zip(told).map(|(seq, told)| self.event(seq, *told));
        std::iter::once(created).chain(rest).collect()
    }

    fn event(&mut self, seq: u64, told: Told) -> Event {
        match told {
            Told::Started { key, owner, attempt, gate_epoch, is_new_work } => {
                let body = self.started(key, (seq, attempt, owner), is_new_work);
                let event = event(seq, EventKind::Started, body);
                of_key(Event { gate_epoch: Some(gate_epoch), ..event }, key, seq)
            }
            Told::Ended { key, fence, state, may_have_effect } => {
                let body = self.ended(key, state, may_have_effect);
                of_key(event(seq, kind_of(state), body), key, fence)
            }
            Told::Late { key, fence, attempt } => {
                of_key(event(seq, EventKind::Late, body::late(attempt, "unknown")), key, fence)
            }
            Told::Gate { scope, level, epoch } => {
                let entry =
                    GateEntry { scope: SCOPES[scope], level, epoch, reason: "drill".into(), at_ms: 0 };
                Event { gate_epoch: Some(epoch), ..event(seq, EventKind::Gate, body::gate(&entry)) }
            }
            Told::Release { scope, expected_epoch } => {
                let body = body::release(SCOPES[scope], "op", "over");
                Event { gate_epoch: Some(expected_epoch), ..event(seq, EventKind::Release, body) }
            }
        }
    }

    fn started(&mut self, key: u8, (fence, attempt, owner): (u64, u32, usize), is_new_work: bool) -> String {
        let may_repeat = self.bounds.keys[usize::from(key)].may_repeat;
        let owner = owner_id(owner);
        let start = Beginning { fingerprint: fingerprint(), fence, attempt, owner, may_repeat };
        self.effects[usize::from(key)].push(Effect::Unknown);
        body::started(&start, is_new_work, false, &self.report(key, Outcome::Unknown))
    }

    fn ended(&mut self, key: u8, state: KeyState, may_have_effect: bool) -> String {
        let (effect, outcome) = match state {
            KeyState::Succeeded => (Effect::Applied, Outcome::Executed),
            KeyState::Open if may_have_effect => (Effect::NotApplied, Outcome::Unknown),
            KeyState::Open | KeyState::Failed => (Effect::NotApplied, Outcome::NotExecuted),
            KeyState::InDoubt => (Effect::Unknown, Outcome::Unknown),
        };
        if let Some(last) = self.effects[usize::from(key)].last_mut() {
            *last = effect;
        }
        body::stands(&self.report(key, outcome))
    }

    fn report(&self, key: u8, outcome: Outcome) -> ExecutionReport {
        let is_success = outcome == Outcome::Executed;
        let attempts = self.effects[usize::from(key)].iter().zip(0..);
        ExecutionReport {
            execution_id: ExecutionId(u128::from(key)),
            run_id: None,
            step: None,
            line: None,
            action: Some(action_of(self.bounds, key)),
            conclusion: Conclusion {
                status: if is_success { ExecutionStatus::Success } else { ExecutionStatus::Failed },
                outcome,
                reason_code: (!is_success).then_some(ReasonCode::UnknownOutcome),
                fail_closed: !is_success,
            },
            replayed: false,
            idempotency_key: Some(name(key)),
            plan_digest: None,
            attempts: attempts.map(|(effect, number)| self.attempt(key, *effect, number)).collect(),
            total_latency_ms: 0,
            gate: None,
            output: None,
            external: Object::new(),
            packet: None,
        }
    }

    fn attempt(&self, key: u8, effect: Effect, attempt_number: u32) -> ExecutionAttempt {
        let has_applied = effect == Effect::Applied;
        ExecutionAttempt {
            action: action_of(self.bounds, key),
            status: if has_applied { ExecutionStatus::Success } else { ExecutionStatus::Failed },
            attempt_number,
            latency_ms: 0,
            error_type: None,
            error_code: None,
            effect,
            stopped: None,
            started_at_ms: 0,
            waited_ms: 0,
            wait_reason: None,
        }
    }
}

fn event(seq: u64, kind: EventKind, body: String) -> Event {
    Event { seq, at_ms: 0, kind, key: None, fence: None, gate_epoch: None, body }
}

fn of_key(event: Event, key: u8, fence: u64) -> Event {
    Event { key: Some(name(key)), fence: Some(fence), ..event }
}

fn name(key: u8) -> String {
    format!("key-{key}")
}

const fn kind_of(state: KeyState) -> EventKind {
    match state {
        KeyState::Open => EventKind::Open,
        KeyState::Succeeded => EventKind::Succeeded,
        KeyState::Failed => EventKind::Failed,
        KeyState::InDoubt => EventKind::InDoubt,
    }
}
