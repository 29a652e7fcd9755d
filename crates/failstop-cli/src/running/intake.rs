//! The thread that reads, and the lines it hands over.

use std::{borrow::Cow, thread};

use decision_schema::{Envelope, FinalDecision, InputFault, Object, PacketV2, Payload, Proposal, Value};
use failstop::{
    Request,
    core::model::ExecutionReport,
    modulation_core::{GuardPolicy, modulate},
    pipeline::{Pipeline, ProposalRequest},
};
use tokio::sync::mpsc;

use crate::input::{Chunk, Chunks, Input};

/// How many chunks may wait to be worked on.
const CHUNKS_AHEAD: usize = 2;

/// What the reading thread has to say.
pub enum Fed {
    /// Lines.
    Chunk(Chunk),
    /// Reading failed with this error number; nothing more comes.
    Broken(i32),
}

/// Reads `input` on a thread of its own, which nobody waits for: it may never come back from a read.
///
/// # Errors
/// Where there is no thread to be had.
pub fn feed(input: Input) -> std::io::Result<mpsc::Receiver<Fed>> {
    let (to, from) = mpsc::channel(CHUNKS_AHEAD);
    thread::Builder::new().name("failstop-input".into()).spawn(move || {
        let mut chunks = Chunks::new(input.source);
        loop {
            let fed = match chunks.next() {
                Ok(None) => return,
                Ok(Some(chunk)) => Fed::Chunk(chunk),
                Err(error) => Fed::Broken(error.raw_os_error().unwrap_or(0)),
            };
            let is_last = matches!(fed, Fed::Broken(_));
            if to.blocking_send(fed).is_err() || is_last {
                return;
            }
        }
    })?;
    Ok(from)
}

/// A line that can be executed, with all that came with it.
pub struct Submission {
    /// The line's number.
    pub line: u64,
    asked: Asked,
    context: Object,
    run_id: Option<String>,
    step: Option<i64>,
    tenant: Option<String>,
    idempotency_key: Option<String>,
}

/// What a line asks for, with the packet as each is executed with it.
enum Asked {
    Decision(FinalDecision, Option<Object>),
    Proposal(Proposal, Option<PacketV2>),
}

/// Reads one line; `None` stands for one that is too long.
///
/// # Errors
/// Why it is not executed.
pub fn parse(line: u64, bytes: Option<&[u8]>) -> Result<Submission, InputFault> {
    let bytes = bytes.ok_or_else(InputFault::line_too_long)?;
    let Envelope { payload, context, run_id, step, tenant, idempotency_key, packet } =
        Envelope::parse(bytes)?;
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
    Ok(Submission { line, asked, context, run_id, step, tenant, idempotency_key })
}

impl Submission {
    /// Carries it out.
    pub async fn execute(&self, pipeline: &Pipeline) -> ExecutionReport {
        match &self.asked {
            Asked::Decision(decision, packet) => {
                let request = Request { packet: packet.as_ref(), ..self.request(decision) };
                pipeline.engine().execute(&request).await
            }
            // Boxed, so that decisions, which need less, do not take up as much.
            Asked::Proposal(proposal, packet) => {
                Box::pin(pipeline.submit(&self.proposal(proposal, packet.as_ref()))).await
            }
        }
    }

    /// What is decided: the line's own decision, or what `guards` make of its proposal if they know no more than the line
    /// says.
    pub fn decided(&self, guards: &GuardPolicy) -> Cow<'_, FinalDecision> {
        match &self.asked {
            Asked::Decision(decision, _) => Cow::Borrowed(decision),
            Asked::Proposal(proposal, _) => Cow::Owned(modulate(proposal, guards, &self.context).0),
        }
    }

    /// What is asked of the engine, where this is what was decided.
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
            line: Some(self.line),
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
            line: Some(self.line),
            ..ProposalRequest::new(proposal, &self.context)
        }
    }
}
