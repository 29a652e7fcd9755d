//! What an execution tells of itself to those who watch the engine: its health and its history.

use execution_orchestration_core::{
    model::{ExecutionStatus, ReasonCode},
    orchestrator::{Phase, StopCause},
};

use super::Drive;
use crate::{health::AttemptEnd, history::StepEnd};

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
        let Some(record) = self.machine.attempts().last().filter(|record| record.attempt_number == number)
        else {
            return;
        };
        let error_code = record.error_code.as_deref();
        let end = AttemptEnd { effect: record.effect, error_code, has_hint, latency_ms: record.latency_ms };
        if let Some(history) = self.house.history.as_ref().filter(|_| end.is_rate_limited()) {
            history.note_rate_limit();
        }
        if self.house.health.as_ref().is_some_and(|health| health.note(end)) {
            tracing::warn!("ops-health is RED: nothing starts until the cooldown is over");
            self.house.gate.stir();
        }
    }

    /// Tells how the execution ended. One that tried nothing, or was broken off, says nothing of how well things go.
    pub(super) fn tell_outcome(&self) {
        let Some(history) = &self.house.history else { return };
        if self.machine.attempts().is_empty() || self.is_broken_off() {
            return;
        }
        match self.machine.conclusion().map(|end| end.status) {
            Some(ExecutionStatus::Success) => history.note_step(StepEnd::Succeeded),
            Some(ExecutionStatus::Failed) => history.note_step(StepEnd::Failed),
            Some(ExecutionStatus::Skipped | ExecutionStatus::Denied) | None => {}
        }
    }
}
