//! `failstop explain`.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

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

/// The codes that only the Python packages raise.
const PYTHON_CODES: &[&str] = &[
    "argument_invalid",
    "engine_closed",
    "engine_forked",
    "executor_invalid",
    "executor_is_async",
    "not_json",
    "packet_invalid",
    "policy_invalid",
    "stop_not_proven",
];

/// How the sources of the Python packages raise, and which argument of it is the code.
const RAISES: &[(&str, usize)] = &[
    ("errors::usage(", 1),
    ("    usage(", 1),
    ("errors::error(", 2),
    ("raise UsageError(", 0),
    ("raise ConfigError(", 0),
    ("raise LedgerError(", 0),
    ("raise ResolveError(", 0),
    ("raise GateError(", 0),
];

#[test]
fn every_code_has_a_page_and_every_page_a_code() {
    let shop = Shop::bare();
    let reasons = ReasonCode::ALL.iter().map(|code| code.as_str());
    let mut codes: Vec<&str> =
        reasons.chain(OTHER_CODES.iter().copied()).chain(PYTHON_CODES.iter().copied()).collect();
    for code in &codes {
        let said = shop.run(&["explain", code], "");
        assert_eq!(said.code, 0, "{code} has no page");
        assert!(said.stdout.starts_with(&format!("# `{code}`\n")));
    }
    codes.sort_unstable();
    let pages = fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/errors")).unwrap();
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

#[test]
fn every_code_that_python_raises_is_explained() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut sources = Vec::new();
    for directory in ["crates/failstop-python/src", "python/failstop", "python/execution_orchestration_core"]
    {
        sources_below(&root.join(directory), &mut sources);
    }
    let raised: BTreeSet<String> =
        sources.iter().flat_map(|source| codes_raised(&fs::read_to_string(source).unwrap())).collect();
    let unexplained: Vec<&String> = raised
        .iter()
        .filter(|code| !PYTHON_CODES.contains(&code.as_str()) && !OTHER_CODES.contains(&code.as_str()))
        .collect();
    assert!(unexplained.is_empty(), "codes without a page: {unexplained:?}");
    let unraised: Vec<_> = PYTHON_CODES.iter().filter(|code| !raised.contains(**code)).collect();
    assert!(unraised.is_empty(), "codes that nothing raises: {unraised:?}");
}

fn sources_below(directory: &Path, sources: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources_below(&path, sources);
        } else if path.extension().is_some_and(|extension| extension == "rs" || extension == "py") {
            sources.push(path);
        }
    }
}

/// The codes that stand in the source as texts. Others come from the crates below, whose codes are checked there.
fn codes_raised(source: &str) -> Vec<String> {
    let mut codes = Vec::new();
    for (raise, position) in RAISES {
        for arguments in source.split(raise).skip(1) {
            let code = arguments.split(',').nth(*position).unwrap_or_default().trim();
            match code.strip_prefix('"').and_then(|code| code.strip_suffix('"')) {
                Some(code) => codes.push(code.to_owned()),
                None => assert!(code.ends_with("code") || code.ends_with("code()"), "no code: {code}"),
            }
        }
    }
    codes
}

#[test]
fn codes_are_found_however_the_call_is_laid_out() {
    let source = r#"
        errors::usage(py, "one_line", &message);
        errors::error(
            py,
            Family::Gate,
            "many_lines",
            "a message, with a comma",
        )
        errors::error(py, Family::Ledger, error.code(), &error.to_string())
        raise UsageError("of_python", f"no such {thing}")
    "#;
    assert_eq!(codes_raised(source), ["one_line", "many_lines", "of_python"]);
}
