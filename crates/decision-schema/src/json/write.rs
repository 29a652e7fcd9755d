//! The compact writer: no whitespace, the escapes RFC 8259 demands and no others.

use alloc::string::String;
use core::fmt::{self, Write};

use super::{Number, Object, Value, scan::plain_len};

impl Value {
    /// Appends this value as compact JSON. What [`super::parse`] read and this wrote, it reads again as an equal value:
    /// integers keep their digits, floats stay floats (`1.0`, `1e300`) and round-trip exactly.
    ///
    /// A float that is not finite cannot come from the parser; one put into the tree by hand is written as `null`.
    pub fn write_to(&self, out: &mut String) {
        // Writing into a string cannot fail.
        let _: fmt::Result = write_value(self, out);
    }
}

impl fmt::Display for Value {
    /// Compact JSON, as [`Value::write_to`] writes it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_value(self, f)
    }
}

/// Appends `text` as a JSON string, quotes included. For those who write their JSON by hand.
pub fn write_string(text: &str, out: &mut String) {
    // Writing into a string cannot fail.
    let _: fmt::Result = write_quoted(text, out);
}

fn write_value(value: &Value, out: &mut impl Write) -> fmt::Result {
    match value {
        Value::Null => out.write_str("null"),
        Value::Bool(true) => out.write_str("true"),
        Value::Bool(false) => out.write_str("false"),
        Value::Number(number) => write_number(*number, out),
        Value::String(text) => write_quoted(text, out),
        Value::Array(items) => write_array(items, out),
        Value::Object(object) => write_object(object, out),
    }
}

/// `Debug` of a float is its shortest form that round-trips, and always has a fraction or an exponent.
fn write_number(number: Number, out: &mut impl Write) -> fmt::Result {
    match number {
        Number::Int(n) => write!(out, "{n}"),
        Number::Uint(n) => write!(out, "{n}"),
        Number::Float(f) if f.is_finite() => write!(out, "{f:?}"),
        Number::Float(_) => out.write_str("null"),
    }
}

fn write_array(items: &[Value], out: &mut impl Write) -> fmt::Result {
    out.write_char('[')?;
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.write_char(',')?;
        }
        write_value(item, out)?;
    }
    out.write_char(']')
}

fn write_object(object: &Object, out: &mut impl Write) -> fmt::Result {
    out.write_char('{')?;
    for (index, (name, value)) in object.iter().enumerate() {
        if index > 0 {
            out.write_char(',')?;
        }
        write_quoted(name, out)?;
        out.write_char(':')?;
        write_value(value, out)?;
    }
    out.write_char('}')
}

fn write_quoted(text: &str, out: &mut impl Write) -> fmt::Result {
    out.write_char('"')?;
    let mut rest = text;
    loop {
        let (plain, special) = rest.split_at(plain_len(rest.as_bytes()));
        out.write_str(plain)?;
        let Some(byte) = special.as_bytes().first() else { break };
        write_escape(*byte, out)?;
        rest = &special[1..];
    }
    out.write_char('"')
}

fn write_escape(byte: u8, out: &mut impl Write) -> fmt::Result {
    match byte {
        b'"' => out.write_str("\\\""),
        b'\\' => out.write_str("\\\\"),
        b'\n' => out.write_str("\\n"),
        b'\r' => out.write_str("\\r"),
        b'\t' => out.write_str("\\t"),
        0x08 => out.write_str("\\b"),
        0x0c => out.write_str("\\f"),
        control => write!(out, "\\u{control:04x}"),
    }
}
