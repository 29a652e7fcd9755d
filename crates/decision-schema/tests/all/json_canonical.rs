//! Reading back what canonical JSON writes out.

use decision_schema::{
    Number, Value,
    json::{JsonFaultKind, parse, parse_canonical},
};

/// An executor's `1e20` once made its key's record unreadable.
#[test]
fn digits_beyond_64_bits_are_the_float_that_was_written_out() {
    let canonical = b"[100000000000000000000,-10000000000000000000,18446744073709551615]";
    let items = [Number::Float(1e20), Number::Float(-1e19), Number::from(u64::MAX)];
    let expected = Value::Array(items.map(Value::Number).to_vec());
    assert_eq!(parse_canonical(canonical, 100), Ok(expected));
    assert_eq!(parse(canonical).unwrap_err().kind, JsonFaultKind::IntegerOutOfRange);
    assert_eq!(parse_canonical(canonical, 10).unwrap_err().kind, JsonFaultKind::TooLong);
}
