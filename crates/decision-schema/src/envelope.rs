//! The input line: a bare decision, or an envelope around a decision or a proposal.

use alloc::string::String;

use crate::{
    fields::{each_member, integer, label, object, optional, unknown},
    input_fault::InputFault,
    json::{self, Object, Value},
    packet_v2::PacketV2,
    schema_fault::{Problem, SchemaFault},
    types::{Action, FinalDecision, Proposal},
};

/// What an input line asks for.
#[derive(Debug, Clone, PartialEq)]
pub enum Payload {
    /// A decision that is ready to be carried out.
    Decision(FinalDecision),
    /// A proposal that must pass the guards first.
    Proposal(Proposal),
}

impl Payload {
    /// The action that is decided or proposed.
    pub const fn action(&self) -> Action {
        match self {
            Self::Decision(decision) => decision.action,
            Self::Proposal(proposal) => proposal.action,
        }
    }
}

/// One input line. A bare decision is an envelope with nothing else in it.
#[derive(Debug, Clone, PartialEq)]
pub struct Envelope {
    /// The decision or proposal.
    pub payload: Payload,
    /// What the rules look at, under plain keys (`now_ms`) and namespaced ones (`domain:key`). Values are free JSON.
    pub context: Object,
    /// The run it belongs to: 1 to 256 bytes, no control characters.
    pub run_id: Option<String>,
    /// Which step of the run, `>= 0`.
    pub step: Option<i64>,
    /// On whose behalf: 1 to 256 bytes, no control characters.
    pub tenant: Option<String>,
    /// The sender's key: 1 to 256 bytes, no control characters.
    pub idempotency_key: Option<String>,
    /// The packet to complete with the execution's trace.
    pub packet: Option<PacketV2>,
}

impl From<Payload> for Envelope {
    fn from(payload: Payload) -> Self {
        Self {
            payload,
            context: Object::new(),
            run_id: None,
            step: None,
            tenant: None,
            idempotency_key: None,
            packet: None,
        }
    }
}

impl Envelope {
    /// The names of its fields, in the contract's order.
    pub const FIELDS: &[&str] =
        &["decision", "proposal", "context", "run_id", "step", "tenant", "idempotency_key", "packet"];

    /// Reads one input line; whitespace around the value, a line break too, is allowed.
    ///
    /// ```
    /// use decision_schema::{Action, Envelope};
    ///
    /// let envelope = Envelope::parse(br#"{"decision": {"action": "ACT"}, "run_id": "nightly", "step": 3}"#)?;
    /// assert_eq!(envelope.payload.action(), Action::Act);
    ///
    /// let fault = Envelope::parse(br#"{"action": "FLY"}"#).unwrap_err();
    /// let message = "action: must be one of HOLD, ACT, EXIT, CANCEL, STOP (at byte 11)";
    /// assert_eq!(fault.to_string(), message);
    /// # Ok::<(), decision_schema::InputFault>(())
    /// ```
    ///
    /// # Errors
    /// The line is not JSON as [`json::parse`] takes it, or not what [`Self::from_value`] takes.
    pub fn parse(line: &[u8]) -> Result<Self, InputFault> {
        let value = json::parse(line).map_err(|fault| InputFault::from_json(fault, line))?;
        Self::from_value(value).map_err(|fault| InputFault::from_schema(fault, line))
    }

    /// Reads an envelope if the object has a member `decision` or `proposal`, and a bare [`FinalDecision`] otherwise.
    /// Everything but the payload may be absent or null; so may one of the two payloads.
    ///
    /// # Errors
    /// A field is unknown, missing, of the wrong type or out of range; both payloads are there, or both null.
    pub fn from_value(value: Value) -> Result<Self, SchemaFault> {
        if is_envelope(&value) {
            Self::from_fields(value)
        } else {
            FinalDecision::from_value(value).map(|decision| Self::from(Payload::Decision(decision)))
        }
    }

    fn from_fields(value: Value) -> Result<Self, SchemaFault> {
        let (mut decision, mut proposal, mut context, mut packet) = Default::default();
        let (mut run_id, mut step, mut tenant, mut idempotency_key) = Default::default();
        each_member(value, Self::FIELDS, |name, value| {
            match name {
                "decision" => decision = optional(value, FinalDecision::from_value)?,
                "proposal" => proposal = optional(value, Proposal::from_value)?,
                "context" => context = optional(value, object)?,
                "run_id" => run_id = optional(value, label)?,
                "step" => step = optional(value, |step| integer(step, 0, i64::MAX))?,
                "tenant" => tenant = optional(value, label)?,
                "idempotency_key" => idempotency_key = optional(value, label)?,
                "packet" => packet = optional(value, PacketV2::from_value)?,
                _ => return unknown(Self::FIELDS),
            }
            Ok(())
        })?;
        let payload = match (decision, proposal) {
            (Some(decision), None) => Payload::Decision(decision),
            (None, Some(proposal)) => Payload::Proposal(proposal),
            (Some(_), Some(_)) => return Err(SchemaFault::new(Problem::TwoPayloads)),
            (None, None) => return Err(SchemaFault::new(Problem::NoPayload)),
        };
        let context = context.unwrap_or_else(Object::new);
        Ok(Self { payload, context, run_id, step, tenant, idempotency_key, packet })
    }
}

fn is_envelope(value: &Value) -> bool {
    value.get("decision").is_some() || value.get("proposal").is_some()
}
