//! What one line of input asks for: a decision or a proposal, with all that came with it.

use std::borrow::Cow;

use decision_modulation_core::{GuardPolicy, modulate};
use decision_schema::{Envelope, FinalDecision, InputFault, Object, PacketV2, Payload, Proposal, Value};
use execution_orchestration_core::model::ExecutionReport;

use super::{Pipeline, ProposalRequest};
use crate::request::{Cancellation, Request};

/// One envelope that can be executed: the command line makes one of each line, a library of each call.
///
/// ```
/// use failstop::pipeline::Submission;
///
/// let submission = Submission::parse(Some(1), br#"{"action": "ACT"}"#)?;
/// assert_eq!(submission.line, Some(1));
/// # Ok::<(), decision_schema::InputFault>(())
/// ```
#[derive(Debug, Clone)]
pub struct Submission {
    /// The line of the input, from 1; `None` where there are no lines.
    pub line: Option<u64>,
    asked: Asked,
    context: Object,
    run_id: Option<String>,
    step: Option<i64>,
    tenant: Option<String>,
    idempotency_key: Option<String>,
}

/// What is asked for, with the packet as each is executed with it.
#[derive(Debug, Clone)]
enum Asked {
    Decision(FinalDecision, Option<Object>),
    Proposal(Proposal, Option<PacketV2>),
}

impl Submission {
    /// An envelope that was read, from `line` of the input if there are lines.
    pub fn new(line: Option<u64>, envelope: Envelope) -> Self {
        let Envelope { payload, context, run_id, step, tenant, idempotency_key, packet } = envelope;
        let asked = match payload {
            Payload::Decision(decision) => {
                let packet = packet.and_then(|packet| match packet.to_value() {
                    Value::Object(packet) => Some(packet),
                    _ => None,
                });
                Asked::Decision(decision, packet)
            }
            Payload::Proposal(proposal) => Asked::Proposal(proposal, packet),
        };
        Self { line, asked, context, run_id, step, tenant, idempotency_key }
    }

    /// Reads one envelope, as [`Envelope::parse`] does.
    ///
    /// # Errors
    /// Why it is not executed; [`crate::invalid_input`] makes a report of it.
    pub fn parse(line: Option<u64>, bytes: &[u8]) -> Result<Self, InputFault> {
        Envelope::parse(bytes).map(|envelope| Self::new(line, envelope))
    }

    /// Carries it out: a decision by [`crate::Engine::execute`], a proposal by [`Pipeline::submit`]. Never fails and never
    /// panics, as they.
    pub async fn execute(&self, pipeline: &Pipeline) -> ExecutionReport {
        self.execute_until(pipeline, None).await
    }

    /// As [`Self::execute`], unless [`crate::Engine::cancel`] is called with `cancellation`.
    pub async fn execute_until(
        &self,
        pipeline: &Pipeline,
        cancellation: Option<&Cancellation>,
    ) -> ExecutionReport {
        match &self.asked {
            Asked::Decision(decision, packet) => {
                let request = Request { packet: packet.as_ref(), cancellation, ..self.request(decision) };
                pipeline.engine().execute(&request).await
            }
            // Boxed, so that decisions, which need less, do not take up as much.
            Asked::Proposal(proposal, packet) => {
                let request = ProposalRequest { cancellation, ..self.proposal(proposal, packet.as_ref()) };
                Box::pin(pipeline.submit(&request)).await
            }
        }
    }

    /// What is decided: its own decision, or what `guards` make of its proposal if they know no more than it says itself.
    pub fn decided(&self, guards: &GuardPolicy) -> Cow<'_, FinalDecision> {
        match &self.asked {
            Asked::Decision(decision, _) => Cow::Borrowed(decision),
            Asked::Proposal(proposal, _) => Cow::Owned(modulate(proposal, guards, &self.context).0),
        }
    }

    /// What is asked of the engine, where `decision` is what was decided: to plan with. Has no packet.
    pub fn request<'a>(&'a self, decision: &'a FinalDecision) -> Request<'a> {
        let own_run_id = match &self.asked {
            Asked::Decision(..) => None,
            Asked::Proposal(proposal, _) => proposal.run_id.as_deref(),
        };
        Request {
            run_id: self.run_id.as_deref().or(own_run_id),
            step: self.step,
            tenant: self.tenant.as_deref(),
            idempotency_key: self.idempotency_key.as_deref(),
            line: self.line,
            ..Request::new(decision, &self.context)
        }
    }

    fn proposal<'a>(&'a self, proposal: &'a Proposal, packet: Option<&'a PacketV2>) -> ProposalRequest<'a> {
        ProposalRequest {
            run_id: self.run_id.as_deref(),
            step: self.step,
            tenant: self.tenant.as_deref(),
            idempotency_key: self.idempotency_key.as_deref(),
            packet,
            line: self.line,
            ..ProposalRequest::new(proposal, &self.context)
        }
    }
}
