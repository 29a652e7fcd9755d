//! The thread that reads, and the lines it hands over.

use std::thread;

use decision_schema::{Action, Envelope, FinalDecision, InputFault, Object, Payload, Value};
use failstop::Request;
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

/// A line that is a decision, with all that came with it.
pub struct Submission {
    /// The line's number.
    pub line: u64,
    decision: FinalDecision,
    packet: Option<Object>,
    context: Object,
    run_id: Option<String>,
    step: Option<i64>,
    tenant: Option<String>,
    idempotency_key: Option<String>,
}

/// Why a line is not executed.
pub enum Refusal {
    /// It cannot be read as a decision.
    Fault(InputFault),
    /// It is a proposal, which guards would have to turn into a decision first.
    Proposal {
        /// What is proposed.
        action: Action,
        /// The envelope's `run_id`, or the proposal's own.
        run_id: Option<String>,
        /// The envelope's `step`.
        step: Option<i64>,
    },
}

/// Reads one line; `None` stands for one that is too long.
///
/// # Errors
/// Why it is not executed.
pub fn parse(line: u64, bytes: Option<&[u8]>) -> Result<Submission, Refusal> {
    let bytes = bytes.ok_or_else(|| Refusal::Fault(InputFault::line_too_long()))?;
    let Envelope { payload, context, run_id, step, tenant, idempotency_key, packet } =
        Envelope::parse(bytes).map_err(Refusal::Fault)?;
    let decision = match payload {
        Payload::Decision(decision) => decision,
        Payload::Proposal(proposal) => {
            let run_id = run_id.or(proposal.run_id);
            return Err(Refusal::Proposal { action: proposal.action, run_id, step });
        }
    };
    let packet = packet.map(|packet| match packet.to_value() {
        Value::Object(packet) => packet,
        _ => Object::new(),
    });
    Ok(Submission { line, decision, packet, context, run_id, step, tenant, idempotency_key })
}

impl Submission {
    /// What is asked of the engine.
    pub fn request(&self) -> Request<'_> {
        Request {
            run_id: self.run_id.as_deref(),
            step: self.step,
            tenant: self.tenant.as_deref(),
            idempotency_key: self.idempotency_key.as_deref(),
            packet: self.packet.as_ref(),
            line: Some(self.line),
            ..Request::new(&self.decision, &self.context)
        }
    }
}
