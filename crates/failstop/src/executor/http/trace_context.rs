//! The `traceparent` header of the W3C's Trace Context, derived and not drawn.

use execution_orchestration_core::idempotency::Digest;

use crate::executor::Attempt;

/// One trace per execution, one span per attempt: the same attempt always sends the same ids. An execution that has
/// neither a key nor a run is told from others by its deadline only.
pub(super) fn traceparent(attempt: &Attempt<'_>) -> String {
    let execution = match (attempt.idempotency_key, attempt.run_id) {
        (Some(key), _) => format!("failstop.trace/key\n{key}"),
        (None, Some(run_id)) => {
            format!("failstop.trace/run\n{:?}\n{:?}\n{run_id}", attempt.tenant, attempt.step)
        }
        (None, None) => format!("failstop.trace/none\n{}", attempt.deadline_ms),
    };
    let trace = Digest::of(execution.as_bytes()).to_string();
    let span =
        Digest::of(format!("{trace}\n{}\n{}", attempt.attempt_number, attempt.fence).as_bytes()).to_string();
    format!("00-{}-{}-01", &trace[..32], &span[..16])
}
