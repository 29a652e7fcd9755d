//! From a proposal to a decision.

use alloc::{string::String, vec};

use decision_schema::{FinalDecision, MismatchInfo, Object, Proposal};

use crate::{
    GuardPolicy,
    context::Facts,
    guards::{Guard, first_objection},
    objection::{Objection, Oddity},
};

/// The flag of a refusal that is not a guard's judgement: something could not be judged. (Where the reference raises
/// an exception, it says so too.)
pub const MODULATE_EXCEPTION: &str = "modulate_exception";

/// The reason of such a refusal, as the decision has it.
const FAIL_CLOSED: &str = "fail_closed";

/// Asks the guards in their order whether `proposal` may be carried out, with `context` as what is known and `policy`
/// as their thresholds.
///
/// If all agree, the decision is allowed, with the proposal's action, reasons and params, and the mismatch is empty.
/// If one objects, the decision is not allowed, its action is [`GuardPolicy::refusal_action`], and its mismatch
/// (returned beside it too) has the guard's name as its one flag and one reason code, which is the decision's reason:
///
/// | flag | reason codes ([`Reason`](crate::Reason), [`Flaw`](crate::Flaw)) |
/// |---|---|
/// | `ops_health` | `ops_deny_actions`, `ops_health_red`, `ops_cooldown_active` |
/// | `staleness` | `staleness_exceeded`, `clock_went_back` |
/// | `error_rate` | `error_rate_high` |
/// | `rate_limit` | `rate_limit_exceeded` |
/// | `circuit_breaker` | `circuit_breaker` |
/// | `cooldown` | `cooldown_active` |
/// | [`MODULATE_EXCEPTION`] | `context_wrong_type`, `context_out_of_range`, `context_unknown_state`, `proposal_out_of_range` |
///
/// A value that a guard cannot judge, or a confidence outside of `0..=1`, is refused with [`MODULATE_EXCEPTION`] and
/// the decision's reason `fail_closed`; the mismatch's `metadata` then has the name of the value as `context_key` and
/// that of the guard as `guard`. Members of the context that no guard reads are not looked at, and nothing the context
/// holds is repeated.
///
/// Pure: the same arguments give the same answer, and none makes it panic.
pub fn modulate(
    proposal: &Proposal,
    policy: &GuardPolicy,
    context: &Object,
) -> (FinalDecision, MismatchInfo) {
    match objection(proposal, &Facts { context, policy }) {
        None => (allowed(proposal), MismatchInfo::default()),
        Some(refusal) => refused(policy, refusal),
    }
}

/// Why a proposal becomes a refusal.
struct Refusal {
    /// The decision's reason.
    reason: &'static str,
    mismatch: MismatchInfo,
}

fn objection(proposal: &Proposal, facts: &Facts<'_>) -> Option<Refusal> {
    match first_objection(facts) {
        Some((guard, Objection::Denied(reason))) => Some(denied(guard.name(), reason.as_str())),
        Some((guard, Objection::Odd(oddity))) => Some(not_judged(guard, oddity)),
        None if (0.0..=1.0).contains(&proposal.confidence) => None,
        None => Some(Refusal {
            reason: FAIL_CLOSED,
            mismatch: mismatch(MODULATE_EXCEPTION, "proposal_out_of_range"),
        }),
    }
}

fn denied(guard: &str, reason: &'static str) -> Refusal {
    Refusal { reason, mismatch: mismatch(guard, reason) }
}

fn not_judged(guard: Guard, Oddity { key, flaw }: Oddity) -> Refusal {
    let metadata = [("context_key", key.as_str()), ("guard", guard.name())].into_iter().collect();
    let mismatch = MismatchInfo { metadata: Some(metadata), ..mismatch(MODULATE_EXCEPTION, flaw.as_str()) };
    Refusal { reason: FAIL_CLOSED, mismatch }
}

fn mismatch(flag: &str, reason_code: &str) -> MismatchInfo {
    MismatchInfo {
        flags: vec![String::from(flag)],
        reason_codes: vec![String::from(reason_code)],
        ..MismatchInfo::default()
    }
}

fn allowed(proposal: &Proposal) -> FinalDecision {
    FinalDecision {
        reasons: proposal.reasons.clone(),
        params: proposal.params.clone(),
        ..FinalDecision::new(proposal.action)
    }
}

fn refused(policy: &GuardPolicy, Refusal { reason, mismatch }: Refusal) -> (FinalDecision, MismatchInfo) {
    let decision = FinalDecision {
        allowed: false,
        reasons: vec![String::from(reason)],
        mismatch: Some(mismatch.clone()),
        ..FinalDecision::new(policy.refusal_action())
    };
    (decision, mismatch)
}
