//! The answers of the Python reference, line by line.

use decision_schema::{
    PacketV2, Value,
    compat::is_compatible,
    json::parse,
    trace_registry::{KeyMode, is_valid_context_key, is_valid_trace_key, validate_external_dict},
};

const SCHEMA_COMPAT: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/../failstop-testkit/vectors/schema_compat.jsonl");
const TRACE_KEYS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../failstop-testkit/vectors/trace_keys.jsonl");
const PACKET_TRACE: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/../failstop-testkit/vectors/packet_trace.jsonl");

/// The `in` and `out` of each line, which must be at least `least`.
fn vectors(path: &str, least: usize) -> Vec<(Value, Value)> {
    let text = std::fs::read_to_string(path).unwrap();
    let member = |line: &Value, name| line.get(name).unwrap().clone();
    let lines: Vec<_> = text
        .lines()
        .map(|line| parse(line.as_bytes()).unwrap())
        .map(|line| (member(&line, "in"), member(&line, "out")))
        .collect();
    assert!(lines.len() >= least);
    lines
}

fn texts(value: Option<&Value>) -> Vec<&str> {
    value.and_then(Value::as_array).unwrap_or_default().iter().map(|text| text.as_str().unwrap()).collect()
}

#[test]
fn versions_are_judged_as_by_the_reference() {
    for (given, expected) in vectors(SCHEMA_COMPAT, 60) {
        let number = |name| given.get(name).and_then(Value::as_i64);
        let version = given.get("schema_version").and_then(Value::as_str).unwrap();
        let major = number("expected_major").unwrap();
        let compatible = is_compatible(version, major, number("min_minor"), number("max_minor"));
        assert_eq!(Some(compatible), expected.as_bool(), "{given}");
    }
}

/// INV-T1. The vectors were written with sorted names, so that the order in which the reference met the keys is lost:
/// errors are compared regardless of order.
#[test]
fn keys_are_judged_as_by_the_reference() {
    for (given, expected) in vectors(TRACE_KEYS, 80) {
        let mode = match given.get("mode").and_then(Value::as_str).unwrap() {
            "context" => KeyMode::Context,
            "trace" => KeyMode::Trace,
            _ => KeyMode::Both,
        };
        let external = given.get("external").and_then(Value::as_object).unwrap();
        let prefixes = texts(given.get("require_registry_for_prefixes"));
        let faults = validate_external_dict(external, mode, &prefixes);
        let mut errors: Vec<String> = faults.iter().map(ToString::to_string).collect();
        let mut expected_errors = texts(expected.get("errors"));
        errors.sort();
        expected_errors.sort_unstable();
        assert_eq!(errors, expected_errors, "{given}");
        for key in external.keys() {
            let judged = |map| expected.get(map).and_then(|map| map.get(key)).and_then(Value::as_bool);
            assert_eq!(Some(is_valid_trace_key(key)), judged("valid_trace_key"), "{key}");
            assert_eq!(Some(is_valid_context_key(key)), judged("valid_context_key"), "{key}");
        }
    }
}

/// The vectors' `out` has the trace of an execution in `external`; all else is what the packet itself is written as.
#[test]
fn packets_are_written_as_by_the_reference() {
    for (given, expected) in vectors(PACKET_TRACE, 20) {
        let source = given.get("packet").unwrap();
        let written = PacketV2::from_value(source.clone()).unwrap().to_value();
        assert_eq!(&written, source);
        let Value::Object(mut written) = written else { unreachable!("a packet is an object") };
        written.insert("external", expected.get("external").unwrap().clone());
        assert_eq!(Value::Object(written), expected);
    }
}
