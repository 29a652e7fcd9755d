//! Registered values are found again in every encoding, and nothing else is.

use decision_schema::{Object, Value};
use execution_orchestration_core::redaction::{Profile, REDACTED, Redactor, RegisteredSecrets};
use proptest::prelude::*;

use super::object;

fn scoped(secret: &str) -> Redactor {
    Redactor::new(Profile::Reference).scoped(&RegisteredSecrets::new([secret]))
}

fn base64(bytes: &[u8], plus: char, slash: char, is_padded: bool) -> String {
    let digits: Vec<char> = ('A'..='Z').chain('a'..='z').chain('0'..='9').chain([plus, slash]).collect();
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let bits = group.iter().fold(0_usize, |bits, byte| bits << 8 | usize::from(*byte))
            << (8 * (3 - group.len()));
        text.extend((0..=group.len()).map(|at| digits[bits >> (18 - 6 * at) & 63]));
        if is_padded {
            text.extend(std::iter::repeat_n('=', 3 - group.len()));
        }
    }
    text
}

fn percent(text: &str, keep: impl Fn(u8) -> bool, is_upper: bool) -> String {
    text.bytes()
        .map(|byte| match byte {
            _ if keep(byte) => char::from(byte).to_string(),
            _ if is_upper => format!("%{byte:02X}"),
            _ => format!("%{byte:02x}"),
        })
        .collect()
}

fn json(text: &str, is_ascii: bool) -> String {
    let escaped = |unit: &mut u16| format!("\\u{unit:04x}");
    text.chars()
        .map(|char| match char {
            '"' | '\\' | '/' => format!("\\{char}"),
            '\n' => "\\n".into(),
            '\t' => "\\t".into(),
            '\0'..' ' => format!("\\u{:04X}", u32::from(char)),
            _ if is_ascii && !char.is_ascii() => {
                char.encode_utf16(&mut [0; 2]).iter_mut().map(escaped).collect()
            }
            _ => char.to_string(),
        })
        .collect()
}

fn encodings(secret: &str) -> Vec<String> {
    let bytes = secret.as_bytes();
    let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let hex = |is_upper: bool| -> String {
        bytes
            .iter()
            .map(|byte| if is_upper { format!("{byte:02X}") } else { format!("{byte:02x}") })
            .collect()
    };
    vec![
        secret.to_owned(),
        base64(bytes, '+', '/', true),
        base64(bytes, '+', '/', false),
        base64(bytes, '-', '_', true),
        base64(bytes, '-', '_', false),
        hex(false),
        hex(true),
        percent(secret, unreserved, true),
        percent(secret, unreserved, false),
        percent(secret, |byte| unreserved(byte) || byte == b'/', true),
        percent(secret, |byte| unreserved(byte) || byte == b' ', true).replace(' ', "+"),
        percent(secret, |_| false, true),
        json(secret, false),
        json(secret, true),
    ]
}

fn secret() -> impl Strategy<Value = String> {
    prop_oneof!["[ -~]{6,40}", "[a-z0-9]{6,80}", "[\\PC\n\t\"\\\\/+%]{6,20}"]
        .prop_map(|secret| secret.trim().to_owned())
}

proptest! {
    #[test]
    fn inv_exe_5_a_registered_value_never_survives(
        secret in secret(), before in "[ -~é]{0,12}", after in "[ -~é]{0,12}",
    ) {
        prop_assume!(secret.len() >= 6 && !REDACTED.contains(&secret) && !secret.contains(REDACTED));
        let redactor = scoped(&secret);
        for encoded in encodings(&secret) {
            prop_assert_eq!(redactor.redact_text(&encoded).contains(&encoded), false);
            // A backslash or percent sign just before would make another escape of the first character.
            let before = before.trim_end_matches(['\\', '%']);
            for text in [format!("{before} {encoded}{after}"), format!("{before}-{encoded}")] {
                let redacted = redactor.redact_text(&text);
                prop_assert!(!redacted.contains(&encoded), "{:?} survives in {:?}", encoded, redacted);
                prop_assert!(redacted.contains(REDACTED));
            }
        }
    }

    #[test]
    fn inv_exe_5_a_registered_value_is_found_inside_longer_base64(
        secret in secret(), before in "[a-z:]{0,7}", after in "[a-z]{0,7}",
    ) {
        prop_assume!(secret.len() >= 6 && !REDACTED.contains(&secret) && !secret.contains(REDACTED));
        let encoded = base64(format!("{before}{secret}{after}").as_bytes(), '+', '/', true);
        prop_assert!(scoped(&secret).redact_text(&encoded).contains(REDACTED));
    }

    #[test]
    fn clean_text_stays_as_it_is(text in "[a-m %+\\\\]{0,60}") {
        prop_assert_eq!(scoped("nopqrst").redact_text(&text), text.as_str());
    }
}

#[test]
fn a_long_value_goes_as_far_as_it_was_echoed() {
    let secret: String = (0..100).map(|n| char::from(b'!' + n % 90)).collect();
    let redactor = scoped(&secret);
    assert_eq!(redactor.redact_text(&format!("a {secret} b")), format!("a {REDACTED} b"));
    assert_eq!(redactor.redact_text(&format!("a {}\u{e9}", &secret[..50])), format!("a {REDACTED}\u{e9}"));
}

#[test]
fn values_that_overlap_are_redacted_together() {
    let redactor =
        Redactor::new(Profile::Reference).scoped(&RegisteredSecrets::new(["abcdefgh", "efghijkl"]));
    assert_eq!(redactor.redact_text("-abcdefghijkl-"), "-[REDACTED]-");
}

#[test]
fn what_a_redaction_lays_bare_is_redacted_too_and_the_rest_stays() {
    let registered = RegisteredSecrets::new(["abcdef", "]ghijkl"]);
    let redactor = Redactor::new(Profile::Reference).scoped(&registered);
    assert_eq!(redactor.redact_text("x abcdefghijkl y"), "x [REDACTED] y");
}

#[test]
fn short_values_and_the_marker_are_not_registered() {
    assert!(
        RegisteredSecrets::new(["", "12345", " 12345 ", REDACTED, "REDACTED", "a [REDACTED] b"]).is_empty()
    );
    assert!(!RegisteredSecrets::new(["123456"]).is_empty());
}

#[test]
fn values_under_telling_names_are_collected_at_any_depth() {
    let deep = object([("d:list", Value::Array(vec![Value::from("list-value"), Value::from(7_654_321)]))]);
    let given = object([
        ("d:password", Value::from("pass-value\n")),
        ("d:pin_key", Value::from(123_456)),
        ("d:short_key", Value::from(12_345)),
        ("d:auth", deep),
        ("d:plain", Value::from("plain-value")),
        ("d:auth_flag", Value::Bool(true)),
    ]);
    let redactor = Redactor::new(Profile::Strict);
    let registered = redactor.collect_secrets(&given);
    assert_eq!(format!("{registered:?}"), "RegisteredSecrets(4)");
    let both = redactor.collect_secrets_in([given.as_object().unwrap(), &Object::new()]);
    assert_eq!(format!("{both:?}"), "RegisteredSecrets(4)");
    let echo = redactor.scoped(&registered);
    let text = "pass-value 123456 12345 list-value 7654321 plain-value true";
    let expected = "[REDACTED] [REDACTED] 12345 [REDACTED] [REDACTED] plain-value true";
    assert_eq!(echo.redact_text(text), expected);
    let mut numbers = Value::Array(vec![Value::from(123_456), Value::from(12_345)]);
    echo.redact(&mut numbers);
    assert_eq!(numbers, Value::Array(vec![Value::from(REDACTED), Value::from(12_345)]));
}

#[test]
fn a_kept_name_is_not_collected() {
    let given = object([("monkey", Value::from("banana-banana"))]);
    assert!(Redactor::new(Profile::Strict).with_keep(["monkey"]).collect_secrets(&given).is_empty());
}

#[test]
fn a_registered_value_in_a_name_is_redacted_in_both_profiles() {
    for profile in [Profile::Reference, Profile::Strict] {
        let mut value = object([("a hunter2-hunter2", Value::from(1))]);
        Redactor::new(profile).scoped(&RegisteredSecrets::new(["hunter2-hunter2"])).redact(&mut value);
        assert_eq!(value, object([("a [REDACTED]", Value::from(1))]));
    }
}

#[test]
fn thousands_of_values_that_begin_alike_are_told_apart() {
    let many = || (0..4000).map(|n| format!("secret-value-{n}"));
    let redactor = Redactor::new(Profile::Reference).scoped(&RegisteredSecrets::new(many()));
    for secret in many().step_by(7) {
        assert_eq!(redactor.redact_text(&format!("a {secret}!")), "a [REDACTED]!");
    }
    assert_eq!(redactor.redact_text("a secret-value-x"), "a secret-value-x");
}

#[test]
fn of_values_that_begin_with_each_other_the_longest_is_redacted() {
    let registered = RegisteredSecrets::new(["abcdefgh", "abcdef", "abcdefghijklmn", "abcdefgz", "abcdefaa"]);
    let redactor = Redactor::new(Profile::Reference).scoped(&registered);
    for (text, expected) in [
        ("abcdef", "[REDACTED]"),
        ("abcdefg", "[REDACTED]g"),
        ("abcdefghij", "[REDACTED]ij"),
        ("abcdefghijklmno", "[REDACTED]o"),
        ("abcdefgza", "[REDACTED]a"),
        ("abcdefgzz", "[REDACTED]z"),
        ("abcdefb", "[REDACTED]b"),
        ("abcde", "abcde"),
    ] {
        assert_eq!(redactor.redact_text(text), expected, "{text}");
    }
}
