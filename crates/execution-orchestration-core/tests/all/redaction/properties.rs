//! What holds for every value: nothing panics, the shape stays, twice is once, strict redacts a superset.

use decision_schema::{Number, Object, Value};
use execution_orchestration_core::redaction::{Profile, Redactor, RegisteredSecrets};
use proptest::prelude::*;

use super::{assert_superset, reference, strict};

/// Pieces of credentials and of what stands around them, to be put together in any way.
const PIECES: [&str; 44] = [
    "AKIA",
    "ABCDEFGHIJKLMNOP",
    "gh",
    "p_",
    "0123456789abcdefghij",
    "s",
    "k-",
    "xoxb-",
    "eyJ",
    "hbGciOiJ",
    ".",
    "-----BEGIN ",
    "RSA PRIVATE KEY",
    "-----",
    "-----END ",
    "https://",
    "://",
    "user",
    ":",
    "@",
    "host",
    "/",
    "Bearer ",
    "Basic ",
    "dTpwYXNz",
    "Authorization",
    "password",
    "token",
    "key",
    "=",
    ": ",
    "--",
    "\"",
    "'",
    "\\",
    "%3D",
    "+",
    " ",
    "\n",
    "é",
    "[REDACTED]",
    "[RED",
    "CTED]",
    "registered-value",
];

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => proptest::collection::vec(proptest::sample::select(&PIECES[..]), 0..12).prop_map(|pieces| pieces.concat()),
        1 => any::<String>(),
    ]
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        proptest::sample::select(
            &["a", "b", "user", "monkey", "api_key", "auth", "items", "Secret-Token"][..]
        )
        .prop_map(str::to_owned),
        text(),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    let scalar = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(|float| Value::Number(Number::Float(float))),
        text().prop_map(Value::String),
    ];
    scalar.prop_recursive(5, 48, 6, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::Array),
            proptest::collection::vec((name(), inner), 0..6)
                .prop_map(|members| Value::from(members.into_iter().collect::<Object>())),
        ]
    })
}

/// The value with every scalar and name left out, but for how many there are.
fn shape(value: &Value) -> Value {
    match value {
        Value::Array(items) => Value::Array(items.iter().map(shape).collect()),
        Value::Object(object) => Value::from(
            object.iter().enumerate().map(|(at, (_, v))| (at.to_string(), shape(v))).collect::<Object>(),
        ),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Value::Null,
    }
}

/// Equality that takes `NaN` for equal to itself.
fn printed(value: &Value) -> String {
    format!("{value:?}")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn the_shape_is_kept(value in value()) {
        prop_assert_eq!(shape(&reference(&value)), shape(&value));
        prop_assert_eq!(shape(&strict(&value)), shape(&value));
    }

    #[test]
    fn twice_is_once(value in value()) {
        let once = (reference(&value), strict(&value));
        prop_assert_eq!(printed(&reference(&once.0)), printed(&once.0));
        prop_assert_eq!(printed(&strict(&once.1)), printed(&once.1));
    }

    #[test]
    fn twice_is_once_with_registered_values_and_exceptions(value in value()) {
        let redactor = Redactor::new(Profile::Strict).with_keep(["monkey", "password"]);
        let redactor = redactor.scoped(&RegisteredSecrets::new(["registered-value", "]ABCDE", "D]password", "012345"]));
        let mut once = value;
        redactor.redact(&mut once);
        let mut twice = once.clone();
        redactor.redact(&mut twice);
        prop_assert_eq!(printed(&twice), printed(&once));
    }

    #[test]
    fn strict_redacts_a_superset_of_reference(value in value()) {
        assert_superset(&strict(&value), &reference(&value));
    }

    #[test]
    fn texts_are_redacted_once_and_for_all(text in text()) {
        let redactor = Redactor::new(Profile::Strict);
        let once = redactor.redact_text(&text).into_owned();
        prop_assert_eq!(redactor.redact_text(&once), once.as_str());
    }
}

/// Short pieces of credentials, without the signs that join a value to its name, a scheme or a flag.
fn short_text() -> impl Strategy<Value = String> {
    let pieces = [
        "AKIA", "eyJ", "eyJhbGci", "8Q~", "sk-", "k1", "hf_", "xoxb-", "SG.", "ya29.", "hvs.", ".", "--pwd",
        "key", "Key", "token", "Bearer", "-----", "BEGIN", "sig", "%3D", "\\", "\"", "'", "\n", "/", "@",
        "+", "0", "A", "é",
    ];
    proptest::collection::vec(proptest::sample::select(pieces.to_vec()), 0..6)
        .prop_map(|pieces| pieces.concat())
        .prop_filter("short", |text| text.len() < 14)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2048))]

    /// Such texts are not looked at closely. Line ends make them long enough to be, and add to no credential.
    #[test]
    fn short_texts_without_a_joint_hold_nothing_even_on_a_closer_look(text in short_text()) {
        let redactor = Redactor::new(Profile::Strict);
        prop_assert_eq!(redactor.redact_text(&text), text.as_str());
        for long in [format!("{text}{}", "\n".repeat(14)), format!("{}{text}", "\n".repeat(14))] {
            prop_assert_eq!(redactor.redact_text(&long), long.as_str());
        }
    }
}

#[test]
fn the_shortest_credentials_are_found_in_texts_and_in_names() {
    for text in [
        "pwd=x",
        "pwd:x",
        "--pwd x",
        "--pwd\tx",
        "bearer x",
        "a://b:c@d",
        "basic YTpi",
        concat!("ey", "JhbGciO0.eyJ"),
    ] {
        let redacted = strict(&Value::from(Object::from_iter([(text, text)])));
        let (name, value) = redacted.as_object().unwrap().iter().next().unwrap();
        assert!(name.contains("[REDACTED]"), "{text}");
        assert!(value.as_str().unwrap().contains("[REDACTED]"), "{text}");
        assert_eq!(Redactor::new(Profile::Strict).redact_text(text), name, "{text}");
    }
}

#[test]
fn hostile_texts_take_linear_time() {
    // Each repeats what a rule looks at. With a rule that reads to the end of the text each time this takes minutes.
    let redactor = Redactor::new(Profile::Strict);
    for piece in [
        "key=",
        "eyJ-",
        "sk-",
        "a://",
        "basic ",
        "asig=",
        "-----BEGIN ",
        "8Q~",
        "token:",
        "auth\\",
        "key='key= ",
        "bearer a",
    ] {
        let text = piece.repeat((1 << 15) / piece.len());
        let redacted = redactor.redact_text(&text);
        assert_eq!(redactor.redact_text(&redacted), redacted, "{piece}");
    }
}
