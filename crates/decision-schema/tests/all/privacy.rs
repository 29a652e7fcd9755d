//! INV-EXE-5: no fault shows any part of the input, neither to people nor in debug output.

use decision_schema::{Envelope, json::parse};

const CANARY: &str = "cAnArY9137";

/// Each `@` becomes the canary.
const LINES: &[&str] = &[
    "@",
    "\"@",
    "\"@\\q\"",
    "\"@\u{1}\"",
    "\"@\\ud800\"",
    "{\"@\":1,\"@\":2}",
    "{\"@\" 1}",
    "{\"@\":@}",
    "{\"@\":{\"@\":[\"@\",1e999]}}",
    "{\"params\":{\"@\":{\"@\":01}},\"action\":\"ACT\"}",
    "{\"decision\":{\"@\":{\"action\":NaN}}}",
    "{\"decision\":{\"action\":\"ACT\",\"params\":{\"@\":\"@\",\"@\":\"@\"}}}",
    "[\"@\"] @",
    "\"@\"",
    "[\"@\"]",
    "{\"@\":1}",
    "{\"@\":{\"@\":\"@\"},\"action\":\"ACT\"}",
    "{\"action\":\"@\"}",
    "{\"action\":{\"@\":\"@\"}}",
    "{\"action\":\"ACT\",\"allowed\":\"@\"}",
    "{\"action\":\"ACT\",\"reasons\":\"@\"}",
    "{\"action\":\"ACT\",\"reasons\":[\"@\",{\"@\":1}]}",
    "{\"action\":\"ACT\",\"mismatch\":{\"@\":\"@\"}}",
    "{\"action\":\"ACT\",\"throttle_ms\":\"@\"}",
    "{\"action\":\"ACT\",\"params\":\"@\"}",
    "{\"decision\":{\"action\":\"ACT\"},\"@\":\"@\"}",
    "{\"decision\":\"@\"}",
    "{\"decision\":{\"action\":\"ACT\"},\"proposal\":{\"action\":\"ACT\",\"confidence\":1,\"reasons\":[\"@\"]}}",
    "{\"decision\":{\"action\":\"ACT\"},\"run_id\":\"@\",\"context\":\"@\"}",
    "{\"decision\":{\"action\":\"ACT\"},\"run_id\":\"@\\u0000\"}",
    "{\"decision\":{\"action\":\"ACT\"},\"tenant\":{\"@\":1}}",
    "{\"decision\":{\"action\":\"ACT\"},\"idempotency_key\":\"@\\n\"}",
    "{\"decision\":{\"action\":\"ACT\"},\"packet\":{\"@\":1,\"run_id\":\"@\",\"step\":\"@\"}}",
    "{\"proposal\":{\"action\":\"ACT\",\"confidence\":\"@\"}}",
    "{\"proposal\":{\"action\":\"ACT\",\"confidence\":1,\"@\":\"@\"}}",
    "{\"action\":\"ACT\",\"cooldown_ms\":91379137913791379137}",
    "{\"action\":\"ACT\",\"cooldown_ms\":-9137}",
    "{\"action\":\"ACT\",\"cooldown_ms\":9137.5}",
];

fn hidden(shown: &str) -> bool {
    !shown.contains(CANARY) && !shown.contains("9137") && !shown.contains("cAnArY")
}

#[test]
fn no_fault_shows_input_text() {
    for line in LINES {
        let line = line.replace('@', CANARY);
        let fault = Envelope::parse(line.as_bytes()).expect_err(&line);
        assert!(hidden(&format!("{fault} {fault:?} {fault:#?} {} {}", fault.path(), fault.code())), "{line}");
        assert!(hidden(&format!("{:?}", fault.problem())), "{line}");
        if let Err(fault) = parse(line.as_bytes()) {
            assert!(hidden(&format!("{fault} {fault:?}")), "{line}");
        }
    }
}

#[test]
fn bytes_that_are_not_utf8_are_not_shown_either() {
    let line = [b"{\"".as_slice(), CANARY.as_bytes(), b"\xff\":1}"].concat();
    let fault = Envelope::parse(&line).unwrap_err();
    assert!(hidden(&format!("{fault} {fault:?}")));
}
