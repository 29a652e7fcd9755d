//! What the end of a program says about its effect.

use std::{collections::BTreeMap, os::unix::process::ExitStatusExt, process::ExitStatus};

use execution_orchestration_core::model::Effect;

use crate::executor::{Answer, reply};

/// EX_TEMPFAIL of `sysexits.h`: try again later.
const EX_TEMPFAIL: i32 = 75;

/// The answer of a program that ended in time. What it printed counts only after a normal exit, and a claim that
/// nothing happened only where the exit code agrees; `status` is `None` where the system would not tell it.
pub(super) fn interpret(
    status: Option<ExitStatus>,
    stdout: Option<&[u8]>,
    exit_effects: &BTreeMap<i32, Effect>,
) -> Answer {
    let Some(status) = status else {
        return Answer::unknown().with_code("exit_unreadable");
    };
    let Some(code) = status.code() else {
        return Answer::unknown().with_code(format!("signal_{}", status.signal().unwrap_or_default()));
    };
    let by_code = effect_of_code(code, exit_effects);
    let answer = stdout
        .and_then(reply::read_answer)
        .filter(|reply| counts(reply.effect, code, by_code))
        .unwrap_or_else(|| Answer::of(by_code));
    if code == 0 || answer.error_code.is_some() { answer } else { answer.with_code(format!("exit_{code}")) }
}

fn effect_of_code(code: i32, exit_effects: &BTreeMap<i32, Effect>) -> Effect {
    match (exit_effects.get(&code), code) {
        (Some(effect), _) => *effect,
        (None, 0) => Effect::Applied,
        (None, EX_TEMPFAIL) => Effect::NotApplied,
        (None, _) => Effect::Unknown,
    }
}

fn counts(claimed: Effect, code: i32, by_code: Effect) -> bool {
    match claimed {
        Effect::Applied | Effect::Unknown => true,
        Effect::NotApplied | Effect::Rejected => code == 0 || claimed == by_code,
    }
}
