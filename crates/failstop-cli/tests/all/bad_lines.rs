//! A bad line is reported and changes nothing for the lines around it.

use decision_schema::json::MAX_LINE_BYTES;

use crate::shop::{NOOP, Shop, decision, number, text};

/// Lines that are refused, and the code that is told.
fn bad_lines() -> Vec<(Vec<u8>, &'static str)> {
    let mut lines: Vec<(Vec<u8>, &str)> = [
        (r#"{"action":"ACT""#, "json_unexpected_end"),
        (r#"{"action":"ACT"]"#, "json_expected_comma_or_close"),
        (r#"{"action" "ACT"}"#, "json_expected_colon"),
        (r#"{action:"ACT"}"#, "json_expected_key"),
        (r#"{"action":ACT}"#, "json_expected_value"),
        (r#"{"action":"ACT",}"#, "json_trailing_comma"),
        (r#"{"action":"ACT"} {}"#, "json_trailing_data"),
        (r#"{"action":"ACT","action":"HOLD"}"#, "json_duplicate_key"),
        (r#"{"action":"ACT","throttle_ms":NaN}"#, "json_not_finite"),
        (r#"{"action":"ACT","throttle_ms":1.}"#, "json_invalid_number"),
        (r#"{"action":"ACT","throttle_ms":01}"#, "json_leading_zero"),
        (r#"{"action":"ACT","throttle_ms":99999999999999999999999}"#, "json_integer_out_of_range"),
        (r#"{"action":"ACT","params":{"domain:x":1e999}}"#, "json_float_out_of_range"),
        ("{\"action\":\"A\tCT\"}", "json_control_character"),
        (r#"{"action":"\q"}"#, "json_invalid_escape"),
        (r#"{"action":"\ud800"}"#, "json_lone_surrogate"),
        ("\u{feff}{\"action\":\"ACT\"}", "json_byte_order_mark"),
        (r"hello", "json_expected_value"),
        (r"42", "schema_wrong_type"),
        (r"[]", "schema_wrong_type"),
        (r"{}", "schema_missing_field"),
        (r#"{"action":7}"#, "schema_unknown_action"),
        (r#"{"action":"FLY"}"#, "schema_unknown_action"),
        (r#"{"action":"ACT","allowed":"yes"}"#, "schema_wrong_type"),
        (r#"{"action":"ACT","throttle_ms":-1}"#, "schema_out_of_range"),
        (r#"{"action":"ACT","treshold":1}"#, "schema_unknown_field"),
        (r#"{"decision":{"action":"ACT"},"run_id":""}"#, "schema_bad_label"),
        (
            r#"{"decision":{"action":"ACT"},"proposal":{"action":"ACT","confidence":1}}"#,
            "schema_two_payloads",
        ),
        (r#"{"decision":null}"#, "schema_no_payload"),
        (r#"{"proposal":{"action":"ACT","confidence":1.5}}"#, "schema_out_of_range"),
    ]
    .into_iter()
    .map(|(line, code)| (line.as_bytes().to_vec(), code))
    .collect();
    lines.push((b"{\"action\":\"\xff\"}".to_vec(), "json_invalid_utf8"));
    lines.push((format!("{}{}", "[".repeat(500), "]".repeat(500)).into_bytes(), "json_too_deep"));
    lines.push((vec![b'x'; 2 * MAX_LINE_BYTES], "json_too_long"));
    lines.push((
        br#"{"decision":{"action":"ACT","allowed":null},"run_id":"r7","step":9}"#.to_vec(),
        "schema_wrong_type",
    ));
    lines
}

#[test]
fn a_hundred_bad_lines_are_each_reported_and_the_good_ones_between_them_executed() {
    let shop = Shop::with_script(
        "cat | grep -o '\"domain:n\":[0-9]*' >> effects; exit 0",
        "[policy]\nmax_concurrency = 1",
    );
    let bad: Vec<_> = bad_lines().into_iter().cycle().take(100).collect();
    let mut input = Vec::new();
    for (index, (line, _)) in bad.iter().enumerate() {
        input.extend_from_slice(line);
        input.push(b'\n');
        if index % 4 == 0 {
            input.extend_from_slice(decision("ACT", index).as_bytes());
        }
    }
    let said = shop.run(&["run"], &input);
    let reports = said.reports();
    assert_eq!(said.code, 1);
    assert_eq!(reports.len(), 125);
    let refused: Vec<_> =
        reports.iter().filter(|report| text(report, "reason_code") == "input_invalid").collect();
    assert_eq!(refused.len(), 100);
    assert!(
        refused
            .iter()
            .all(|report| text(report, "status") == "denied" && text(report, "outcome") == "not_executed")
    );
    for (report, (_, code)) in refused.iter().zip(&bad) {
        let start = format!("failstop: line {}: ", number(report, "line"));
        let told = said.stderr.lines().find(|line| line.starts_with(&start)).unwrap();
        assert!(told.ends_with(&format!("({code})")), "{told} should end with {code}");
    }
    let effects: Vec<String> = (0..100).step_by(4).map(|n| format!("\"domain:n\":{n}")).collect();
    assert_eq!(shop.read("effects").lines().collect::<Vec<_>>(), effects);
}

#[test]
fn what_can_be_read_of_a_bad_line_stands_in_its_report() {
    let said = Shop::with(NOOP).run(
        &["run"],
        "{\"decision\":{\"action\":\"ACT\",\"allowed\":3},\"run_id\":\"r\",\"step\":5}\n\n{\"decision\":{\"action\":\"FLY\"}}\n",
    );
    let reports = said.reports();
    assert_eq!(
        (text(&reports[0], "action"), text(&reports[0], "run_id"), number(&reports[0], "step")),
        ("ACT", "r", 5)
    );
    assert_eq!((text(&reports[1], "action"), number(&reports[1], "line")), ("null", 3));
    assert_eq!(
        said.stderr,
        "failstop: line 1: decision.allowed: must be true or false (at byte 38) (schema_wrong_type)\n\
         failstop: line 3: decision.action: must be one of HOLD, ACT, EXIT, CANCEL, STOP (at byte 22) (schema_unknown_action)\n"
    );
}
