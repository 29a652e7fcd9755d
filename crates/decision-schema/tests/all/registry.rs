//! Trace keys and versions beyond the reference's vectors.

use decision_schema::{
    Object,
    compat::{ParseVersionError, is_compatible, parse_version},
    trace_registry::{
        EXEC_KEYS, KeyMode, RESERVED_NAMESPACES, is_registered_key, is_valid_context_key, is_valid_trace_key,
        registered_keys, validate_external_dict,
    },
};

fn codes(keys: &[&str], mode: KeyMode, prefixes: &[&str]) -> Vec<String> {
    let external: Object = keys.iter().map(|key| (*key, 0)).collect();
    validate_external_dict(&external, mode, prefixes).iter().map(ToString::to_string).collect()
}

#[test]
fn registered_keys_are_well_formed_unique_and_in_reserved_namespaces() {
    let keys: Vec<&str> = registered_keys().collect();
    assert_eq!(keys.len(), 8);
    for (index, key) in keys.iter().enumerate() {
        assert!(is_valid_trace_key(key) && is_registered_key(key) && !keys[..index].contains(key));
        assert!(RESERVED_NAMESPACES.contains(&key.split('.').next().unwrap()));
    }
    assert!(EXEC_KEYS.iter().all(|key| key.starts_with("exec.")));
}

#[test]
fn a_line_break_after_a_key_is_not_part_of_it() {
    assert!(!is_valid_trace_key("exec.fail_closed\n"));
    assert!(!is_valid_context_key("now_ms\n"));
}

#[test]
fn unregistered_keys_are_faults_only_under_strict_prefixes() {
    let keys = ["exec.other", "exec.fail_closed", "x_exec.other", "exec", "harness.other"];
    let expected = ["INV-T1:unregistered_key:exec.other"];
    assert_eq!(codes(&keys, KeyMode::Both, &["exec"]), expected);
    assert!(codes(&keys, KeyMode::Both, &[]).is_empty());
    let keys = ["exec.other", "exec", "exec.Other"];
    let expected = [
        "INV-T1:unregistered_key:exec.other",
        "INV-T1:invalid_trace_key_format:exec",
        "INV-T1:invalid_trace_key_format:exec.Other",
    ];
    assert_eq!(codes(&keys, KeyMode::Trace, &["exec"]), expected);
    assert_eq!(
        codes(&["exec.other"], KeyMode::Context, &["exec"]),
        ["INV-T1:invalid_context_key_format:exec.other"]
    );
}

#[test]
fn faults_come_in_the_order_of_the_members() {
    let expected =
        ["INV-T1:invalid_key_format:Z", "INV-T1:invalid_key_format:A", "INV-T1:invalid_key_format:M"];
    assert_eq!(codes(&["Z", "A", "M"], KeyMode::Both, &[]), expected);
}

#[test]
fn version_parts_are_read_as_python_reads_integers() {
    let zero = [" 0 .2", "+0.2", "-0.2", "00.2", "0_0.2", "\u{2003}0.2", "0", "0.2.x", "0.2.", "0\u{b}.2"];
    for version in zero {
        assert!(is_compatible(version, 0, None, None), "{version:?}");
    }
    for version in
        ["", ".", "0.", "x", "0.x", "v0", "_0", "0_", "0__0", "+ 0", "--0", "0\u{1c}", "0x0", "\u{661}"]
    {
        assert!(!is_compatible(version, 0, None, None), "{version:?}");
    }
}

#[test]
fn minor_bounds_apply_to_major_zero_alone_and_hold_for_huge_numbers() {
    assert!(is_compatible("1.9", 1, Some(0), Some(2)));
    assert!(!is_compatible("0.9", 0, Some(0), Some(2)));
    assert!(!is_compatible("0.-1", 0, Some(0), None));
    let huge = format!("0.{}", "9".repeat(60));
    assert!(is_compatible(&huge, 0, Some(i64::MAX), None));
    assert!(!is_compatible(&huge, 0, None, Some(i64::MAX)));
}

#[test]
fn versions_parse_into_three_parts() {
    assert_eq!(parse_version("0.2.2"), Ok((0, 2, 2)));
    assert_eq!(parse_version("1.4"), Ok((1, 4, 0)));
    assert_eq!(parse_version("1.4.5.x"), Ok((1, 4, 5)));
    assert_eq!(parse_version("1"), Err(ParseVersionError::TooFewParts));
    assert_eq!(parse_version(""), Err(ParseVersionError::TooFewParts));
    assert_eq!(parse_version("1.x"), Err(ParseVersionError::NotAnInteger));
    assert_eq!(parse_version("1.2.rc1"), Err(ParseVersionError::NotAnInteger));
    assert_eq!(parse_version("1.9223372036854775808"), Err(ParseVersionError::NotAnInteger));
}
