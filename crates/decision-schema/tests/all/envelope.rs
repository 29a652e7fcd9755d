//! Lines that are accepted, and what a refused line still tells.

use decision_schema::{
    Action, Envelope, FinalDecision, InputFault, Payload,
    json::{JsonFaultKind, MAX_LINE_BYTES},
};

#[test]
fn a_bare_decision_is_an_envelope_with_nothing_else() {
    let envelope = Envelope::parse(b" {\"action\":\"ACT\"}\r\n").unwrap();
    assert_eq!(envelope, Envelope::from(Payload::Decision(FinalDecision::new(Action::Act))));
    assert!(envelope.context.is_empty());
}

#[test]
fn all_fields_of_an_envelope_are_read() {
    let line = concat!(
        r#"{"context":{"now_ms":5,"shop:cart":{"id":1}},"run_id":"run é","step":9223372036854775807,"tenant":"t","#,
        r#""idempotency_key":"k","packet":{"run_id":"r","step":0,"input":{},"external":{},"mdm":{},"#,
        r#""final_action":{},"latency_ms":0},"decision":{"action":"EXIT","throttle_ms":5.0}}"#
    );
    let envelope = Envelope::parse(line.as_bytes()).unwrap();
    assert_eq!(envelope.payload.action(), Action::Exit);
    let Payload::Decision(decision) = &envelope.payload else { panic!("a decision was given") };
    assert_eq!(decision.throttle_ms, Some(5));
    assert_eq!(envelope.context.keys().collect::<Vec<_>>(), ["now_ms", "shop:cart"]);
    assert_eq!((envelope.run_id.as_deref(), envelope.step), (Some("run é"), Some(i64::MAX)));
    assert_eq!((envelope.tenant.as_deref(), envelope.idempotency_key.as_deref()), (Some("t"), Some("k")));
    assert_eq!(envelope.packet.unwrap().run_id, "r");
}

#[test]
fn null_stands_for_absent_in_an_envelope() {
    let line = concat!(
        r#"{"decision":null,"proposal":{"action":"HOLD","confidence":0},"context":null,"run_id":null,"#,
        r#""step":null,"tenant":null,"idempotency_key":null,"packet":null}"#
    );
    let envelope = Envelope::parse(line.as_bytes()).unwrap();
    assert!(matches!(envelope.payload, Payload::Proposal(_)));
    assert_eq!(envelope, Envelope::from(envelope.payload.clone()));
}

#[test]
fn labels_end_at_256_bytes() {
    let line =
        |len: usize| format!(r#"{{"decision":{{"action":"ACT"}},"tenant":"{}"}}"#, "é".repeat(len / 2));
    assert!(Envelope::parse(line(256).as_bytes()).is_ok());
    assert!(Envelope::parse(line(258).as_bytes()).is_err());
}

/// What can be told of a bad line: action, run and step.
fn told(line: &str) -> (Option<Action>, Option<String>, Option<i64>) {
    let fault = Envelope::parse(line.as_bytes()).expect_err(line);
    (fault.action, fault.run_id, fault.step)
}

#[test]
fn a_refused_line_tells_the_parts_that_are_readable() {
    let act = Some(Action::Act);
    let run = || Some(String::from("r"));
    let table = [
        (r#"{"action":"ACT","x":1}"#, (act, None, None)),
        (r#"{"action":"FLY"}"#, (None, None, None)),
        (r#"{"action":7}"#, (None, None, None)),
        ("[]", (None, None, None)),
        (r#"{"decision":{"action":"ACT","x":1},"run_id":"r","step":3}"#, (act, run(), Some(3))),
        (r#"{"decision":{"action":"FLY"},"run_id":"r","step":3}"#, (None, run(), Some(3))),
        (r#"{"proposal":{"action":"ACT"},"step":-3}"#, (act, None, None)),
        (r#"{"decision":{"action":"ACT"},"run_id":"r\u0007"}"#, (act, None, None)),
        (
            r#"{"decision":{"action":"ACT"},"proposal":{"action":"ACT","confidence":1},"run_id":"r"}"#,
            (None, run(), None),
        ),
        // Not JSON: there is no telling what it meant.
        (r#"{"action":"ACT","action":"STOP"}"#, (None, None, None)),
        (r#"{"action":"ACT","#, (None, None, None)),
    ];
    for (line, expected) in table {
        assert_eq!(told(line), expected, "{line}");
    }
}

#[test]
fn a_line_too_long_to_hold_is_the_fault_it_would_be_when_held() {
    let held = Envelope::parse(&vec![b' '; MAX_LINE_BYTES + 1]).unwrap_err();
    assert_eq!(InputFault::line_too_long(), held);
    assert_eq!(held.code(), JsonFaultKind::TooLong.code());
    assert_eq!(held.to_string(), "must not be longer than 1 MiB (at byte 1048576)");
}
