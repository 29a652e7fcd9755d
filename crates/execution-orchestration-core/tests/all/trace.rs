//! What goes into a packet's `external`: exactly the seven registered keys (INV-T1).

use decision_schema::{Object, PacketV2, Value, trace_registry};
use execution_orchestration_core::trace::{EXEC_KEYS, ExecutionTrace, add_execution_trace};

use crate::vectors;

fn count(report: &Value, key: &str) -> u64 {
    report.get(key).and_then(Value::as_i64).unwrap().unsigned_abs()
}

/// The reference's report, as the numbers a trace is made of.
fn trace_of(report: &Value) -> ExecutionTrace {
    ExecutionTrace {
        total_latency_ms: count(report, "total_latency_ms"),
        success_count: count(report, "success_count"),
        failed_count: count(report, "failed_count"),
        skipped_count: count(report, "skipped_count"),
        denied_count: count(report, "denied_count"),
        fail_closed: report.get("fail_closed").and_then(Value::as_bool).unwrap(),
        attempt_count: report.get("attempts").and_then(Value::as_array).unwrap().len() as u64,
    }
}

#[test]
fn packets_with_a_trace_agree_with_the_reference() {
    let vectors = vectors("packet_trace");
    assert_eq!(vectors.len(), 20);
    for (given, expected) in vectors {
        let mut packet = PacketV2::from_value(given.get("packet").unwrap().clone()).unwrap();
        packet.external = add_execution_trace(&packet.external, trace_of(given.get("report").unwrap()));
        let mut written = packet.to_value();
        // The reference's `to_dict` leaves the version out where it is the default.
        if expected.get("schema_version").is_none() {
            let Value::Object(members) = &mut written else { panic!("a packet is an object") };
            members.remove("schema_version");
        }
        assert_eq!(written, expected);
    }
}

#[test]
fn inv_t1_the_seven_keys_are_registered_and_well_formed() {
    let registered: Vec<_> =
        trace_registry::registered_keys().filter(|key| key.starts_with("exec.")).collect();
    for key in EXEC_KEYS {
        assert!(trace_registry::is_valid_trace_key(key), "{key}");
        assert!(registered.contains(&key), "{key}");
    }
    assert_eq!(registered.len(), EXEC_KEYS.len(), "{registered:?}");
}

#[test]
fn inv_t1_a_trace_replaces_its_own_keys_and_keeps_the_others() {
    let external = Object::from_iter([
        ("exec.fail_closed", Value::from("stale")),
        ("ops.state", Value::from("GREEN")),
        ("exec.attempt_count", Value::from(99)),
    ]);
    let trace = ExecutionTrace { attempt_count: 2, fail_closed: true, ..ExecutionTrace::default() };
    let merged = add_execution_trace(&external, trace);
    assert_eq!(merged.len(), 8);
    assert_eq!(merged.get("ops.state"), Some(&Value::from("GREEN")));
    assert_eq!(merged.get("exec.fail_closed"), Some(&Value::from(true)));
    assert_eq!(merged.get("exec.attempt_count"), Some(&Value::from(2)));
    assert_eq!(add_execution_trace(&merged, trace), merged);
}
