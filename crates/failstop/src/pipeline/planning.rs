//! The plan of a submission, as `failstop plan` prints it.

use std::borrow::Cow;

use decision_schema::InputFault;
use execution_orchestration_core::{
    idempotency::{Digest, resolve_key},
    model::{Conclusion, ExecutionReport, ReasonCode},
};

use super::{Pipeline, Submission};
use crate::{clock, reporting::invalid_input, request::Request};

/// A plan, and the digest of its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planned {
    /// The plan as canonical JSON.
    pub plan: String,
    /// SHA-256 of it.
    pub digest: Digest,
}

/// Why there is no plan: what was asked for would be refused.
#[derive(Debug, Clone, PartialEq)]
pub struct NotPlanned {
    /// The report that it would have.
    pub report: ExecutionReport,
    /// Why, for people; names no input text but the guards' own reasons.
    pub message: String,
}

impl Submission {
    /// The plan that `pipeline` would carry it out by. A proposal is planned with what its line says alone: plans are
    /// deterministic, histories are not.
    ///
    /// # Errors
    /// Where the guards refuse it, or it has no key where one is needed.
    pub fn plan(&self, pipeline: &Pipeline) -> Result<Planned, Box<NotPlanned>> {
        let (engine, decision) = (pipeline.engine(), self.decided(pipeline.guards()));
        let request = self.request(&decision);
        if let (Cow::Owned(_), false) = (&decision, decision.allowed) {
            let code = ReasonCode::NotAllowed;
            let message = format!("the guards refuse it: {} ({code})", decision.reasons.join(", "));
            return Err(Box::new(NotPlanned { report: refusal(&request, code), message }));
        }
        let mut plan = engine.plan(&request);
        let idempotency = engine.policy().idempotency();
        if idempotency.enabled {
            let generator = idempotency.key_generator;
            let key = resolve_key(None, request.idempotency_key, generator, &request.identity());
            plan.set_key(key.map_err(|fault| {
                let code = ReasonCode::from_name(fault.code()).unwrap_or(ReasonCode::InputInvalid);
                NotPlanned { report: refusal(&request, code), message: format!("{fault} ({code})") }
            })?);
        }
        let plan = plan.to_canonical_json();
        Ok(Planned { digest: Digest::of(plan.as_bytes()), plan })
    }
}

/// The report on what was read and would be refused. Any fault gives the bare report of a refusal.
fn refusal(request: &Request<'_>, code: ReasonCode) -> ExecutionReport {
    let bare = invalid_input(request.line, clock::unix_ms(), &InputFault::line_too_long());
    ExecutionReport {
        action: Some(request.decision.action),
        run_id: request.run_id.map(str::to_owned),
        step: request.step,
        conclusion: Conclusion::refused(code),
        ..bare
    }
}
