//! The start-up self-test: a decision that a stopped gate must refuse, sent down the path that all decisions take.

use std::sync::atomic::{AtomicBool, Ordering};

use decision_schema::{Action, FinalDecision, Object};
use execution_orchestration_core::{
    idempotency::{Digest, Identity, fingerprint},
    model::{ExecutionReport, ReasonCode},
    stop::{Level, Scope},
};

use crate::{
    clock::Clock,
    engine::{House, Rooms, run},
    executor::{Answer, from_fn},
    gate::Gate,
    ledger::{Claim, NotStarted, Start, StartGate},
    request::Request,
};

/// A stopped gate let a decision through. Nothing may be executed by this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the self-test failed: a stopped gate let a decision through")]
pub struct StopNotProven;

/// The key of the decision that is never executed.
const KEY: &str = "failstop.canary";

/// Sends a decision through admission and, where there is a ledger, through its start step, against a gate at `halt`
/// that nobody else holds. Neither may let it pass.
pub(crate) async fn prove_stop(house: House<'_>) -> Result<(), StopNotProven> {
    let gate = Gate::new();
    gate.engage(Scope::Global, Level::Halt, "self-test");
    let report = admit(house, &gate).await?;
    if report.conclusion.reason_code != Some(ReasonCode::GateStopped) || !report.attempts.is_empty() {
        return Err(StopNotProven);
    }
    start(house, &gate, &report).await
}

async fn admit(house: House<'_>, gate: &Gate) -> Result<ExecutionReport, StopNotProven> {
    let rooms = Rooms {
        gate: gate.clone(),
        clock: Clock::new(),
        redactor: house.redactor.clone(),
        slots: None,
        rate: None,
        guards: None,
        plan_digests: house.plan_digests,
        health: None,
        history: None,
    };
    let was_called = AtomicBool::new(false);
    let tripwire = from_fn(|_| {
        was_called.store(true, Ordering::SeqCst);
        std::future::ready(Answer::unknown())
    });
    let (decision, context) = (FinalDecision::new(Action::Hold), Object::new());
    let report =
        run(House { rooms: &rooms, ..house }, &Request::new(&decision, &context), Some(&tripwire)).await;
    if was_called.load(Ordering::SeqCst) { Err(StopNotProven) } else { Ok(report) }
}

/// A ledger that is unavailable starts nothing either.
async fn start(house: House<'_>, gate: &Gate, report_if_lost: &ExecutionReport) -> Result<(), StopNotProven> {
    let Some(ledger) = house.ledger() else { return Ok(()) };
    let start = Start {
        claim: Claim { key: KEY, fingerprint: fingerprint_of_canary(), may_repeat_effect: false },
        attempt: 0,
        is_new_work: true,
        may_outlive_process: false,
        gate: StartGate::new(gate.clone(), Action::Hold, false),
        report_if_lost,
    };
    match ledger.start(start).await {
        Err(NotStarted::Gate(_) | NotStarted::Unavailable | NotStarted::Lost) => Ok(()),
        Ok(_) | Err(NotStarted::Race(_)) => Err(StopNotProven),
    }
}

fn fingerprint_of_canary() -> Digest {
    let context = Object::new();
    fingerprint(&Identity {
        action: Action::Hold,
        params: None,
        context: &context,
        run_id: None,
        step: None,
        tenant: None,
    })
}
