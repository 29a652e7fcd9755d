//! `failstop explain`.

use failstop::core::model::ReasonCode;

use crate::shop::Shop;

/// The codes of input faults, configuration faults, executors' configuration, ledgers and commands.
const OTHER_CODES: &[&str] = &[
    "json_too_long",
    "json_invalid_utf8",
    "json_byte_order_mark",
    "json_unexpected_end",
    "json_expected_value",
    "json_expected_key",
    "json_expected_colon",
    "json_expected_comma_or_close",
    "json_trailing_comma",
    "json_trailing_data",
    "json_too_deep",
    "json_duplicate_key",
    "json_not_finite",
    "json_invalid_number",
    "json_leading_zero",
    "json_integer_out_of_range",
    "json_float_out_of_range",
    "json_control_character",
    "json_invalid_escape",
    "json_lone_surrogate",
    "schema_wrong_type",
    "schema_out_of_range",
    "schema_unknown_action",
    "schema_bad_label",
    "schema_missing_field",
    "schema_unknown_field",
    "schema_two_payloads",
    "schema_no_payload",
    "input_unreadable",
    "output_closed",
    "packets_unwritable",
    "config_unreadable",
    "config_syntax",
    "config_unknown_key",
    "config_unknown_variable",
    "config_wrong_value",
    "config_missing_key",
    "config_unfit_key",
    "config_ledger_unsupported",
    "config_ledger_missing",
    "config_retries_unknown_effects",
    "config_gate_unwatchable",
    "policy_out_of_range",
    "http_url_invalid",
    "http_url_credentials",
    "http_url_placeholder",
    "http_method_invalid",
    "http_header_name_invalid",
    "http_header_value_invalid",
    "http_status_out_of_range",
    "http_connect_timeout_out_of_range",
    "http_extra_roots_invalid",
    "ledger_missing",
    "ledger_not_a_ledger",
    "ledger_newer_version",
    "ledger_network_filesystem",
    "ledger_not_writable",
    "ledger_locked",
    "ledger_corrupt",
    "ledger_full",
    "ledger_gate",
    "ledger_locks",
    "ledger_lost",
    "ledger_unusable",
    "ledger_in_memory",
    "key_unknown",
    "resolve_unknown_key",
    "resolve_not_in_doubt",
    "resolve_still_running",
    "resolve_reason_missing",
    "resolve_no_probe",
    "resolve_probe_unknown",
    "stop_in_memory",
    "gate_unlatched",
    "release_refused",
    "audit_release_unannounced",
    "audit_sequence",
    "audit_hash",
    "audit_event_unreadable",
    "audit_body_not_json",
    "audit_body_not_canonical",
    "audit_event_malformed",
    "audit_not_created",
    "audit_created_again",
    "audit_checkpoint_differs",
    "audit_tail_cut",
    "audit_outcome_without_start",
    "audit_second_effect",
    "audit_start_after_end",
    "audit_fence",
    "audit_attempt",
    "audit_fingerprint",
    "audit_effect_denied",
    "audit_not_in_doubt",
    "audit_expired_early",
    "audit_report",
    "audit_gate_epoch",
    "audit_start_in_stop_window",
    "audit_not_a_retry",
    "audit_row_missing",
    "audit_row_extra",
    "audit_column",
    "audit_schema",
    "audit_integrity",
    "audit_stream",
    "audit_damaged",
    "audit_checkpoint_unreadable",
];

#[test]
fn every_code_has_a_page_and_every_page_a_code() {
    let shop = Shop::bare();
    let reasons = ReasonCode::ALL.iter().map(|code| code.as_str());
    let mut codes: Vec<&str> = reasons.chain(OTHER_CODES.iter().copied()).collect();
    for code in &codes {
        let said = shop.run(&["explain", code], "");
        assert_eq!(said.code, 0, "{code} has no page");
        assert!(said.stdout.starts_with(&format!("# `{code}`\n")));
    }
    codes.sort_unstable();
    let pages = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/errors")).unwrap();
    let mut pages: Vec<String> = pages.map(|page| page.unwrap().file_name().into_string().unwrap()).collect();
    pages.sort_unstable();
    assert_eq!(pages, codes.iter().map(|code| format!("{code}.md")).collect::<Vec<_>>());
}

#[test]
fn the_page_of_a_reason_says_its_status_and_whether_it_fails_closed() {
    for code in ReasonCode::ALL {
        let page = Shop::bare().run(&["explain", code.as_str()], "").stdout;
        let status = format!("Status `{}`", code.status(false));
        assert!(page.contains(&status) || *code == ReasonCode::Cancelled, "{code}: {status}");
        assert!(page.contains(&format!("`fail_closed` is {}.", code.is_fail_closed())), "{code}");
    }
}

#[test]
fn an_unknown_code_is_answered_with_the_nearest() {
    let said = Shop::bare().run(&["explain", "gate_stoped"], "");
    assert_eq!(
        (said.code, said.stderr.as_str()),
        (2, "failstop: no such code; did you mean gate_stopped?\n")
    );
    let said = Shop::bare().run(&["explain", "zzz"], "");
    assert!(said.code == 2 && said.stderr.contains("in_doubt"));
}
