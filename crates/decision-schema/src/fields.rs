//! Reads the fields of the schema out of JSON values. Values are taken apart, not copied.

use alloc::{string::String, vec::Vec};

use crate::{
    json::{Object, Value},
    schema_fault::{MAX_LABEL_BYTES, Problem, SchemaFault},
    types::Action,
};

/// Hands each member of an object to `set`, and tells whatever fault it finds where the member stands. `set` answers
/// names that are not among `known` with [`unknown`], or keeps them.
pub(crate) fn each_member(
    value: Value,
    known: &'static [&'static str],
    mut set: impl FnMut(&str, Value) -> Result<(), SchemaFault>,
) -> Result<(), SchemaFault> {
    for (ordinal, (name, value)) in object(value)?.into_iter().enumerate() {
        set(&name, value).map_err(|fault| match known.iter().find(|known| **known == name) {
            Some(known) => fault.inside(known, ordinal),
            None => fault.at_unknown_member(ordinal),
        })?;
    }
    Ok(())
}

pub(crate) fn unknown(known: &'static [&'static str]) -> Result<(), SchemaFault> {
    Err(SchemaFault::new(Problem::UnknownField { known }))
}

/// The field, or the fault of an object that lacks it.
pub(crate) fn required<T>(read: Option<T>, field: &'static str) -> Result<T, SchemaFault> {
    read.ok_or_else(|| SchemaFault::new(Problem::Missing { field }))
}

/// `null` counts as absent.
pub(crate) fn optional<T>(
    value: Value,
    read: impl FnOnce(Value) -> Result<T, SchemaFault>,
) -> Result<Option<T>, SchemaFault> {
    if matches!(value, Value::Null) { Ok(None) } else { read(value).map(Some) }
}

#[expect(clippy::needless_pass_by_value, reason = "all readers have one shape, so that they combine")]
pub(crate) fn action(value: Value) -> Result<Action, SchemaFault> {
    value.as_str().and_then(Action::from_name).ok_or_else(|| SchemaFault::new(Problem::Action))
}

#[expect(clippy::needless_pass_by_value, reason = "all readers have one shape, so that they combine")]
pub(crate) fn flag(value: Value) -> Result<bool, SchemaFault> {
    value.as_bool().ok_or_else(|| wrong_type("true or false"))
}

/// An integer in `min..=max`; a float with an integral value is one, as numbers in JSON have no types.
#[expect(clippy::needless_pass_by_value, reason = "all readers have one shape, so that they combine")]
pub(crate) fn integer(value: Value, min: i64, max: i64) -> Result<i64, SchemaFault> {
    value
        .as_i64()
        .filter(|n| (min..=max).contains(n))
        .ok_or_else(|| SchemaFault::new(Problem::Integer { min, max }))
}

pub(crate) fn any_integer(value: Value) -> Result<i64, SchemaFault> {
    integer(value, i64::MIN, i64::MAX)
}

/// A duration in milliseconds, `0..=i64::MAX`.
pub(crate) fn duration_ms(value: Value) -> Result<u64, SchemaFault> {
    integer(value, 0, i64::MAX).map(i64::unsigned_abs)
}

#[expect(clippy::needless_pass_by_value, reason = "all readers have one shape, so that they combine")]
pub(crate) fn fraction(value: Value) -> Result<f64, SchemaFault> {
    value
        .as_number()
        .map(crate::json::Number::as_f64)
        .filter(|f| (0.0..=1.0).contains(f))
        .ok_or_else(|| SchemaFault::new(Problem::Fraction))
}

pub(crate) fn object(value: Value) -> Result<Object, SchemaFault> {
    if let Value::Object(object) = value { Ok(object) } else { Err(wrong_type("an object")) }
}

pub(crate) fn text(value: Value) -> Result<String, SchemaFault> {
    if let Value::String(text) = value { Ok(text) } else { Err(wrong_type("a string")) }
}

/// A short printable string: 1 to [`MAX_LABEL_BYTES`] bytes, no control characters.
pub(crate) fn label(value: Value) -> Result<String, SchemaFault> {
    match value {
        Value::String(label) if is_label(&label) => Ok(label),
        _ => Err(SchemaFault::new(Problem::Label)),
    }
}

fn is_label(text: &str) -> bool {
    (1..=MAX_LABEL_BYTES).contains(&text.len()) && !text.chars().any(char::is_control)
}

/// A list of strings; `null` counts as an empty one, as in the reference.
pub(crate) fn texts(value: Value) -> Result<Vec<String>, SchemaFault> {
    let items = match value {
        Value::Null => return Ok(Vec::new()),
        Value::Array(items) => items,
        _ => return Err(wrong_type("a list of strings")),
    };
    let read = |(index, item)| text(item).map_err(|fault: SchemaFault| fault.at_item(index));
    items.into_iter().enumerate().map(read).collect()
}

fn wrong_type(expected: &'static str) -> SchemaFault {
    SchemaFault::new(Problem::Type { expected })
}
