//! JSON as every line, answer and record is read.

use decision_schema::{
    Value,
    json::{MAX_DEPTH, MAX_LINE_BYTES, parse, parse_canonical},
};
use failstop::core::idempotency::canonical_json;

use crate::{
    planted::{assert_not_repeated, planted},
    respelled::respelled,
};

/// What is accepted is within its limits, means the same to another parser, and comes back the same from either writer;
/// its digest is that of every other spelling. What is refused is not repeated.
pub fn check(bytes: &[u8]) {
    let bytes = planted(bytes);
    match parse(&bytes) {
        Ok(value) => accepted(&bytes, &value),
        Err(fault) => {
            assert_not_repeated(&format!("{fault} {fault:?} {}", fault.code()));
            assert!(fault.offset <= bytes.len(), "a fault stands outside of its text");
        }
    }
}

fn accepted(bytes: &[u8], value: &Value) {
    assert!(bytes.len() <= MAX_LINE_BYTES && depth(value) <= MAX_DEPTH, "limits hold");
    assert!(serde_json::from_slice::<serde_json::Value>(bytes).is_ok(), "another parser refuses it");
    let written = value.to_string();
    let read = parse(written.as_bytes()).expect("what was written is read");
    assert_eq!((&read, read.to_string()), (value, written), "writing and reading changes nothing");
    let canonical = canonical_json::to_string(value);
    let read = parse_canonical(canonical.as_bytes(), canonical.len()).expect("canonical JSON is read");
    assert_eq!(canonical_json::to_string(&read), canonical, "canonical JSON is a fixed point");
    assert_eq!(parse_canonical(bytes, MAX_LINE_BYTES).as_ref(), Ok(value), "both readers agree");
    let other = respelled(value);
    if other.len() <= MAX_LINE_BYTES {
        let other = parse(other.as_bytes()).expect("another spelling is read");
        assert_eq!(&other, value, "spelling has no meaning");
        assert_eq!(canonical_json::digest(&other), canonical_json::digest(value), "nor has it in digests");
    }
}

fn depth(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Value::Object(object) => 1 + object.iter().map(|(_, value)| depth(value)).max().unwrap_or(0),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 0,
    }
}
