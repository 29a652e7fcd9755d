//! What is written, character by character, and what numbers become.

use decision_schema::json::{Number, Object, Value, parse, write_string};

fn rewritten(text: &str) -> String {
    parse(text.as_bytes()).unwrap().to_string()
}

#[test]
fn integers_keep_their_digits_and_floats_stay_floats() {
    let table = [
        ("0", "0"),
        ("-0", "-0.0"),
        ("-0.0", "-0.0"),
        ("1.0", "1.0"),
        ("1", "1"),
        ("1E2", "100.0"),
        ("1e16", "1e16"),
        ("1e300", "1e300"),
        ("1e-7", "1e-7"),
        ("0.1", "0.1"),
        ("5e-324", "5e-324"),
        ("1e-999", "0.0"),
        ("9007199254740993", "9007199254740993"),
        ("9223372036854775807", "9223372036854775807"),
        ("9223372036854775808", "9223372036854775808"),
        ("18446744073709551615", "18446744073709551615"),
        ("-9223372036854775808", "-9223372036854775808"),
        ("1.7976931348623157e308", "1.7976931348623157e308"),
    ];
    for (text, written) in table {
        assert_eq!(rewritten(text), written);
    }
}

#[test]
fn only_what_must_be_escaped_is() {
    let mut out = String::new();
    write_string("a\"b\\c/\u{8}\u{c}\n\r\t\u{0}\u{1f}\u{7f}é\u{2028}😀", &mut out);
    let expected = concat!(r#""a\"b\\c/\b\f\n\r\t\u0000\u001f"#, "\u{7f}é\u{2028}😀\"");
    assert_eq!(out, expected);
}

#[test]
fn every_character_survives_in_every_place_of_a_word() {
    for special in
        ['\u{0}', '\u{1f}', ' ', '!', '"', '#', '[', '\\', ']', '\u{7f}', '\u{80}', 'é', '\u{10ffff}']
    {
        for (before, after) in (0..20).flat_map(|before| (0..20).map(move |after| (before, after))) {
            let text = format!("{}{special}{}", "x".repeat(before), "y".repeat(after));
            let value = Value::from(text);
            assert_eq!(parse(value.to_string().as_bytes()).unwrap(), value);
        }
    }
}

#[test]
fn escapes_are_read_as_what_they_mean() {
    let value = parse(br#""\"\\\/\b\f\n\r\t\u0041\u00e9\ud83d\ude00\uFFFF""#).unwrap();
    assert_eq!(value.as_str(), Some("\"\\/\u{8}\u{c}\n\r\tAé😀\u{ffff}"));
}

#[test]
fn members_keep_their_order_and_whitespace_goes() {
    let text = " { \"b\" : [ ] , \"a\" : { } ,\t\"c\":[1 ,\r\n null,true , false] } \n";
    assert_eq!(rewritten(text), r#"{"b":[],"a":{},"c":[1,null,true,false]}"#);
}

#[test]
fn a_float_that_json_cannot_hold_is_written_as_null() {
    for float in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        assert_eq!(Value::Number(Number::Float(float)).to_string(), "null");
    }
}

#[test]
fn display_and_write_to_agree() {
    let object: Object =
        [("a", Value::from(vec![1.into(), Value::Null])), ("b", "x\"".into())].into_iter().collect();
    let value = Value::Object(object);
    let mut out = String::from(">");
    value.write_to(&mut out);
    assert_eq!(out, format!(">{value}"));
}

#[test]
fn numbers_are_equal_exactly_when_their_values_are() {
    let number = |text: &str| parse(text.as_bytes()).unwrap().as_number().unwrap();
    assert_eq!(number("1"), number("1.0"));
    assert_eq!(number("0"), number("-0"));
    assert_eq!(number("9223372036854775808"), number("9223372036854775808.0"));
    assert_ne!(number("9223372036854775809"), number("9223372036854775808.0"));
    assert_ne!(number("18446744073709551615"), number("18446744073709551616.0"));
    assert_ne!(number("9007199254740993"), number("9007199254740992.0"));
}
