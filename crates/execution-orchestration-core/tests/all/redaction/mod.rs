//! Redaction: the reference's answers, and what holds for every value.

mod formats;
mod names;
mod properties;
mod registered;

use decision_schema::{Object, Value};
use execution_orchestration_core::redaction::{Profile, REDACTED, Redactor, redact_execution_log};

use crate::vectors;

fn reference(value: &Value) -> Value {
    redact_execution_log(value)
}

fn strict(value: &Value) -> Value {
    let mut copy = value.clone();
    Redactor::new(Profile::Strict).redact(&mut copy);
    copy
}

fn object<const N: usize>(members: [(&str, Value); N]) -> Value {
    Value::from(Object::from_iter(members))
}

/// The reference's rule, said once more and apart.
fn speaks_of_a_secret(key: &str) -> bool {
    let folded = key.to_lowercase().replace(['-', '_'], "");
    ["password", "secret", "token", "key", "auth", "credential", "private"]
        .iter()
        .any(|part| folded.contains(part))
}

/// Where a value stands that the reference answered.
#[derive(Clone, Copy)]
enum Place {
    /// Where the reference redacts as we do.
    Plain,
    /// In a list, under a name that is telling or not.
    List { is_secret: bool },
    /// Anywhere below a list in a list: the reference leaves those as they are.
    Beyond { is_secret: bool },
}

/// What the reference answered, with the scalars in lists and all in nested lists redacted too: the one difference.
fn with_lists_redacted(value: &Value, place: Place) -> Value {
    match (value, place) {
        (Value::Object(object), _) => {
            let member = |(name, value): (&str, &Value)| {
                let is_secret = speaks_of_a_secret(name);
                let place = match (place, value) {
                    (Place::Beyond { .. }, _) => Place::Beyond { is_secret },
                    (Place::Plain | Place::List { .. }, Value::Array(_)) => Place::List { is_secret },
                    (Place::Plain | Place::List { .. }, _) => Place::Plain,
                };
                (name.to_owned(), with_lists_redacted(value, place))
            };
            Value::from(object.iter().map(member).collect::<Object>())
        }
        (Value::Array(items), _) => {
            let item = |item: &Value| {
                let place = match (place, item) {
                    (Place::List { is_secret }, Value::Array(_)) => Place::Beyond { is_secret },
                    (Place::Plain | Place::List { .. } | Place::Beyond { .. }, _) => place,
                };
                with_lists_redacted(item, place)
            };
            Value::Array(items.iter().map(item).collect())
        }
        (_, Place::List { is_secret: true } | Place::Beyond { is_secret: true }) => Value::from(REDACTED),
        (scalar, _) => scalar.clone(),
    }
}

/// Panics unless `strict` has the shape of `reference` and is redacted wherever that is.
fn assert_superset(strict: &Value, reference: &Value) {
    match (strict, reference) {
        (Value::Object(a), Value::Object(b)) => {
            assert_eq!(a.len(), b.len());
            a.iter().zip(b.iter()).for_each(|((_, a), (_, b))| assert_superset(a, b));
        }
        (Value::Array(a), Value::Array(b)) => {
            assert_eq!(a.len(), b.len());
            a.iter().zip(b).for_each(|(a, b)| assert_superset(a, b));
        }
        (Value::Array(_) | Value::Object(_), _) | (_, Value::Array(_) | Value::Object(_)) => {
            panic!("the shape differs")
        }
        (a, b) => assert!(b.as_str() != Some(REDACTED) || a.as_str() == Some(REDACTED)),
    }
}

#[test]
fn the_reference_profile_agrees_with_the_reference_but_for_lists() {
    for (given, expected) in vectors("redaction") {
        assert_eq!(reference(&given), with_lists_redacted(&expected, Place::Plain), "{given:?}");
    }
}

#[test]
fn the_strict_profile_redacts_at_least_what_the_reference_does() {
    for (given, expected) in vectors("redaction") {
        let strict = strict(&given);
        assert_superset(&strict, &expected);
        assert_superset(&strict, &reference(&given));
    }
}

#[test]
fn lists_under_a_telling_name_are_redacted_and_objects_in_them_decide_for_themselves() {
    let given = object([(
        "tokens",
        Value::Array(vec![
            Value::from("a"),
            Value::Null,
            Value::Array(vec![Value::from(1), object([("id", Value::from(2))])]),
            object([("id", Value::from(3)), ("key", Value::Null)]),
        ]),
    )]);
    let redacted = || Value::from(REDACTED);
    let expected = |id: fn(i32) -> Value| {
        let inner = Value::Array(vec![redacted(), object([("id", id(2))])]);
        object([(
            "tokens",
            Value::Array(vec![redacted(), redacted(), inner, object([("id", id(3)), ("key", redacted())])]),
        )])
    };
    assert_eq!(reference(&given), expected(Value::from));
    assert_eq!(strict(&given), expected(|_| Value::from(REDACTED)));
}

#[test]
fn a_kept_name_is_an_exception_unless_it_stands_under_a_telling_one() {
    let given = || {
        object([
            ("Monkey", Value::from("a")),
            ("monkeys", Value::from("b")),
            ("auth", object([("monkey", Value::from("c"))])),
        ])
    };
    let kept = |profile| {
        let mut value = given();
        Redactor::new(profile).with_keep(["mOnkey"]).redact(&mut value);
        let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned).unwrap();
        let inner = text(value.get("auth").and_then(|auth| auth.get("monkey")));
        (text(value.get("Monkey")), text(value.get("monkeys")), inner)
    };
    assert_eq!(kept(Profile::Reference), ("a".into(), REDACTED.into(), "c".into()));
    assert_eq!(kept(Profile::Strict), ("a".into(), REDACTED.into(), REDACTED.into()));
}

#[test]
fn an_exception_for_a_name_is_none_for_a_credential_in_its_value() {
    let mut value = object([("monkey", Value::from("password=hunter2"))]);
    Redactor::new(Profile::Strict).with_keep(["monkey"]).redact(&mut value);
    assert_eq!(value, object([("monkey", Value::from("password=[REDACTED]"))]));
}

#[test]
fn inv_exe_5_credentials_in_names_are_redacted_and_names_stay_unique() {
    let (one, two) = (concat!("gh", "p_0123456789abcdefghij"), concat!("gh", "p_abcdefghij0123456789"));
    let members = [(one, 1), ("[REDACTED]", 2), (two, 3), ("x", 4), ("[REDACTED]#2", 5)];
    let value = Value::from(members.into_iter().collect::<Object>());
    let redacted = strict(&value);
    let names: Vec<&str> = redacted.as_object().unwrap().keys().collect();
    assert_eq!(names, ["[REDACTED]#3", "[REDACTED]", "[REDACTED]#4", "x", "[REDACTED]#2"]);
    assert_eq!(strict(&redacted), redacted);
    assert_eq!(reference(&value), value);
}

#[test]
fn what_nests_too_deep_is_redacted_whole_and_the_stack_does_not_grow() {
    for profile in [Profile::Reference, Profile::Strict] {
        let mut value = Value::from("deep");
        for _ in 0..100_000 {
            value = object([("a", value)]);
        }
        let redactor = Redactor::new(profile);
        assert!(redactor.collect_secrets(&value).is_empty());
        redactor.redact(&mut value);
        let (mut inner, mut depth) = (&value, 0);
        while let Some(next) = inner.get("a") {
            (inner, depth) = (next, depth + 1);
        }
        assert_eq!((depth, inner.as_str()), (257, Some(REDACTED)));
    }
}

#[test]
fn nothing_prints_what_is_registered_or_redacted() {
    let secrets = execution_orchestration_core::redaction::RegisteredSecrets::new(["hunter2hunter2"]);
    let redactor = Redactor::new(Profile::Strict).scoped(&secrets);
    assert_eq!(format!("{secrets:?}"), "RegisteredSecrets(1)");
    assert!(!format!("{redactor:?}").contains("hunter"));
}

#[test]
fn an_exception_for_a_name_that_does_not_stay_is_none() {
    let name = concat!("key gh", "p_0123456789abcdefghij");
    let mut value = object([(name, Value::from("x"))]);
    Redactor::new(Profile::Strict).with_keep([name]).redact(&mut value);
    assert_eq!(value, object([("key [REDACTED]", Value::from(REDACTED))]));
}
