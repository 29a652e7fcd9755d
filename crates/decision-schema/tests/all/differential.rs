//! Against serde_json, an independent reader: what we accept means the same there.

use decision_schema::json::{Number, Value, parse};
use proptest::prelude::*;

/// Equal in kind, digits and bits, not only in mathematical value.
fn same(ours: &Value, theirs: &serde_json::Value) -> bool {
    match (ours, theirs) {
        (Value::Null, serde_json::Value::Null) => true,
        (Value::Bool(a), serde_json::Value::Bool(b)) => a == b,
        (Value::String(a), serde_json::Value::String(b)) => a == b,
        (Value::Number(Number::Int(a)), serde_json::Value::Number(b)) => b.as_i64() == Some(*a),
        (Value::Number(Number::Uint(a)), serde_json::Value::Number(b)) => b.as_u64() == Some(*a),
        (Value::Number(Number::Float(a)), serde_json::Value::Number(b)) => {
            b.is_f64() && b.as_f64().map(f64::to_bits) == Some(a.to_bits())
        }
        (Value::Array(a), serde_json::Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
        }
        (Value::Object(a), serde_json::Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(name, a)| b.get(name).is_some_and(|b| same(a, b)))
        }
        _ => false,
    }
}

fn values() -> impl Strategy<Value = Value> {
    let finite = any::<f64>().prop_filter("finite", |f| f.is_finite());
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        finite.prop_map(|f| Value::Number(Number::Float(f))),
        any::<String>().prop_map(Value::from),
        "[\\x00-\\x7f]{0,40}".prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 200, 24, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..12).prop_map(Value::Array),
            prop::collection::vec((any::<String>(), inner), 0..24)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// Pieces of JSON in any order: far more often almost right than random bytes are.
fn almost_json() -> impl Strategy<Value = Vec<u8>> {
    let pieces = prop::sample::select(vec![
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "\"",
        "\\",
        "\\u",
        "d83d",
        "\\ude00",
        "\"a\"",
        "\"b\":",
        "0",
        "1",
        "-",
        ".",
        "5",
        "e",
        "E+",
        "99",
        "18446744073709551615",
        "true",
        "false",
        "null",
        " ",
        "\n",
        "\u{0}",
        "é",
        "NaN",
        "{}",
        "[]",
        "\"\"",
    ]);
    prop::collection::vec(pieces, 0..14).prop_map(|pieces| pieces.concat().into_bytes())
}

fn agrees_where_accepted(text: &[u8]) -> Result<(), TestCaseError> {
    match parse(text) {
        Ok(ours) => {
            let theirs: serde_json::Value = serde_json::from_slice(text)
                .map_err(|_| TestCaseError::fail("accepted, but not by serde_json"))?;
            prop_assert!(same(&ours, &theirs));
            prop_assert_eq!(parse(ours.to_string().as_bytes()), Ok(ours));
        }
        Err(fault) => prop_assert!(fault.offset <= text.len()),
    }
    Ok(())
}

proptest! {
    #[test]
    fn values_survive_writing_and_reading(value in values()) {
        let text = value.to_string();
        let back = parse(text.as_bytes()).unwrap();
        prop_assert_eq!(&back, &value);
        prop_assert_eq!(back.to_string(), text.clone());
        let theirs: serde_json::Value = serde_json::from_str(&text).unwrap();
        prop_assert!(same(&back, &theirs));
    }

    #[test]
    fn what_serde_json_writes_we_read_alike(value in values()) {
        let theirs: serde_json::Value = serde_json::from_str(&value.to_string()).unwrap();
        let text = serde_json::to_string_pretty(&theirs).unwrap();
        prop_assert!(same(&parse(text.as_bytes()).unwrap(), &theirs));
    }

    #[test]
    fn number_literals_agree(text in "-?(0|[1-9][0-9]{0,19})(\\.[0-9]{1,25})?([eE][+-]?[0-9]{1,3})?") {
        agrees_where_accepted(text.as_bytes())?;
    }

    #[test]
    fn arbitrary_bytes_are_refused_or_agree(text in prop::collection::vec(any::<u8>(), 0..64)) {
        agrees_where_accepted(&text)?;
    }

    #[test]
    fn almost_json_is_refused_or_agrees(text in almost_json()) {
        agrees_where_accepted(&text)?;
    }

    #[test]
    fn damaged_json_is_refused_or_agrees(value in values(), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut text = value.to_string().into_bytes();
        let at = at.index(text.len());
        text[at] = byte;
        agrees_where_accepted(&text)?;
    }
}
