//! What an execution tells of itself to those who watch the engine: its health.

use execution_orchestration_core::{
    model::ReasonCode,
    orchestrator::{Phase, StopCause},
};

use super::Drive;
use crate::health::AttemptEnd;

impl Drive<'_> {
    /// Whether the gate or the caller, and not the attempt itself or its time, ends the attempt.
    pub(super) fn is_broken_off(&self) -> bool {
        let is_ours = |code| matches!(code, ReasonCode::StoppedInFlight | ReasonCode::Cancelled);
        match self.machine.phase() {
            Phase::Stopping { cause, .. } | Phase::Killing { cause, .. } => {
                matches!(cause, StopCause::Gate | StopCause::Cancelled)
            }
            _ => self.machine.conclusion().and_then(|end| end.reason_code).is_some_and(is_ours),
        }
    }

    /// Tells how attempt `number` ended. One that was broken off says nothing of its target.
    pub(super) fn tell_end(&self, number: u32, has_hint: bool) {
        let Some(health) = &self.house.health else { return };
        let Some(record) = self.machine.attempts().last().filter(|record| record.attempt_number == number)
        else {
            return;
        };
        let error_code = record.error_code.as_deref();
        let end = AttemptEnd { effect: record.effect, error_code, has_hint, latency_ms: record.latency_ms };
        if health.note(end) {
            tracing::warn!("ops-health is RED: nothing starts until the cooldown is over");
            self.house.gate.stir();
        }
    }
}
