//! Canonical JSON after RFC 8785 (JCS), written straight into a string, a byte buffer or a hash.
//!
//! Members are sorted by the UTF-16 code units of their names, numbers and strings are written as ECMAScript's
//! `JSON.stringify` writes them. One deliberate difference: integers keep all their digits beyond 2^53 too, so that
//! two identifiers that differ in the last digit never look alike.

use alloc::{string::String, vec, vec::Vec};
use core::cmp::Ordering;

use decision_schema::{Number, Object, Value};

use super::{Digest, DigestSink};

/// A place that canonical JSON is written to.
pub trait Sink {
    /// Appends `text`.
    fn put(&mut self, text: &str);
}

impl Sink for String {
    fn put(&mut self, text: &str) {
        self.push_str(text);
    }
}

impl Sink for Vec<u8> {
    fn put(&mut self, text: &str) {
        self.extend_from_slice(text.as_bytes());
    }
}

/// The canonical form of `value`.
///
/// ```
/// use decision_schema::{Object, Value};
/// use execution_orchestration_core::idempotency::canonical_json;
///
/// let value = Value::from(Object::from_iter([("b", Value::from(1)), ("a", Value::from("\u{20ac}\n"))]));
/// assert_eq!(canonical_json::to_string(&value), r#"{"a":"€\n","b":1}"#);
/// ```
pub fn to_string(value: &Value) -> String {
    let mut text = String::new();
    write(value, &mut text);
    text
}

/// The SHA-256 of the canonical form of `value`.
pub fn digest(value: &Value) -> Digest {
    let mut sink = DigestSink::default();
    write(value, &mut sink);
    sink.finish()
}

/// The SHA-256 of the canonical form of `object`.
pub fn digest_object(object: &Object) -> Digest {
    let mut sink = DigestSink::default();
    write_members(object.iter(), &mut sink);
    sink.finish()
}

/// Writes the canonical form of `value`. However deep it nests, the stack does not grow.
pub fn write(value: &Value, sink: &mut impl Sink) {
    let mut open = Vec::new();
    if let Some(container) = begin(value, sink) {
        open.push(container);
    }
    write_open(open, sink);
}

/// Writes the canonical form of the object with these `members`, which may come in any order; names must differ.
pub fn write_members<'a>(members: impl Iterator<Item = (&'a str, &'a Value)>, sink: &mut impl Sink) {
    sink.put("{");
    write_open(vec![Open::object(members.collect())], sink);
}

/// A container whose opening bracket is written and whose contents are not, or not all.
enum Open<'a> {
    Array { items: core::slice::Iter<'a, Value>, is_first: bool },
    Object { members: vec::IntoIter<(&'a str, &'a Value)>, is_first: bool },
}

impl<'a> Open<'a> {
    fn object(mut members: Vec<(&'a str, &'a Value)>) -> Self {
        members.sort_unstable_by(|(a, _), (b, _)| utf16_order(a, b));
        Self::Object { members: members.into_iter(), is_first: true }
    }

    /// The next value inside, what precedes it already written; `None` with the closing bracket written at the end.
    fn advance(&mut self, sink: &mut impl Sink) -> Option<&'a Value> {
        match self {
            Self::Array { items, is_first } => {
                let Some(item) = items.next() else {
                    sink.put("]");
                    return None;
                };
                separate(is_first, sink);
                Some(item)
            }
            Self::Object { members, is_first } => {
                let Some((name, value)) = members.next() else {
                    sink.put("}");
                    return None;
                };
                separate(is_first, sink);
                write_str(name, sink);
                sink.put(":");
                Some(value)
            }
        }
    }
}

fn separate(is_first: &mut bool, sink: &mut impl Sink) {
    if !core::mem::take(is_first) {
        sink.put(",");
    }
}

fn write_open(mut open: Vec<Open<'_>>, sink: &mut impl Sink) {
    while let Some(container) = open.last_mut() {
        match container.advance(sink) {
            Some(value) => open.extend(begin(value, sink)),
            None => drop(open.pop()),
        }
    }
}

/// Writes a scalar whole, or the opening bracket of a container that is then returned.
fn begin<'a>(value: &'a Value, sink: &mut impl Sink) -> Option<Open<'a>> {
    match value {
        Value::Null => sink.put("null"),
        Value::Bool(true) => sink.put("true"),
        Value::Bool(false) => sink.put("false"),
        Value::Number(number) => write_number(*number, sink),
        Value::String(text) => write_str(text, sink),
        Value::Array(items) => {
            sink.put("[");
            return Some(Open::Array { items: items.iter(), is_first: true });
        }
        Value::Object(object) => {
            sink.put("{");
            return Some(Open::object(object.iter().collect()));
        }
    }
    None
}

/// The order of RFC 8785, 3.2.3. It differs from the order of bytes only where a character beyond U+FFFF meets one
/// from U+E000 on.
fn utf16_order(a: &str, b: &str) -> Ordering {
    if a.is_ascii() || b.is_ascii() { a.cmp(b) } else { a.encode_utf16().cmp(b.encode_utf16()) }
}

/// Writes `number`: integers digit for digit, all else as ECMAScript does (RFC 8785, 3.2.2.3). A number that JSON
/// cannot hold, which no parser makes, becomes `null`, as `JSON.stringify` has it.
pub fn write_number(number: Number, sink: &mut impl Sink) {
    match number {
        Number::Int(n) => write_integer(n.unsigned_abs(), n < 0, sink),
        Number::Uint(n) => write_integer(n, false, sink),
        Number::Float(f) if f.is_finite() => sink.put(ryu_js::Buffer::new().format_finite(f)),
        Number::Float(_) => sink.put("null"),
    }
}

fn write_integer(mut magnitude: u64, is_negative: bool, sink: &mut impl Sink) {
    let mut digits = [0_u8; 21];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (magnitude % 10) as u8;
        magnitude /= 10;
        if magnitude == 0 {
            break;
        }
    }
    if is_negative {
        at -= 1;
        digits[at] = b'-';
    }
    if let Ok(text) = core::str::from_utf8(&digits[at..]) {
        sink.put(text);
    }
}

/// Writes `text` in quotes, with the escapes of RFC 8785, 3.2.2.2, and no others.
pub fn write_str(text: &str, sink: &mut impl Sink) {
    sink.put("\"");
    let mut written = 0;
    for (at, byte) in text.bytes().enumerate() {
        if let Some(escape) = escape_of(byte) {
            sink.put(&text[written..at]);
            sink.put(escape);
            written = at + 1;
        }
    }
    sink.put(&text[written..]);
    sink.put("\"");
}

const fn escape_of(byte: u8) -> Option<&'static str> {
    const CONTROL: [&str; 32] = [
        "\\u0000", "\\u0001", "\\u0002", "\\u0003", "\\u0004", "\\u0005", "\\u0006", "\\u0007", "\\b", "\\t",
        "\\n", "\\u000b", "\\f", "\\r", "\\u000e", "\\u000f", "\\u0010", "\\u0011", "\\u0012", "\\u0013",
        "\\u0014", "\\u0015", "\\u0016", "\\u0017", "\\u0018", "\\u0019", "\\u001a", "\\u001b", "\\u001c",
        "\\u001d", "\\u001e", "\\u001f",
    ];
    match byte {
        0..0x20 => Some(CONTROL[byte as usize]),
        b'"' => Some("\\\""),
        b'\\' => Some("\\\\"),
        _ => None,
    }
}
