//! A start that was made durable, and whose executor was not entered.

use crate::model::{Code, Effect, ExecutionAttempt, ExecutionReport, Outcome};

/// Takes an attempt for what it was: never entered.
pub fn withdraw(attempt: &mut ExecutionAttempt) {
    attempt.effect = Effect::NotApplied;
    attempt.error_type = Some(Code::Borrowed("not_entered"));
    attempt.error_code = Some(Code::Borrowed("not_entered"));
}

/// Takes the last attempt of a report for what it was: never entered, and so without effect. Whether an attempt before
/// it `may_have_effect` is for its record to say.
pub fn withdraw_last_attempt(report: &mut ExecutionReport, may_have_effect: bool) {
    if let Some(last) = report.attempts.last_mut() {
        withdraw(last);
    }
    if !may_have_effect {
        report.conclusion.outcome = Outcome::NotExecuted;
    }
}
