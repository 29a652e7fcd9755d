//! Foreign values on their way into a report, a log or a ledger.

use decision_schema::{Object, Value, json};
use failstop::core::redaction::{Profile, Redactor};
use failstop_testkit::canary::Canary;

/// Names that speak of secrets, in several manners.
const SECRET_NAMES: [&str; 6] =
    ["password", "API-Key", "x_auth_header", "Token", "client-Secret", "privateKey"];

/// Redacting twice is redacting once, the shape stays, and `strict` leaves nothing that `reference` takes (INV-EXE-5).
/// A secret planted under a secret name is in no redacted value, nor in a text that repeats it. In that text, which is
/// the bytes themselves, every `@` is the secret.
pub fn check(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else { return };
    for profile in [Profile::Reference, Profile::Strict] {
        let redactor = Redactor::new(profile);
        let once = redactor.redact_text(text).into_owned();
        assert_eq!(redactor.redact_text(&once), once, "twice is once");
        if let Ok(value) = json::parse(bytes) {
            of_value(&redactor, &value);
            planted(&redactor, &value, text);
        } else {
            planted(&redactor, &Value::Null, text);
        }
    }
    if let Ok(value) = json::parse(bytes) {
        let (mut reference, mut strict) = (value.clone(), value.clone());
        Redactor::new(Profile::Reference).redact(&mut reference);
        Redactor::new(Profile::Strict).redact(&mut strict);
        assert_superset(&value, &reference, &strict);
    }
}

fn of_value(redactor: &Redactor, value: &Value) {
    let mut once = value.clone();
    redactor.redact(&mut once);
    assert_eq!(shape(&once), shape(value), "the shape stays");
    let mut twice = once.clone();
    redactor.redact(&mut twice);
    assert_eq!(twice.to_string(), once.to_string(), "twice is once");
}

fn planted(redactor: &Redactor, value: &Value, text: &str) {
    let canary = Canary::new(9137);
    // As it is and as it is printed, where an escape may add a letter to what stands behind it.
    let surfaces = [text.to_owned(), Value::from(text).to_string()];
    if surfaces.iter().any(|surface| canary.find(surface.as_bytes()).is_some()) {
        // Fuzzers learn parts of encodings that no longer are the secret's own, such as all but its first letter.
        return;
    }
    let mut value = Value::from(Object::from_iter([("", value.clone())]));
    let mut name = SECRET_NAMES.iter().cycle();
    plant(&mut value, canary.secret(), &mut || name.next().copied().unwrap_or_default());
    let secrets = redactor.collect_secrets(&value);
    redactor.redact(&mut value);
    canary.assert_absent("a redacted value", value.to_string());
    let repeated = text.replace('@', canary.secret());
    let scoped = redactor.scoped(&secrets);
    canary.assert_absent("a text", scoped.redact_text(&repeated).as_bytes());
    let mut repeated = Value::from(Object::from_iter([("said", Value::from(repeated))]));
    scoped.redact(&mut repeated);
    canary.assert_absent("a value that repeats it", repeated.to_string());
}

/// Puts the secret into every object, under a name that speaks of one.
fn plant(value: &mut Value, secret: &str, name: &mut impl FnMut() -> &'static str) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| plant(item, secret, name)),
        Value::Object(object) => {
            object.iter_mut().for_each(|(_, value)| plant(value, secret, name));
            object.insert(name(), secret);
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// The value with every scalar and name left out.
fn shape(value: &Value) -> Value {
    match value {
        Value::Array(items) => Value::Array(items.iter().map(shape).collect()),
        Value::Object(object) => Value::Array(object.iter().map(|(_, value)| shape(value)).collect()),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Value::Null,
    }
}

/// Asserts that no scalar which the reference takes out stands in the strict copy.
fn assert_superset(value: &Value, reference: &Value, strict: &Value) {
    match (value, reference, strict) {
        (Value::Array(value), Value::Array(reference), Value::Array(strict)) => {
            for (at, value) in value.iter().enumerate() {
                assert_superset(value, &reference[at], &strict[at]);
            }
        }
        (Value::Object(value), Value::Object(reference), Value::Object(strict)) => {
            for (((_, value), (_, reference)), (_, strict)) in
                value.iter().zip(reference.iter()).zip(strict.iter())
            {
                assert_superset(value, reference, strict);
            }
        }
        (value, reference, strict) => {
            let is_kept = reference == value || strict != value;
            assert!(is_kept, "strict keeps what the reference takes out");
        }
    }
}
