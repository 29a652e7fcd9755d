//! Bad decisions, proposals and envelopes: the exact words of each refusal.

use decision_schema::{
    Action, Envelope, FinalDecision, MismatchInfo, Object, PacketV2, Proposal, Value, json::parse,
};

const DECISION_FIELDS: &str = "action, allowed, reasons, mismatch, throttle_ms, cooldown_ms, params";
const ENVELOPE_FIELDS: &str = "decision, proposal, context, run_id, step, tenant, idempotency_key, packet";

/// Each `~` of a message becomes the list of known fields of a decision, each `^` that of an envelope.
const TABLE: &[(&str, &str)] = &[
    // Bare decisions.
    ("[]", "must be an object (at byte 0)"),
    (" \"ACT\"", "must be an object (at byte 1)"),
    ("{}", "action: is required (at byte 0)"),
    (r#"{"allowed":true}"#, "action: is required (at byte 0)"),
    (r#"{"action":"FLY"}"#, "action: must be one of HOLD, ACT, EXIT, CANCEL, STOP (at byte 10)"),
    (r#"{"action":"act"}"#, "action: must be one of HOLD, ACT, EXIT, CANCEL, STOP (at byte 10)"),
    (r#"{"action":null}"#, "action: must be one of HOLD, ACT, EXIT, CANCEL, STOP (at byte 10)"),
    (r#"{"action":"ACT","allowed":1}"#, "allowed: must be true or false (at byte 26)"),
    (r#"{"action":"ACT","allowed":null}"#, "allowed: must be true or false (at byte 26)"),
    (r#"{"action":"ACT","reasons":"r"}"#, "reasons: must be a list of strings (at byte 26)"),
    (r#"{"action":"ACT","reasons":["r", 2]}"#, "reasons[1]: must be a string (at byte 32)"),
    (
        r#"{"action":"ACT","throttle_ms":-1}"#,
        "throttle_ms: must be an integer in 0..=9223372036854775807 (at byte 30)",
    ),
    (
        r#"{"action":"ACT","throttle_ms":"5"}"#,
        "throttle_ms: must be an integer in 0..=9223372036854775807 (at byte 30)",
    ),
    (
        r#"{"action":"ACT","cooldown_ms":1.5}"#,
        "cooldown_ms: must be an integer in 0..=9223372036854775807 (at byte 30)",
    ),
    (
        r#"{"action":"ACT","cooldown_ms":9223372036854775808}"#,
        "cooldown_ms: must be an integer in 0..=9223372036854775807 (at byte 30)",
    ),
    (r#"{"action":"ACT","params":[]}"#, "params: must be an object (at byte 25)"),
    (r#"{"action":"ACT","parms":{}}"#, "unknown field at byte 16; known fields are: ~"),
    (r#"{"action":"ACT","context":{}}"#, "unknown field at byte 16; known fields are: ~"),
    (r#"{"action":"ACT","mismatch":true}"#, "mismatch: must be an object (at byte 27)"),
    (r#"{"action":"ACT","mismatch":{"flags":[null]}}"#, "mismatch.flags[0]: must be a string (at byte 37)"),
    (
        r#"{"action":"ACT","mismatch":{"flag":[]}}"#,
        "mismatch: unknown field at byte 28; known fields are: flags, reason_codes, throttle_refresh_ms, metadata",
    ),
    (
        r#"{"action":"ACT","mismatch":{"throttle_refresh_ms":1e30}}"#,
        "mismatch.throttle_refresh_ms: must be an integer in -9223372036854775808..=9223372036854775807 (at byte 50)",
    ),
    // Envelopes.
    (r#"{"decision":[]}"#, "decision: must be an object (at byte 12)"),
    (r#"{"decision":null}"#, "must have a decision or a proposal (at byte 0)"),
    (r#"{"decision":{}}"#, "decision.action: is required (at byte 12)"),
    (
        r#"{"decision":{"action":"NOPE"}}"#,
        "decision.action: must be one of HOLD, ACT, EXIT, CANCEL, STOP (at byte 22)",
    ),
    (
        r#"{"decision":{"action":"ACT","throttle_ms":-5}}"#,
        "decision.throttle_ms: must be an integer in 0..=9223372036854775807 (at byte 42)",
    ),
    (r#"{"decision":{"action":"ACT","x":1}}"#, "decision: unknown field at byte 28; known fields are: ~"),
    (r#"{"decision":{"action":"ACT"},"x":1}"#, "unknown field at byte 29; known fields are: ^"),
    (
        r#"{"decision":{"action":"ACT","mismatch":{"reason_codes":["a",{}]}}}"#,
        "decision.mismatch.reason_codes[1]: must be a string (at byte 60)",
    ),
    (
        r#"{"decision":{"action":"ACT"},"proposal":{"action":"ACT","confidence":1}}"#,
        "must not have both decision and proposal (at byte 0)",
    ),
    (r#"{"decision":{"action":"ACT"},"context":[]}"#, "context: must be an object (at byte 39)"),
    (
        r#"{"decision":{"action":"ACT"},"run_id":""}"#,
        "run_id: must be a string of 1 to 256 bytes without control characters (at byte 38)",
    ),
    (
        r#"{"decision":{"action":"ACT"},"tenant":"a\u0085"}"#,
        "tenant: must be a string of 1 to 256 bytes without control characters (at byte 38)",
    ),
    (
        r#"{"decision":{"action":"ACT"},"idempotency_key":7}"#,
        "idempotency_key: must be a string of 1 to 256 bytes without control characters (at byte 47)",
    ),
    (
        r#"{"decision":{"action":"ACT"},"step":-1}"#,
        "step: must be an integer in 0..=9223372036854775807 (at byte 36)",
    ),
    (r#"{"proposal":{"action":"ACT"}}"#, "proposal.confidence: is required (at byte 12)"),
    (
        r#"{"proposal":{"action":"ACT","confidence":1.01}}"#,
        "proposal.confidence: must be a number in 0..=1 (at byte 41)",
    ),
    (
        r#"{"proposal":{"action":"ACT","confidence":1,"allowed":true}}"#,
        "proposal: unknown field at byte 43; known fields are: action, confidence, reasons, params, run_id, \
         features_summary",
    ),
    (r#"{"decision":{"action":"ACT"},"packet":{}}"#, "packet.run_id: is required (at byte 38)"),
    (
        r#"{"decision":{"action":"ACT"},"packet":{"x":{},"step":"1"}}"#,
        "packet.step: must be an integer in -9223372036854775808..=9223372036854775807 (at byte 53)",
    ),
    // Not JSON: the innermost field of the schema is named, and nothing within free JSON.
    (r#"{"action":"ACT","params":{"a":[1,NaN]}}"#, "params: NaN and infinity are not JSON (at byte 33)"),
    (r#"{"decision":{"params":{"a":1,"a":1}}}"#, "decision.params: duplicate member name (at byte 29)"),
    (r#"{"decision":{"mismatch":{"flags":["a",]}}}"#, "decision.mismatch.flags: trailing comma (at byte 38)"),
    (
        r#"{"packet":{"mismatch":{"flags":01}}}"#,
        "packet.mismatch: numbers must not have leading zeros (at byte 31)",
    ),
    (r#"{"secret":{"action":tru}}"#, "expected a JSON value (at byte 20)"),
    (r#"{"action":"ACT","#, "ends before the value does (at byte 16)"),
];

#[test]
fn each_fault_is_named_with_its_field_its_range_and_its_place() {
    for (line, message) in TABLE {
        let message = message.replace('~', DECISION_FIELDS).replace('^', ENVELOPE_FIELDS);
        let fault = Envelope::parse(line.as_bytes()).expect_err(line);
        assert_eq!(fault.to_string(), message, "{line}");
        let shown_path = message.split_once(": ").map_or("", |(path, _)| path);
        let path = if shown_path.contains(' ') { "" } else { shown_path };
        assert_eq!(fault.path(), path, "{line}");
        assert!(message.contains(&format!("at byte {}", fault.offset().unwrap())), "{line}");
    }
}

#[test]
fn codes_are_stable() {
    let table = [
        ("[]", "schema_wrong_type"),
        ("{}", "schema_missing_field"),
        (r#"{"action":"x"}"#, "schema_unknown_action"),
        (r#"{"action":"ACT","x":1}"#, "schema_unknown_field"),
        (r#"{"action":"ACT","throttle_ms":-1}"#, "schema_out_of_range"),
        (r#"{"proposal":{"confidence":2}}"#, "schema_out_of_range"),
        (r#"{"decision":{"action":"ACT"},"run_id":""}"#, "schema_bad_label"),
        (r#"{"decision":null,"proposal":null}"#, "schema_no_payload"),
        (
            r#"{"proposal":{"action":"ACT","confidence":0},"decision":{"action":"ACT"}}"#,
            "schema_two_payloads",
        ),
        (r#"{"a":1,"a":1}"#, "json_duplicate_key"),
    ];
    for (line, code) in table {
        assert_eq!(Envelope::parse(line.as_bytes()).unwrap_err().code(), code, "{line}");
    }
}

#[test]
fn a_fault_of_a_bare_tree_has_a_path_and_gets_its_place_from_the_text() {
    let text = br#"{"action":"ACT","reasons":[1]}"#;
    let fault = FinalDecision::from_value(parse(text).unwrap()).unwrap_err();
    assert_eq!((fault.path(), fault.offset()), ("reasons[0]", None));
    assert_eq!(fault.to_string(), "reasons[0]: must be a string");
    assert_eq!(fault.located_in(text).offset(), Some(27));
}

fn read(text: &str) -> Value {
    parse(text.as_bytes()).unwrap()
}

#[test]
fn absent_and_null_fields_take_their_defaults() {
    let plain = FinalDecision::new(Action::Act);
    assert!(plain.allowed);
    assert_eq!(FinalDecision::from_value(read(r#"{"action":"ACT"}"#)), Ok(plain.clone()));
    let nulls = r#"{"action":"ACT","reasons":null,"mismatch":null,"throttle_ms":null,"cooldown_ms":null,"params":null}"#;
    assert_eq!(FinalDecision::from_value(read(nulls)), Ok(plain));
    let nulls = r#"{"flags":null,"reason_codes":null,"throttle_refresh_ms":null,"metadata":null}"#;
    assert_eq!(MismatchInfo::from_value(read(nulls)), Ok(MismatchInfo::default()));
    assert_eq!(MismatchInfo::from_value(read("{}")), Ok(MismatchInfo::default()));
}

#[test]
fn a_decision_is_written_with_every_field_in_order() {
    let written = FinalDecision::new(Action::Stop).to_value().to_string();
    let expected = concat!(
        r#"{"action":"STOP","allowed":true,"reasons":[],"mismatch":null,"#,
        r#""throttle_ms":null,"cooldown_ms":null,"params":null}"#
    );
    assert_eq!(written, expected);
}

/// The lists of names and the readers are written by hand; this keeps them equal.
#[test]
fn what_is_written_has_exactly_the_listed_fields_and_is_read_back() {
    let free: Object = [("d:k", read(r#"[1,-0.0,18446744073709551615,{"x":null}]"#))].into_iter().collect();
    let mismatch = MismatchInfo {
        flags: vec!["f".into()],
        reason_codes: vec!["c".into(), String::new()],
        throttle_refresh_ms: Some(-1),
        metadata: Some(free.clone()),
    };
    let decision = FinalDecision {
        action: Action::Exit,
        allowed: false,
        reasons: vec!["r".into()],
        mismatch: Some(mismatch.clone()),
        throttle_ms: Some(0),
        cooldown_ms: Some(9_223_372_036_854_775_807),
        params: Some(free.clone()),
    };
    let proposal = Proposal {
        action: Action::Hold,
        confidence: 1.0,
        reasons: vec![],
        params: Some(free.clone()),
        run_id: Some("r".into()),
        features_summary: free,
    };
    let names = |value: &Value| value.as_object().unwrap().keys().map(String::from).collect::<Vec<_>>();
    assert_eq!(names(&decision.to_value()), FinalDecision::FIELDS);
    assert_eq!(names(&mismatch.to_value()), MismatchInfo::FIELDS);
    assert_eq!(names(&proposal.to_value()), Proposal::FIELDS);
    let again = |value: Value| read(&value.to_string());
    assert_eq!(FinalDecision::from_value(again(decision.to_value())), Ok(decision));
    assert_eq!(MismatchInfo::from_value(again(mismatch.to_value())), Ok(mismatch));
    assert_eq!(Proposal::from_value(again(proposal.to_value())), Ok(proposal));
}

#[test]
fn a_packet_keeps_unknown_fields_and_fills_in_its_version() {
    let text = concat!(
        r#"{"zeta":[1],"run_id":"r","step":1,"input":{},"external":{"now_ms":1},"mdm":{},"#,
        r#""final_action":{"action":"ACT"},"latency_ms":3,"alpha":null}"#
    );
    let packet = PacketV2::from_value(read(text)).unwrap();
    assert_eq!(packet.schema_version, "0.2.2");
    assert_eq!(packet.extra.keys().collect::<Vec<_>>(), ["zeta", "alpha"]);
    let written = packet.to_value();
    let names: Vec<&str> = written.as_object().unwrap().keys().collect();
    assert_eq!(names[..9], *PacketV2::FIELDS);
    assert_eq!(names[9..], ["zeta", "alpha"]);
    assert_eq!(PacketV2::from_value(written), Ok(packet));
}
