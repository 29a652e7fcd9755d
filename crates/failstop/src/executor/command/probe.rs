//! Asking a program whether an effect happened.

use std::time::Duration;

use execution_orchestration_core::model::Effect;
use tokio::time::timeout;

use super::{CommandSpec, LAST_OUTPUT, capture::Capture, group::Group, spawn};
use crate::executor::{Control, reply};

/// What a probe says of an effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProbeAnswer {
    /// It happened.
    Applied,
    /// It did not, and it will not.
    NotApplied,
    /// It cannot tell, or could not be asked.
    Unknown,
}

/// Starts the program as an attempt's would be, with `request` on standard input, and reads `{"effect": "applied" |
/// "not_applied" | "unknown"}` from its standard output. Anything else is unknown: another answer, an exit code other
/// than 0, no end within `time`, after which its whole group is killed.
pub async fn probe(spec: &CommandSpec, request: &str, time: Duration) -> ProbeAnswer {
    timeout(time, ask(spec, request)).await.unwrap_or(ProbeAnswer::Unknown)
}

async fn ask(spec: &CommandSpec, request: &str) -> ProbeAnswer {
    let Ok(mut leader) = spawn::spawn(spec, request, None) else { return ProbeAnswer::Unknown };
    let mut capture = Capture::new(&mut leader, spec.max_output_bytes);
    let mut group = Group::new(leader, None, Control::default().hold());
    let status = tokio::select! {
        biased;
        status = group.ended() => status,
        never = capture.read_for_ever() => match never {},
    };
    // Whether it ends in time or not, what was read so far is what there is.
    let _ = timeout(LAST_OUTPUT, capture.read_to_end()).await;
    if !status.is_some_and(|status| status.success()) {
        return ProbeAnswer::Unknown;
    }
    match capture.whole_stdout().and_then(reply::read_answer).map(|answer| answer.effect) {
        Some(Effect::Applied) => ProbeAnswer::Applied,
        Some(Effect::NotApplied) => ProbeAnswer::NotApplied,
        Some(Effect::Rejected | Effect::Unknown) | None => ProbeAnswer::Unknown,
    }
}
