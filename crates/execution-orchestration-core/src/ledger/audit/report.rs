//! What the report in an event may say, given the event and what went before.

use super::key::{AttemptTrace, KeyTrace};
use crate::{
    ledger::Resolution,
    model::{Effect, ExecutionAttempt, ExecutionReport, ExecutionStatus, Outcome},
    orchestrator::KeyState,
};

/// What kind of event a key's report stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Telling {
    Start,
    End(KeyState),
    Resolution(Resolution),
}

/// The first member that contradicts the event, if any does. `trace` has followed the event, but not its report.
pub(super) fn contradiction(
    report: &ExecutionReport,
    telling: Telling,
    key: Option<&str>,
    trace: &KeyTrace,
) -> Option<&'static str> {
    let conclusion = &report.conclusion;
    let is_success = conclusion.outcome == Outcome::Executed;
    let status = if is_success { ExecutionStatus::Success } else { ExecutionStatus::Failed };
    let faults = [
        ("idempotency_key", report.idempotency_key.as_deref() != key),
        ("execution_id", report.execution_id != trace.execution_id),
        ("action", report.action != Some(trace.action)),
        ("replayed", report.replayed),
        ("outcome", !is_outcome_of(conclusion.outcome, telling, trace)),
        ("status", conclusion.status != status),
        ("reason_code", conclusion.reason_code.is_none() != is_success),
        ("attempts", !are_attempts_of(report, telling, trace)),
    ];
    faults.into_iter().find_map(|(member, is_fault)| is_fault.then_some(member))
}

/// The first member that a refusal's report cannot have, if any.
pub(super) fn denial_contradiction(report: &ExecutionReport, key: Option<&str>) -> Option<&'static str> {
    let conclusion = &report.conclusion;
    let is_refusal = matches!(conclusion.status, ExecutionStatus::Denied | ExecutionStatus::Skipped);
    let faults = [
        ("idempotency_key", report.idempotency_key.as_deref() != key),
        ("status", !is_refusal),
        ("outcome", conclusion.outcome == Outcome::Executed),
        ("reason_code", conclusion.reason_code.is_none()),
    ];
    faults.into_iter().find_map(|(member, is_fault)| is_fault.then_some(member))
}

/// Whether the event allows the outcome (INV-FS-3).
fn is_outcome_of(outcome: Outcome, telling: Telling, trace: &KeyTrace) -> bool {
    match telling {
        Telling::End(KeyState::Succeeded) | Telling::Resolution(Resolution::Applied) => {
            outcome == Outcome::Executed
        }
        Telling::End(KeyState::Failed) | Telling::Resolution(Resolution::NotApplied) => {
            outcome == Outcome::NotExecuted
        }
        Telling::Start | Telling::End(KeyState::InDoubt) => outcome == Outcome::Unknown,
        Telling::End(KeyState::Open) if trace.record.may_have_effect => outcome == Outcome::Unknown,
        Telling::End(KeyState::Open) => outcome != Outcome::Executed,
    }
}

/// Whether the report tells of the attempts that were started, no more and no less, and of each what the event allows.
fn are_attempts_of(report: &ExecutionReport, telling: Telling, trace: &KeyTrace) -> bool {
    let told = &report.attempts;
    told.len() == trace.attempts.len()
        && told.iter().zip(&trace.attempts).all(|(told, known)| is_attempt_of(told, known, trace))
        && are_earlier_ones_unchanged(told, telling, trace)
        && are_effects_of(told, telling, trace.settled)
}

fn is_attempt_of(told: &ExecutionAttempt, known: &AttemptTrace, trace: &KeyTrace) -> bool {
    let has_applied = told.effect == Effect::Applied;
    told.attempt_number == known.number
        && told.action == trace.action
        && (told.status == ExecutionStatus::Success) == has_applied
}

/// An attempt's end is told once: by the event that ends it, or by the start after it.
fn are_earlier_ones_unchanged(told: &[ExecutionAttempt], telling: Telling, trace: &KeyTrace) -> bool {
    let may_change = match telling {
        Telling::Start => 2,
        Telling::End(_) => 1,
        Telling::Resolution(_) => 0,
    };
    let earlier = told.len().saturating_sub(may_change);
    told.iter().zip(&trace.attempts).take(earlier).all(|(told, known)| known.is_told_by(told))
}

/// Whether what the attempts did is what the event says of all of them. Of the first `settled`, whatever they report,
/// somebody has said that they had no effect.
fn are_effects_of(told: &[ExecutionAttempt], telling: Telling, settled: usize) -> bool {
    let applied = told.iter().filter(|attempt| attempt.effect == Effect::Applied).count();
    let last = told.last().map(|attempt| attempt.effect);
    let is_harmless = |effect| matches!(effect, Effect::NotApplied | Effect::Rejected);
    match telling {
        Telling::Start => applied == 0 && last == Some(Effect::Unknown),
        Telling::End(KeyState::Open) => applied == 0 && last.is_some_and(is_harmless),
        Telling::End(KeyState::Succeeded) => applied == 1 && last == Some(Effect::Applied),
        Telling::End(KeyState::Failed) => {
            applied == 0 && told.iter().skip(settled).all(|attempt| is_harmless(attempt.effect))
        }
        Telling::End(KeyState::InDoubt) | Telling::Resolution(_) => applied == 0,
    }
}
