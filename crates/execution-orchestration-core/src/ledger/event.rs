//! One link of the audit chain.

use alloc::string::String;

use crate::{
    idempotency::{
        Digest, DigestSink,
        canonical_json::{Sink, write_str},
    },
    model::wire_names,
};

/// What goes before the first event.
pub const GENESIS: [u8; 32] = [0; 32];

/// Opens what is hashed, so that no other hash of the project can be taken for an event's.
const DOMAIN: &str = "failstop.event/1";

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EventKind {
    /// A ledger was made; always the first event, and only that.
    Created,
    /// An attempt may be having its effect from now on.
    Started,
    /// The attempt ended without effect, and others may follow.
    Open,
    /// An attempt applied.
    Succeeded,
    /// It ended, and no attempt had an effect.
    Failed,
    /// It ended, or its owner died, and an attempt may have had an effect.
    InDoubt,
    /// A decision was refused, or skipped, before anything was tried.
    Denied,
    /// A result or a record came too late and changed nothing.
    Late,
    /// An operator or a probe said what happened.
    Resolved,
    /// A finished key's record was retired.
    Expired,
    /// A scope of the gate changed.
    Gate,
    /// Somebody is about to release a scope of the gate.
    Release,
}

wire_names!(EventKind {
    Created => "created",
    Started => "started",
    Open => "open",
    Succeeded => "succeeded",
    Failed => "failed",
    InDoubt => "in_doubt",
    Denied => "denied",
    Late => "late",
    Resolved => "resolved",
    Expired => "expired",
    Gate => "gate",
    Release => "release",
});

/// One event. `hash = SHA-256("failstop.event/1" || hash of the one before || canonical JSON of all members)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// From 1, without gaps.
    pub seq: u64,
    /// Unix wall time, milliseconds; for people, never for proof.
    pub at_ms: i64,
    /// What happened.
    pub kind: EventKind,
    /// The key it happened under; none for the ledger's own events and for denials without a key.
    pub key: Option<String>,
    /// The fence of the attempt it speaks of.
    pub fence: Option<u64>,
    /// The gate's epoch, for starts and for the gate's own changes.
    pub gate_epoch: Option<u64>,
    /// One object in canonical JSON, redacted. Its shape is that of the kind; see [`super::body`].
    pub body: String,
}

impl Event {
    /// The hash of this event after `previous`.
    pub fn hash(&self, previous: &[u8; 32]) -> Digest {
        let mut sink = DigestSink::default();
        sink.put(DOMAIN);
        sink.put_bytes(previous);
        self.write_canonical(&mut sink);
        sink.finish()
    }

    /// Writes all members as one object in canonical JSON; `body` must be so already.
    pub fn write_canonical(&self, sink: &mut impl Sink) {
        sink.put("{\"at_ms\":");
        put_number(self.at_ms, sink);
        sink.put(",\"body\":");
        sink.put(&self.body);
        sink.put(",\"fence\":");
        put_optional(self.fence, sink);
        sink.put(",\"gate_epoch\":");
        put_optional(self.gate_epoch, sink);
        sink.put(",\"key\":");
        match &self.key {
            Some(key) => write_str(key, sink),
            None => sink.put("null"),
        }
        sink.put(",\"kind\":\"");
        sink.put(self.kind.as_str());
        sink.put("\",\"seq\":");
        put_number(self.seq, sink);
        sink.put("}");
    }
}

fn put_optional(number: Option<u64>, sink: &mut impl Sink) {
    match number {
        Some(number) => put_number(number, sink),
        None => sink.put("null"),
    }
}

fn put_number(number: impl Into<i128>, sink: &mut impl Sink) {
    let mut text = String::with_capacity(20);
    crate::report::push_decimal(number.into(), &mut text);
    sink.put(&text);
}
