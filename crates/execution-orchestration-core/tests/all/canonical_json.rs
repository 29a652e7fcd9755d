//! Canonical JSON against the samples of RFC 8785.

use decision_schema::{Number, Object, Value};
use execution_orchestration_core::idempotency::{Digest, canonical_json, sha256};
use proptest::prelude::*;

fn number(n: Number) -> String {
    canonical_json::to_string(&Value::Number(n))
}

/// RFC 8785, appendix B, without the two that JSON cannot hold.
const NUMBERS: [(u64, &str); 24] = [
    (0x0000_0000_0000_0000, "0"),
    (0x8000_0000_0000_0000, "0"),
    (0x0000_0000_0000_0001, "5e-324"),
    (0x8000_0000_0000_0001, "-5e-324"),
    (0x7fef_ffff_ffff_ffff, "1.7976931348623157e+308"),
    (0xffef_ffff_ffff_ffff, "-1.7976931348623157e+308"),
    (0x4340_0000_0000_0000, "9007199254740992"),
    (0xc340_0000_0000_0000, "-9007199254740992"),
    (0x4430_0000_0000_0000, "295147905179352830000"),
    (0x44b5_2d02_c7e1_4af5, "9.999999999999997e+22"),
    (0x44b5_2d02_c7e1_4af6, "1e+23"),
    (0x44b5_2d02_c7e1_4af7, "1.0000000000000001e+23"),
    (0x444b_1ae4_d6e2_ef4e, "999999999999999700000"),
    (0x444b_1ae4_d6e2_ef4f, "999999999999999900000"),
    (0x444b_1ae4_d6e2_ef50, "1e+21"),
    (0x3eb0_c6f7_a0b5_ed8c, "9.999999999999997e-7"),
    (0x3eb0_c6f7_a0b5_ed8d, "0.000001"),
    (0x41b3_de43_5555_5553, "333333333.3333332"),
    (0x41b3_de43_5555_5554, "333333333.33333325"),
    (0x41b3_de43_5555_5555, "333333333.3333333"),
    (0x41b3_de43_5555_5556, "333333333.3333334"),
    (0x41b3_de43_5555_5557, "333333333.33333343"),
    (0xbecb_f647_612f_3696, "-0.0000033333333333333333"),
    (0x4314_3ff3_c1cb_0959, "1424953923781206.2"),
];

#[test]
fn numbers_are_written_as_in_appendix_b() {
    for (bits, expected) in NUMBERS {
        assert_eq!(number(Number::Float(f64::from_bits(bits))), expected, "{bits:016x}");
    }
}

#[test]
fn numbers_that_json_cannot_hold_become_null() {
    for float in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        assert_eq!(number(Number::Float(float)), "null");
    }
}

#[test]
fn integers_keep_their_digits() {
    assert_eq!(number(Number::Int(i64::MIN)), "-9223372036854775808");
    assert_eq!(number(Number::Int(9_007_199_254_740_993)), "9007199254740993");
    assert_eq!(number(Number::Uint(u64::MAX)), "18446744073709551615");
    assert_eq!(number(Number::Int(0)), "0");
}

/// RFC 8785, 3.2.2 to 3.2.4: the sample object and its canonical form.
#[test]
fn the_sample_object_comes_out_as_in_section_3_2_4() {
    let numbers = [333_333_333.333_333_3, 1e30, 4.50, 2e-3, 1e-27].map(|f| Value::Number(Number::Float(f)));
    let value = Value::from(Object::from_iter([
        ("numbers", Value::Array(numbers.to_vec())),
        ("string", Value::from("\u{20ac}$\u{f}\u{a}A'\u{42}\u{22}\u{5c}\\\"/")),
        ("literals", Value::Array(vec![Value::Null, Value::Bool(true), Value::Bool(false)])),
    ]));
    let expected = r#"{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\u000f\nA'B\"\\\\\"/"}"#;
    assert_eq!(canonical_json::to_string(&value), expected);
    assert_eq!(canonical_json::digest(&value), Digest::of(expected.as_bytes()));
    let mut bytes = Vec::new();
    canonical_json::write(&value, &mut bytes);
    assert_eq!(bytes, expected.as_bytes());
}

/// RFC 8785, 3.2.3: the sample of the sorting order.
#[test]
fn members_are_sorted_by_utf_16_code_units() {
    let sample = Object::from_iter([
        ("\u{20ac}", "Euro Sign"),
        ("\r", "Carriage Return"),
        ("\u{fb33}", "Hebrew Letter Dalet With Dagesh"),
        ("1", "One"),
        ("\u{1f600}", "Emoji: Grinning Face"),
        ("\u{80}", "Control"),
        ("\u{f6}", "Latin Small Letter O With Diaeresis"),
    ]);
    let expected = "{\"\\r\":\"Carriage Return\",\"1\":\"One\",\"\u{80}\":\"Control\",\
                    \"\u{f6}\":\"Latin Small Letter O With Diaeresis\",\"\u{20ac}\":\"Euro Sign\",\
                    \"\u{1f600}\":\"Emoji: Grinning Face\",\"\u{fb33}\":\"Hebrew Letter Dalet With Dagesh\"}";
    assert_eq!(canonical_json::to_string(&Value::from(sample)), expected);
}

#[test]
fn every_control_character_is_escaped_and_nothing_above_is() {
    let text: String = ('\0'..='\u{20}').chain(['\u{7f}', '\u{2028}']).collect();
    let expected = "\"\\u0000\\u0001\\u0002\\u0003\\u0004\\u0005\\u0006\\u0007\\b\\t\\n\\u000b\\f\\r\\u000e\\u000f\
                    \\u0010\\u0011\\u0012\\u0013\\u0014\\u0015\\u0016\\u0017\\u0018\\u0019\\u001a\\u001b\\u001c\\u001d\
                    \\u001e\\u001f \u{7f}\u{2028}\"";
    assert_eq!(canonical_json::to_string(&Value::from(text)), expected);
}

#[test]
fn nesting_does_not_grow_the_stack() {
    let mut value = Value::Null;
    for _ in 0..100_000 {
        value = Value::Array(vec![value]);
    }
    assert_eq!(canonical_json::to_string(&value).len(), 200_004);
    // Dropping such a value by itself would recurse.
    while let Value::Array(mut items) = value {
        value = items.pop().unwrap();
    }
}

/// FIPS 180-4, the examples for SHA-256.
#[test]
fn digests_are_sha_256_in_lower_hexadecimal() {
    let digest = Digest::from(sha256(b"abc"));
    let hex = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    assert_eq!(digest.to_string(), hex);
    assert_eq!(digest.to_wire(), format!("sha256:{hex}"));
    assert_eq!(format!("{digest:?}"), hex);
}

proptest! {
    #[test]
    fn inv_exe_1_the_order_of_members_does_not_matter(
        mut members in proptest::collection::btree_map(any::<String>(), any::<i64>(), 0..8),
    ) {
        let forward: Object = members.clone().into_iter().collect();
        let mut backward = Object::new();
        while let Some((key, value)) = members.pop_last() {
            backward.insert(key, value);
        }
        prop_assert_eq!(canonical_json::digest_object(&forward), canonical_json::digest_object(&backward));
    }

    #[test]
    fn floats_read_back_as_they_were(bits in any::<u64>()) {
        let float = f64::from_bits(bits);
        prop_assume!(float.is_finite());
        let back: f64 = number(Number::Float(float)).parse().unwrap();
        prop_assert_eq!((back + 0.0).to_bits(), (float + 0.0).to_bits());
    }
}
