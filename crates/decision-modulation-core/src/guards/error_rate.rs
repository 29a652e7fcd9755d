//! Whether what was done lately mostly worked.

use crate::{
    ContextKey,
    context::Facts,
    objection::{Judgement, Reason},
};

/// Met if `errors_in_window / steps_in_window <= max_error_rate`; without steps, if there are no errors either.
pub(super) fn judge(facts: &Facts<'_>) -> Judgement {
    let errors = facts.count(ContextKey::ErrorsInWindow, 0)?;
    let steps = facts.count(ContextKey::StepsInWindow, 1)?;
    Reason::ErrorRateHigh.unless(rate(errors, steps) <= facts.policy.max_error_rate())
}

/// Errors a step; without steps nothing is no error, and any error is too many.
fn rate(errors: u64, steps: u64) -> f64 {
    if errors == 0 { 0.0 } else { errors as f64 / steps as f64 }
}
