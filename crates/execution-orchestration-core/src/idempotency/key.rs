//! Idempotency keys: given, generated, or refused.

use alloc::string::{String, ToString};

use decision_schema::{Action, Number, Object, Value};

use super::{
    Digest, DigestSink,
    canonical_json::{Sink, write_members, write_number, write_str},
};
use crate::policies::KeyGenerator;

/// The longest key that is accepted, in bytes.
pub const MAX_KEY_LEN: usize = 255;

/// What a request is, for the purpose of telling whether another is the same: the line as received, before the engine
/// adds anything. Of a proposal line, the proposal's action and params.
#[derive(Debug, Clone, Copy)]
pub struct Identity<'a> {
    /// What is asked for.
    pub action: Action,
    /// Domain data; absent and null are the same, empty is not.
    pub params: Option<&'a Object>,
    /// The context, empty where the line has none.
    pub context: &'a Object,
    /// The run this belongs to.
    pub run_id: Option<&'a str>,
    /// The step of the run.
    pub step: Option<i64>,
    /// The tenant.
    pub tenant: Option<&'a str>,
}

/// Why there is no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyFault {
    /// None was given, and none can be generated.
    #[error("no idempotency key: give one, or run_id and step, or now_ms in the context")]
    Missing,
    /// The header and the envelope give different keys.
    #[error("the idempotency key of the header differs from that of the envelope")]
    Conflict,
    /// A given key is empty, longer than [`MAX_KEY_LEN`], has control characters, or begins or ends with a space.
    #[error("an idempotency key is 1 to 255 bytes, without control characters and spaces at its ends")]
    Malformed,
}

impl KeyFault {
    /// The reason code of a report that is refused for this fault.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Missing => "idempotency_key_missing",
            Self::Conflict => "idempotency_key_conflict",
            Self::Malformed => "input_invalid",
        }
    }
}

/// The key of a request: from the header, else from the envelope, else generated.
///
/// # Errors
/// [`KeyFault::Malformed`] for a given key that cannot be one, [`KeyFault::Conflict`] where two are given and differ,
/// [`KeyFault::Missing`] where none is given and none can be generated.
pub fn resolve_key(
    header: Option<&str>,
    envelope: Option<&str>,
    generator: KeyGenerator,
    identity: &Identity<'_>,
) -> Result<String, KeyFault> {
    let given = match (header, envelope) {
        (Some(header), Some(envelope)) if header != envelope => return Err(KeyFault::Conflict),
        (Some(key), _) | (None, Some(key)) => Some(key),
        (None, None) => None,
    };
    match (given, generator) {
        (Some(key), _) if is_well_formed(key) => Ok(key.into()),
        (Some(_), _) => Err(KeyFault::Malformed),
        (None, KeyGenerator::ActionContextHash) => generated_key(identity).map(|digest| digest.to_string()),
        (None, KeyGenerator::Custom) => Err(KeyFault::Missing),
    }
}

fn is_well_formed(key: &str) -> bool {
    (1..=MAX_KEY_LEN).contains(&key.len()) && key.trim() == key && !key.chars().any(char::is_control)
}

/// The key that `action+context_hash` generates: SHA-256 of the canonical JSON of
/// `{action, params, context, run_id, step, tenant}`; the key's text is its 64 hexadecimal digits.
///
/// What is absent is left out, and so are the context's members that others recompute when they send a line again; a
/// context of which nothing is left is as absent.
///
/// # Errors
/// [`KeyFault::Missing`] unless there are `run_id` and `step`, or a number `now_ms` in the context: without them two
/// requests that merely look alike would be taken for one.
pub fn generated_key(identity: &Identity<'_>) -> Result<Digest, KeyFault> {
    let is_placed = identity.run_id.is_some() && identity.step.is_some();
    let is_timed = identity.context.get("now_ms").is_some_and(|now| now.as_number().is_some());
    if !is_placed && !is_timed {
        return Err(KeyFault::Missing);
    }
    let mut hash = Members::begin();
    hash.text("action", identity.action.as_str());
    hash.object_unless_empty("context", identity.context.iter().filter(|(name, _)| !is_recomputed(name)));
    if let Some(params) = identity.params {
        hash.object("params", params.iter());
    }
    if let Some(run_id) = identity.run_id {
        hash.text("run_id", run_id);
    }
    if let Some(step) = identity.step {
        hash.integer("step", step);
    }
    if let Some(tenant) = identity.tenant {
        hash.text("tenant", tenant);
    }
    Ok(hash.finish())
}

/// What tells two decisions under one key apart: SHA-256 of the canonical JSON of `{action, params, tenant}`, what is
/// absent left out.
pub fn fingerprint(identity: &Identity<'_>) -> Digest {
    let mut hash = Members::begin();
    hash.text("action", identity.action.as_str());
    if let Some(params) = identity.params {
        hash.object("params", params.iter());
    }
    if let Some(tenant) = identity.tenant {
        hash.text("tenant", tenant);
    }
    hash.finish()
}

/// Whether a context member is filled in by others, with other values each time a line is delivered.
fn is_recomputed(name: &str) -> bool {
    const RECOMPUTED: [&str; 6] = [
        "errors_in_window",
        "steps_in_window",
        "rate_limit_events",
        "recent_failures",
        "cooldown_until_ms",
        "last_event_ts_ms",
    ];
    name.starts_with("ops_") || RECOMPUTED.contains(&name)
}

/// Digests an object member by member; callers add members in the canonical order of their names.
struct Members {
    sink: DigestSink,
    last: &'static str,
}

impl Members {
    fn begin() -> Self {
        Self { sink: DigestSink::default(), last: "" }
    }

    fn name(&mut self, name: &'static str) {
        assert!(self.last < name, "members are added in canonical order");
        self.sink.put(if self.last.is_empty() { "{" } else { "," });
        self.last = name;
        write_str(name, &mut self.sink);
        self.sink.put(":");
    }

    fn text(&mut self, name: &'static str, text: &str) {
        self.name(name);
        write_str(text, &mut self.sink);
    }

    fn integer(&mut self, name: &'static str, integer: i64) {
        self.name(name);
        write_number(Number::Int(integer), &mut self.sink);
    }

    fn object<'a>(&mut self, name: &'static str, members: impl Iterator<Item = (&'a str, &'a Value)>) {
        self.name(name);
        write_members(members, &mut self.sink);
    }

    fn object_unless_empty<'a>(
        &mut self,
        name: &'static str,
        members: impl Iterator<Item = (&'a str, &'a Value)>,
    ) {
        let mut members = members.peekable();
        if members.peek().is_some() {
            self.object(name, members);
        }
    }

    fn finish(mut self) -> Digest {
        self.sink.put("}");
        self.sink.finish()
    }
}
