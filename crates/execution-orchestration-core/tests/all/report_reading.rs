//! Reports read back from what was written.

use std::borrow::Cow;

use decision_schema::{Action, JsonFaultKind, Number, Object, Value, json};
use execution_orchestration_core::{
    idempotency::{Digest, ParseDigestError},
    model::{
        Code, Conclusion, Effect, ExecutionAttempt, ExecutionId, ExecutionReport, ExecutionStatus, Outcome,
        ParseExecutionIdError, ReasonCode, Stopped, WaitReason,
    },
    report::{ReportFault, ReportStyle},
    stop::{GateStamp, Level, Scope},
};
use proptest::{collection::vec, option, prelude::*, sample::select};

const STYLES: [ReportStyle; 2] =
    [ReportStyle { extended_trace: false }, ReportStyle { extended_trace: true }];

/// What writing sets in `external`, whatever came in.
const DERIVED: [&str; 11] = [
    "exec.total_latency_ms",
    "exec.success_count",
    "exec.failed_count",
    "exec.skipped_count",
    "exec.denied_count",
    "exec.fail_closed",
    "exec.attempt_count",
    "x_exec.outcome",
    "x_exec.plan_digest",
    "x_exec.execution_id",
    "x_exec.reason_code",
];

fn text() -> impl Strategy<Value = String> {
    prop_oneof![any::<String>(), "[a-z\"\\\\\n\u{1}é😀]{0,8}"]
}

fn key() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => text(),
        1 => select(&DERIVED[..]).prop_map(str::to_owned),
        1 => select(&["external", "x_exec.mine", "exec.other", "run_id", "output"][..]).prop_map(str::to_owned),
    ]
}

fn object(value: impl Strategy<Value = Value>) -> impl Strategy<Value = Object> {
    vec((key(), value), 0..6).prop_map(Object::from_iter)
}

fn value() -> impl Strategy<Value = Value> {
    let finite = any::<f64>().prop_filter("JSON has no other", |float| float.is_finite());
    let scalar = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        finite.prop_map(|float| Value::Number(Number::Float(float))),
        text().prop_map(Value::String),
    ];
    scalar.prop_recursive(4, 24, 5, |inner| {
        prop_oneof![vec(inner.clone(), 0..5).prop_map(Value::Array), object(inner).prop_map(Value::from)]
    })
}

fn packet() -> impl Strategy<Value = Object> {
    (object(value()), option::of(prop_oneof![3 => object(value()).prop_map(Value::from), 1 => value()]))
        .prop_map(|(mut packet, external)| {
            packet.remove("external");
            if let Some(external) = external {
                packet.insert("external", external);
            }
            packet
        })
}

fn code() -> impl Strategy<Value = Option<Code>> {
    option::of(prop_oneof![Just(Cow::Borrowed("timeout")), text().prop_map(Cow::Owned)])
}

prop_compose! {
    fn attempt()(
        action in select(&Action::ALL[..]),
        status in select(ExecutionStatus::ALL),
        attempt_number in any::<u32>(),
        (latency_ms, waited_ms, started_at_ms) in any::<(u64, u64, i64)>(),
        (error_type, error_code) in (code(), code()),
        effect in select(Effect::ALL),
        stopped in option::of(select(Stopped::ALL)),
        wait_reason in option::of(select(WaitReason::ALL)),
    ) -> ExecutionAttempt {
        ExecutionAttempt {
            action, status, attempt_number, latency_ms, error_type, error_code, effect, stopped, started_at_ms,
            waited_ms, wait_reason,
        }
    }
}

prop_compose! {
    fn conclusion()(
        status in select(ExecutionStatus::ALL),
        outcome in select(Outcome::ALL),
        reason_code in option::of(select(ReasonCode::ALL)),
        fail_closed in any::<bool>(),
    ) -> Conclusion {
        Conclusion { status, outcome, reason_code, fail_closed }
    }
}

prop_compose! {
    fn gate()(
        scope in prop_oneof![
            Just(Scope::Global),
            Just(Scope::Context),
            select(&Action::ALL[..]).prop_map(Scope::Action),
        ],
        level in select(Level::ALL),
        epoch in any::<u64>(),
    ) -> GateStamp {
        GateStamp { scope, level, epoch }
    }
}

prop_compose! {
    fn report()(
        (id, digest) in any::<(u128, Option<[u8; 32]>)>(),
        (run_id, idempotency_key) in (option::of(text()), option::of(text())),
        (step, line, total_latency_ms, replayed) in any::<(Option<i64>, Option<u64>, u64, bool)>(),
        action in option::of(select(&Action::ALL[..])),
        conclusion in conclusion(),
        attempts in vec(attempt(), 0..4),
        gate in option::of(gate()),
        output in option::of(value()),
        external in object(value()),
        packet in option::of(packet()),
    ) -> ExecutionReport {
        ExecutionReport {
            execution_id: ExecutionId(id), run_id, step, line, action, conclusion, replayed, idempotency_key,
            plan_digest: digest.map(Digest::from).map(Box::new), attempts, total_latency_ms, gate, output, external, packet,
        }
    }
}

fn without_derived(mut object: Object) -> Object {
    for key in DERIVED {
        object.remove(key);
    }
    object
}

/// The report as it is known once it was written: what stood where writing puts its own is gone.
fn as_written(mut report: ExecutionReport) -> ExecutionReport {
    report.external = without_derived(report.external);
    if let Some(packet) = &mut report.packet
        && let Some(Value::Object(external)) = packet.get("external").cloned()
    {
        packet.insert("external", without_derived(external));
    }
    report
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn what_is_written_reads_back_as_the_same_report_and_the_same_bytes(report in report()) {
        for style in STYLES {
            let written = report.to_json(style);
            let read = ExecutionReport::from_json(&written).unwrap();
            prop_assert_eq!(&read, &as_written(report.clone()));
            prop_assert_eq!(read.to_json(style), written);
        }
    }

    #[test]
    fn the_style_of_writing_leaves_no_mark_on_what_is_read(report in report()) {
        let [plain, extended] = STYLES.map(|style| ExecutionReport::from_json(&report.to_json(style)).unwrap());
        prop_assert_eq!(plain, extended);
    }

    #[test]
    fn no_value_in_any_place_makes_reading_panic(report in report(), at in any::<prop::sample::Index>(), value in value()) {
        let mut members = object_of(&report);
        *members.iter_mut().nth(at.index(22)).map_or(&mut Value::Null, |(_, member)| member) = value;
        if let Err(fault) = ExecutionReport::from_value(&members.into()) {
            prop_assert!(!fault.to_string().is_empty());
        }
    }

    #[test]
    fn ids_and_digests_read_back(id in any::<u128>(), bytes in any::<[u8; 32]>()) {
        let (id, digest) = (ExecutionId(id), Digest::from(bytes));
        prop_assert_eq!(id.to_string().parse(), Ok(id));
        prop_assert_eq!(digest.to_string().parse(), Ok(digest));
        prop_assert_eq!(Digest::from_wire(&digest.to_wire()), Ok(digest));
    }

    #[test]
    fn an_id_and_a_digest_have_one_text(
        (number, bytes) in any::<(u128, [u8; 32])>(),
        at in any::<prop::sample::Index>(),
        other in "[0-9a-fA-F-]",
    ) {
        let replaced = |text: String| {
            let at = at.index(text.len());
            format!("{}{other}{}", &text[..at], &text[at + 1..])
        };
        let (id, digest) = (replaced(ExecutionId(number).to_string()), replaced(Digest::from(bytes).to_string()));
        if let Ok(read) = id.parse::<ExecutionId>() {
            prop_assert_eq!(read.to_string(), id);
        }
        if let Ok(read) = digest.parse::<Digest>() {
            prop_assert_eq!(read.to_string(), digest);
        }
    }
}

proptest! {
    // Each case reads its report once for every byte.
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_report_that_ends_early_is_a_fault(report in report()) {
        let written = report.to_json(STYLES[1]);
        for (end, _) in written.char_indices() {
            let fault = ExecutionReport::from_json(&written[..end]).unwrap_err();
            prop_assert!(matches!(fault, ReportFault::Json(_)), "{end}: {fault}");
        }
    }
}

/// A report with every member that a report can have.
fn full() -> ExecutionReport {
    let attempt = ExecutionAttempt {
        action: Action::Act,
        status: ExecutionStatus::Failed,
        attempt_number: 0,
        latency_ms: 5002,
        error_type: Some(Cow::Borrowed("timeout")),
        error_code: Some(Cow::Borrowed("timeout")),
        effect: Effect::Unknown,
        stopped: Some(Stopped::Confirmed),
        started_at_ms: 1_700_000_000_000,
        waited_ms: 3,
        wait_reason: Some(WaitReason::RateLimit),
    };
    ExecutionReport {
        execution_id: ExecutionId(0x0190_1234_5678_7abc_8def_0123_4567_89ab),
        run_id: Some("run-1".to_owned()),
        step: Some(3),
        line: Some(7),
        action: Some(Action::Act),
        conclusion: Conclusion {
            status: ExecutionStatus::Failed,
            outcome: Outcome::Unknown,
            reason_code: Some(ReasonCode::Timeout),
            fail_closed: true,
        },
        replayed: false,
        idempotency_key: Some("order-17".to_owned()),
        plan_digest: Some(Box::new(Digest::of(b"plan"))),
        attempts: vec![ExecutionAttempt { attempt_number: 1, ..attempt.clone() }, attempt],
        total_latency_ms: 5114,
        gate: Some(GateStamp { scope: Scope::Global, level: Level::Drain, epoch: 4 }),
        output: Some(Value::from("done")),
        external: Object::from_iter([("ops.state", "GREEN")]),
        packet: Some(Object::from_iter([("external", Object::from_iter([("now_ms", 5)]))])),
    }
}

fn object_of(report: &ExecutionReport) -> Object {
    report.to_value(STYLES[0]).as_object().cloned().unwrap()
}

fn read(members: Object) -> Result<ExecutionReport, ReportFault> {
    ExecutionReport::from_value(&members.into())
}

fn missing(path: &str) -> ReportFault {
    ReportFault::Missing { path: path.to_owned().into() }
}

fn unreadable(path: &str) -> ReportFault {
    ReportFault::Unreadable { path: path.to_owned().into() }
}

/// Members of a report that writing derives or that may be anything.
const FREE: [&str; 5] = ["success_count", "failed_count", "skipped_count", "denied_count", "output"];

/// Members that are there only where there is something to say, or that a ledger does not keep.
const OPTIONAL: [&str; 5] = ["line", "gate", "output", "external", "packet"];

/// The value of another type than any that can stand where `value` stands.
fn ill_typed(value: &Value) -> Value {
    if matches!(value, Value::Bool(_)) { 1.into() } else { true.into() }
}

#[test]
fn a_missing_member_is_a_fault_that_names_it() {
    let members = object_of(&full());
    for name in members.keys().filter(|name| !FREE.contains(name) && !OPTIONAL.contains(name)) {
        let mut lacking = members.clone();
        lacking.remove(name);
        assert_eq!(read(lacking), Err(missing(name)));
    }
    for name in OPTIONAL {
        let mut lacking = members.clone();
        lacking.remove(name).unwrap();
        assert_eq!(read(lacking).map(drop), Ok(()), "{name}");
    }
}

#[test]
fn an_ill_typed_member_is_a_fault_that_names_it() {
    let members = object_of(&full());
    for (name, value) in members.iter().filter(|(name, _)| !FREE.contains(name)) {
        let mut wrong = members.clone();
        wrong.insert(name, ill_typed(value));
        assert_eq!(read(wrong), Err(unreadable(name)));
    }
}

#[test]
fn null_stands_only_where_it_is_written() {
    let nullable = ["run_id", "step", "action", "reason_code", "idempotency_key", "plan_digest"];
    let members = object_of(&full());
    for name in members.keys().filter(|name| !FREE.contains(name)) {
        let mut nulled = members.clone();
        nulled.insert(name, Value::Null);
        let expected = if nullable.contains(&name) { Ok(()) } else { Err(unreadable(name)) };
        assert_eq!(read(nulled).map(drop), expected, "{name}");
    }
}

/// `report` with `change` made to its last attempt.
fn with_attempt(change: impl FnOnce(&mut Object)) -> Object {
    let mut members = object_of(&full());
    let mut attempts = members.get("attempts").and_then(Value::as_array).unwrap().to_vec();
    let mut last = attempts.pop().unwrap().as_object().cloned().unwrap();
    change(&mut last);
    attempts.push(last.into());
    members.insert("attempts", attempts);
    members
}

#[test]
fn faults_of_attempts_and_of_the_gate_say_which() {
    let report = object_of(&full());
    let attempt = report.get("attempts").and_then(Value::as_array).unwrap()[1].as_object().unwrap();
    for (name, value) in attempt.iter().filter(|(name, _)| *name != "idempotency_key") {
        let path = format!("attempts[1].{name}");
        assert_eq!(read(with_attempt(|attempt| drop(attempt.remove(name)))), Err(missing(&path)));
        let wrong = with_attempt(|attempt| drop(attempt.insert(name, ill_typed(value))));
        assert_eq!(read(wrong), Err(unreadable(&path)));
    }
    let mut scalars = report.clone();
    scalars.insert("attempts", vec![1]);
    assert_eq!(read(scalars), Err(unreadable("attempts[0]")));
    for name in ["scope", "level", "epoch"] {
        let mut gate = report.get("gate").and_then(Value::as_object).cloned().unwrap();
        let mut wrong = report.clone();
        gate.insert(name, "canary-secret");
        wrong.insert("gate", gate.clone());
        assert_eq!(read(wrong.clone()), Err(unreadable(&format!("gate.{name}"))));
        gate.remove(name);
        wrong.insert("gate", gate);
        assert_eq!(read(wrong), Err(missing(&format!("gate.{name}"))));
    }
}

#[test]
fn inv_exe_5_faults_say_nothing_of_what_stands_there() {
    let members = object_of(&full());
    for name in members.keys() {
        let mut wrong = members.clone();
        wrong.insert(name, Object::from_iter([("canary-name", "canary-value")]));
        if let Err(fault) = read(wrong) {
            assert!(!format!("{fault} {fault:?}").contains("canary"), "{name}");
        }
    }
    let fault = ExecutionReport::from_json("{\"canary\": canary}").unwrap_err();
    assert!(!format!("{fault} {fault:?}").contains("canary"));
}

#[test]
fn numbers_beyond_their_type_are_faults() {
    for (name, number) in [
        ("line", Value::from(-1)),
        ("total_latency_ms", Value::from(-1)),
        ("total_latency_ms", Value::Number(Number::Float(0.5))),
        ("step", Value::from(u64::MAX)),
    ] {
        let mut wrong = object_of(&full());
        wrong.insert(name, number);
        assert_eq!(read(wrong), Err(unreadable(name)));
    }
    let beyond = with_attempt(|attempt| drop(attempt.insert("attempt_number", u64::from(u32::MAX) + 1)));
    assert_eq!(read(beyond), Err(unreadable("attempts[1].attempt_number")));
}

#[test]
fn what_a_newer_version_adds_is_ignored() {
    let mut newer = with_attempt(|attempt| drop(attempt.insert("region", "north")));
    let mut gate = newer.get("gate").and_then(Value::as_object).cloned().unwrap();
    gate.insert("by", "somebody");
    newer.insert("gate", gate);
    newer.insert("weather", "fair");
    assert_eq!(read(newer), Ok(full()));
}

#[test]
fn what_writing_derives_is_not_missed_and_not_believed() {
    let mut kept = with_attempt(|attempt| drop(attempt.remove("idempotency_key")));
    for name in &FREE[..4] {
        kept.insert(*name, 99);
    }
    assert_eq!(read(kept.clone()), Ok(full()));
    for name in FREE[..4].iter().chain(&["external", "packet"]) {
        kept.remove(name);
    }
    assert_eq!(read(kept), Ok(ExecutionReport { external: Object::new(), packet: None, ..full() }));
}

#[test]
fn another_schema_is_refused() {
    for schema in ["failstop.report/2", "failstop.report/10", ""] {
        let mut other = object_of(&full());
        other.insert("schema", schema);
        assert_eq!(read(other), Err(ReportFault::Schema));
    }
    assert_eq!(ExecutionReport::from_json("[]"), Err(ReportFault::NotAnObject));
}

/// A producer's own `x_exec.outcome` once stood beside ours in the extended style: two members of one name, which no
/// strict reader takes.
#[test]
fn a_given_member_under_a_derived_name_never_stands_twice() {
    let external: Object = DERIVED.into_iter().map(|key| (key, "forged")).collect();
    let report = ExecutionReport { external, ..full() };
    for style in STYLES {
        let written = report.to_json(style);
        assert!(!written.contains("forged"));
        assert_eq!(json::parse(written.as_bytes()).map(drop), Ok(()));
    }
}

#[test]
fn the_largest_output_and_the_most_attempts_can_be_read() {
    let largest = Value::from("\u{1}".repeat((64 * 1024 - 2) / 6));
    let attempts =
        (0..=100).map(|number| ExecutionAttempt { attempt_number: number, ..full().attempts.remove(0) });
    let report = ExecutionReport {
        idempotency_key: Some("\"".repeat(255)),
        attempts: attempts.collect(),
        output: Some(largest),
        ..full()
    };
    assert_eq!(ExecutionReport::from_json(&report.to_json(STYLES[1])), Ok(report));
}

#[test]
fn an_output_may_be_one_level_less_deep_than_a_text() {
    let nested = |depth| (0..depth).fold(Value::Null, |inner, _| Value::Array(vec![inner]));
    let report = |depth| ExecutionReport { output: Some(nested(depth)), ..full() };
    let deepest = report(json::MAX_DEPTH - 1);
    assert_eq!(ExecutionReport::from_json(&deepest.to_json(STYLES[0])), Ok(deepest));
    let fault = ExecutionReport::from_json(&report(json::MAX_DEPTH).to_json(STYLES[0])).unwrap_err();
    assert!(matches!(fault, ReportFault::Json(fault) if fault.kind == JsonFaultKind::TooDeep));
}

#[test]
fn texts_that_are_no_ids_or_digests_are_refused() {
    let id = full().execution_id.to_string();
    for text in [
        "",
        "é",
        &id[1..],
        &format!("{id}0"),
        &id.to_uppercase(),
        &id.replace('-', "0"),
        &id.replace('0', "g"),
        &id.replacen("90", "é", 1),
        &id.replacen("01", "+1", 1),
        &format!("-{}", id.replacen('-', "", 1)),
    ] {
        assert_eq!(text.parse::<ExecutionId>(), Err(ParseExecutionIdError), "{text}");
    }
    let digits = Digest::of(b"plan").to_string();
    for text in [
        "",
        &digits[1..],
        &digits[2..],
        &format!("{digits}0"),
        &format!("{digits}00"),
        &digits.to_uppercase(),
        &digits.replace('0', "+"),
        &format!("sha256:{digits}"),
    ] {
        assert_eq!(text.parse::<Digest>(), Err(ParseDigestError), "{text}");
    }
    for text in [&digits, "sha256:", "", &format!("SHA256:{digits}"), &format!("sha256:sha256:{digits}")] {
        assert_eq!(Digest::from_wire(text), Err(ParseDigestError), "{text}");
    }
}
