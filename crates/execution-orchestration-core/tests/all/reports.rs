//! Reports on the wire, and the table of reason codes.

use std::collections::BTreeSet;

use decision_schema::{Action, Object, Value, json, trace_registry};
use execution_orchestration_core::{
    idempotency::Digest,
    model::{
        Conclusion, Effect, ExecutionAttempt, ExecutionId, ExecutionReport, ExecutionStatus, Outcome,
        ReasonCode, Stopped, WaitReason,
    },
    report::ReportStyle,
    stop::{GateStamp, Level, Scope},
};

const PLAIN: ReportStyle = ReportStyle { extended_trace: false };
const EXTENDED: ReportStyle = ReportStyle { extended_trace: true };

fn attempt() -> ExecutionAttempt {
    ExecutionAttempt {
        action: Action::Act,
        status: ExecutionStatus::Success,
        attempt_number: 0,
        latency_ms: 12,
        error_type: None,
        error_code: None,
        effect: Effect::Applied,
        stopped: None,
        started_at_ms: 1_700_000_000_000,
        waited_ms: 0,
        wait_reason: None,
    }
}

fn success() -> ExecutionReport {
    ExecutionReport {
        execution_id: ExecutionId(0x0190_1234_5678_7abc_8def_0123_4567_89ab),
        run_id: Some("run-\"1\"".to_owned()),
        step: Some(3),
        line: Some(7),
        action: Some(Action::Act),
        conclusion: Conclusion {
            status: ExecutionStatus::Success,
            outcome: Outcome::Executed,
            reason_code: None,
            fail_closed: false,
        },
        replayed: false,
        idempotency_key: Some("order-17".to_owned()),
        plan_digest: Some(Box::new(Digest::of(b"plan"))),
        attempts: vec![attempt()],
        total_latency_ms: 13,
        gate: None,
        output: Some(Value::from("done")),
        external: Object::from_iter([("ops.state", "GREEN"), ("exec.fail_closed", "stale")]),
        packet: None,
    }
}

fn denied() -> ExecutionReport {
    ExecutionReport {
        run_id: None,
        step: None,
        line: None,
        conclusion: Conclusion::refused(ReasonCode::GateStopped),
        idempotency_key: None,
        plan_digest: None,
        attempts: Vec::new(),
        total_latency_ms: 0,
        gate: Some(GateStamp { scope: Scope::Action(Action::Act), level: Level::Stop, epoch: 4 }),
        output: None,
        external: Object::new(),
        ..success()
    }
}

fn unknown() -> ExecutionReport {
    let timed_out = ExecutionAttempt {
        status: ExecutionStatus::Failed,
        latency_ms: 5002,
        error_type: Some("timeout".into()),
        error_code: Some("timeout".into()),
        effect: Effect::Unknown,
        stopped: Some(Stopped::Confirmed),
        ..attempt()
    };
    let broken = ExecutionAttempt {
        attempt_number: 1,
        error_type: Some("panic".into()),
        error_code: Some("execution_exception".into()),
        stopped: None,
        waited_ms: 100,
        wait_reason: Some(WaitReason::Backoff),
        ..timed_out.clone()
    };
    ExecutionReport {
        conclusion: Conclusion {
            status: ExecutionStatus::Failed,
            outcome: Outcome::Unknown,
            reason_code: Some(ReasonCode::ExecutionException),
            fail_closed: true,
        },
        attempts: vec![timed_out, broken],
        total_latency_ms: 5114,
        output: None,
        packet: Some(Object::from_iter([
            ("run_id", Value::from("run-1")),
            ("external", Object::from_iter([("now_ms", 5)]).into()),
        ])),
        ..success()
    }
}

fn replay() -> ExecutionReport {
    ExecutionReport { replayed: true, line: Some(8), external: Object::new(), ..success() }
}

#[test]
fn reports_on_the_wire_are_frozen() {
    let written: Vec<_> = [
        ("success", success(), PLAIN),
        ("denied", denied(), PLAIN),
        ("unknown", unknown(), PLAIN),
        ("replay", replay(), PLAIN),
        ("success, extended", success(), EXTENDED),
    ]
    .into_iter()
    .map(|(name, report, style)| format!("{name}\n{}", report.to_json(style)))
    .collect();
    insta::assert_snapshot!("reports", written.join("\n\n"));
}

#[test]
fn a_report_is_one_line_of_strict_json() {
    for report in [success(), denied(), unknown(), replay()] {
        for style in [PLAIN, EXTENDED] {
            let written = report.to_json(style);
            assert!(!written.contains('\n'));
            assert_eq!(json::parse(written.as_bytes()).unwrap(), report.to_value(style));
        }
    }
}

fn external_keys(report: &ExecutionReport, style: ReportStyle) -> BTreeSet<String> {
    let value = report.to_value(style);
    let external = value.get("external").and_then(Value::as_object).unwrap();
    external.keys().filter(|key| key.contains("exec.")).map(str::to_owned).collect()
}

#[test]
fn inv_t1_reports_carry_exactly_the_seven_registered_keys() {
    let seven = [
        "exec.attempt_count",
        "exec.denied_count",
        "exec.fail_closed",
        "exec.failed_count",
        "exec.skipped_count",
        "exec.success_count",
        "exec.total_latency_ms",
    ]
    .map(str::to_owned);
    for report in [success(), denied(), unknown(), replay()] {
        let keys = external_keys(&report, PLAIN);
        assert_eq!(keys, BTreeSet::from(seven.clone()));
        assert!(keys.iter().all(|key| trace_registry::is_registered_key(key)));
        let extended = external_keys(&report, EXTENDED);
        assert!(extended.is_superset(&keys));
        let more: Vec<_> = extended.difference(&keys).collect();
        assert!(more.iter().all(|key| key.starts_with("x_exec.")), "{more:?}");
        assert!(extended.iter().all(|key| trace_registry::is_valid_trace_key(key)), "{extended:?}");
    }
}

#[test]
fn a_trace_says_what_its_report_says() {
    for report in [success(), denied(), unknown()] {
        let value = report.to_value(PLAIN);
        let external = value.get("external").unwrap();
        for key in [
            "total_latency_ms",
            "success_count",
            "failed_count",
            "skipped_count",
            "denied_count",
            "fail_closed",
        ] {
            assert_eq!(external.get(&format!("exec.{key}")), value.get(key), "{key}");
        }
        let attempts = value.get("attempts").and_then(Value::as_array).unwrap().len();
        assert_eq!(external.get("exec.attempt_count"), Some(&Value::from(attempts as u64)));
    }
    let value = unknown().to_value(PLAIN);
    let in_packet = value.get("packet").and_then(|packet| packet.get("external")).unwrap();
    assert_eq!(in_packet.get("exec.attempt_count").and_then(Value::as_i64), Some(2));
    assert_eq!(in_packet.get("now_ms").and_then(Value::as_i64), Some(5));
}

/// The design's table, by hand: code, status where nothing was tried, status after an attempt, whether it marks its
/// report `fail_closed`.
const CODES: [(&str, &str, &str, bool); 27] = [
    ("input_invalid", "denied", "failed", true),
    ("gate_stopped", "denied", "failed", false),
    ("gate_unreadable", "denied", "failed", true),
    ("gate_stale", "denied", "failed", true),
    ("not_allowed", "skipped", "skipped", false),
    ("policy_needs_engine", "denied", "failed", false),
    ("no_executor", "denied", "failed", false),
    ("cooldown_active", "denied", "failed", false),
    ("idempotency_key_missing", "denied", "failed", false),
    ("idempotency_key_reused", "denied", "failed", false),
    ("idempotency_in_progress", "denied", "failed", false),
    ("idempotency_key_expired", "denied", "failed", false),
    ("idempotency_key_conflict", "denied", "failed", false),
    ("in_doubt", "failed", "failed", true),
    ("rate_limited", "denied", "failed", false),
    ("deadline_exceeded", "denied", "failed", false),
    ("executor_stuck", "denied", "failed", false),
    ("ledger_unavailable", "denied", "failed", true),
    ("executor_failed", "failed", "failed", false),
    ("rejected", "failed", "failed", false),
    ("execution_exception", "failed", "failed", true),
    ("timeout", "failed", "failed", true),
    ("unknown_outcome", "failed", "failed", true),
    ("total_timeout", "failed", "failed", true),
    ("retry_after_exceeds_deadline", "failed", "failed", false),
    ("stopped_in_flight", "failed", "failed", true),
    ("cancelled", "denied", "failed", false),
];

#[test]
fn every_reason_code_means_what_the_table_says() {
    let names: Vec<_> = ReasonCode::ALL.iter().map(|code| code.as_str()).collect();
    assert_eq!(names, CODES.map(|row| row.0));
    for (name, untried, tried, fail_closed) in CODES {
        let code = ReasonCode::from_name(name).unwrap();
        assert_eq!((code.status(false).as_str(), code.status(true).as_str()), (untried, tried), "{name}");
        assert_eq!(code.is_fail_closed(), fail_closed, "{name}");
        let refused = Conclusion::refused(code);
        assert_eq!((refused.status.as_str(), refused.fail_closed), (untried, fail_closed), "{name}");
        let is_unknown = matches!(name, "idempotency_in_progress" | "idempotency_key_expired" | "in_doubt");
        assert_eq!(refused.outcome == Outcome::Unknown, is_unknown, "{name}");
    }
    assert_eq!(ReasonCode::from_name("nonsense"), None);
}

#[test]
fn counts_are_of_attempts_and_of_actions() {
    let counts = |report: &ExecutionReport| {
        (report.success_count(), report.failed_count(), report.skipped_count(), report.denied_count())
    };
    assert_eq!(counts(&success()), (1, 0, 0, 0));
    assert_eq!(counts(&denied()), (0, 0, 0, 1));
    assert_eq!(counts(&unknown()), (0, 2, 0, 0));
    let skipped = ExecutionReport { conclusion: Conclusion::refused(ReasonCode::NotAllowed), ..denied() };
    assert_eq!(counts(&skipped), (0, 0, 1, 0));
}
