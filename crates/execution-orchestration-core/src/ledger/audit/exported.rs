//! An event as one line of an exported chain: its canonical members, and its hash.

use alloc::{
    borrow::ToOwned,
    string::{String, ToString as _},
};

use decision_schema::{Object, Value, json};

use super::checkpoint::natural;
use crate::{
    idempotency::{Digest, canonical_json, canonical_json::Sink as _},
    ledger::{Event, EventKind, body::MAX_BODY_BYTES},
};

/// The longest line that is read back, bytes: the longest body, and what stands around it.
pub const MAX_EXPORTED_BYTES: usize = MAX_BODY_BYTES + 4_096;

/// Members of a line.
const MEMBERS: usize = 8;

/// Appends the event as one line, without the line break: `{"at_ms", "body", "fence", "gate_epoch", "key", "kind",
/// "seq", "hash"}`, the hash as 64 hexadecimal digits. The body must be JSON.
pub fn write_exported(event: &Event, hash: &Digest, line: &mut String) {
    event.write_canonical(line);
    line.pop();
    line.put(",\"hash\":\"");
    line.put(&hash.to_string());
    line.put("\"}");
}

/// Reads one line back: the event, its body in canonical JSON, and the hash it claims. Nothing, where the line is no
/// such object.
pub fn read_exported(line: &[u8]) -> Option<(Event, Digest)> {
    let value = json::parse_canonical(line, MAX_EXPORTED_BYTES).ok()?;
    let members = value.as_object().filter(|members| members.len() == MEMBERS)?;
    let event = Event {
        seq: natural(members.get("seq")?)?,
        at_ms: members.get("at_ms")?.as_i64()?,
        kind: EventKind::from_name(members.get("kind")?.as_str()?)?,
        key: nullable(members, "key", |key| key.as_str().map(ToOwned::to_owned)).ok()?,
        fence: nullable(members, "fence", natural).ok()?,
        gate_epoch: nullable(members, "gate_epoch", natural).ok()?,
        body: canonical_json::to_string(members.get("body")?),
    };
    Some((event, members.get("hash")?.as_str()?.parse().ok()?))
}

/// What stands under a name cannot stand there.
struct Unfit;

/// A member that must be there and may be null.
fn nullable<T>(
    members: &Object,
    name: &str,
    read: impl FnOnce(&Value) -> Option<T>,
) -> Result<Option<T>, Unfit> {
    match members.get(name).ok_or(Unfit)? {
        Value::Null => Ok(None),
        value @ (Value::Bool(_)
        | Value::Number(_)
        | Value::String(_)
        | Value::Array(_)
        | Value::Object(_)) => read(value).map(Some).ok_or(Unfit),
    }
}
