//! The pages of `docs/errors/`, one per code, carried in the binary.

/// Makes the table of pages from their codes.
macro_rules! pages {
    ($($code:literal),* $(,)?) => {
        /// Every code and its page.
        pub const PAGES: &[(&str, &str)] =
            &[$(($code, include_str!(concat!("../../../docs/errors/", $code, ".md")))),*];
    };
}

pages! {
    "argument_invalid",
    "audit_attempt",
    "audit_body_not_canonical",
    "audit_body_not_json",
    "audit_checkpoint_differs",
    "audit_checkpoint_unreadable",
    "audit_column",
    "audit_created_again",
    "audit_damaged",
    "audit_effect_denied",
    "audit_event_malformed",
    "audit_event_unreadable",
    "audit_expired_early",
    "audit_fence",
    "audit_fingerprint",
    "audit_gate_epoch",
    "audit_hash",
    "audit_integrity",
    "audit_not_a_retry",
    "audit_not_created",
    "audit_not_in_doubt",
    "audit_outcome_without_start",
    "audit_release_unannounced",
    "audit_report",
    "audit_row_extra",
    "audit_row_missing",
    "audit_schema",
    "audit_second_effect",
    "audit_sequence",
    "audit_start_after_end",
    "audit_start_in_stop_window",
    "audit_stream",
    "audit_tail_cut",
    "cancelled",
    "config_gate_unwatchable",
    "config_ledger_missing",
    "config_ledger_unsupported",
    "config_missing_key",
    "config_retries_unknown_effects",
    "config_syntax",
    "config_unfit_key",
    "config_unknown_key",
    "config_unknown_variable",
    "config_unreadable",
    "config_wrong_value",
    "cooldown_active",
    "deadline_exceeded",
    "engine_closed",
    "engine_forked",
    "execution_exception",
    "executor_failed",
    "executor_invalid",
    "executor_is_async",
    "executor_stuck",
    "gate_stale",
    "gate_stopped",
    "gate_unlatched",
    "gate_unreadable",
    "http_connect_timeout_out_of_range",
    "http_extra_roots_invalid",
    "http_header_name_invalid",
    "http_header_value_invalid",
    "http_method_invalid",
    "http_status_out_of_range",
    "http_url_credentials",
    "http_url_invalid",
    "http_url_placeholder",
    "idempotency_in_progress",
    "idempotency_key_conflict",
    "idempotency_key_expired",
    "idempotency_key_missing",
    "idempotency_key_reused",
    "in_doubt",
    "input_invalid",
    "input_unreadable",
    "json_byte_order_mark",
    "json_control_character",
    "json_duplicate_key",
    "json_expected_colon",
    "json_expected_comma_or_close",
    "json_expected_key",
    "json_expected_value",
    "json_float_out_of_range",
    "json_integer_out_of_range",
    "json_invalid_escape",
    "json_invalid_number",
    "json_invalid_utf8",
    "json_leading_zero",
    "json_lone_surrogate",
    "json_not_finite",
    "json_too_deep",
    "json_too_long",
    "json_trailing_comma",
    "json_trailing_data",
    "json_unexpected_end",
    "key_unknown",
    "ledger_corrupt",
    "ledger_full",
    "ledger_gate",
    "ledger_in_memory",
    "ledger_locked",
    "ledger_locks",
    "ledger_lost",
    "ledger_missing",
    "ledger_network_filesystem",
    "ledger_newer_version",
    "ledger_not_a_ledger",
    "ledger_not_writable",
    "ledger_unavailable",
    "ledger_unusable",
    "no_executor",
    "not_allowed",
    "not_json",
    "output_closed",
    "packet_invalid",
    "packets_unwritable",
    "policy_invalid",
    "policy_needs_engine",
    "policy_out_of_range",
    "rate_limited",
    "rejected",
    "release_refused",
    "resolve_no_probe",
    "resolve_not_in_doubt",
    "resolve_probe_unknown",
    "resolve_reason_missing",
    "resolve_still_running",
    "resolve_unknown_key",
    "retry_after_exceeds_deadline",
    "schema_bad_label",
    "schema_missing_field",
    "schema_no_payload",
    "schema_out_of_range",
    "schema_two_payloads",
    "schema_unknown_action",
    "schema_unknown_field",
    "schema_wrong_type",
    "stop_in_memory",
    "stop_not_proven",
    "stopped_in_flight",
    "timeout",
    "total_timeout",
    "unknown_outcome",
}

/// The page of `code`.
pub fn page(code: &str) -> Option<&'static str> {
    PAGES.iter().find(|(known, _)| *known == code).map(|(_, page)| *page)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_table_has_every_page_and_no_other() {
        let directory = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/errors")).unwrap();
        let files: BTreeSet<String> =
            directory.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
        let table: BTreeSet<String> = PAGES.iter().map(|(code, _)| format!("{code}.md")).collect();
        assert_eq!(files, table);
        assert_eq!(table.len(), PAGES.len());
    }

    #[test]
    fn every_page_names_its_code_and_says_what_to_do() {
        for (code, page) in PAGES {
            assert!(page.starts_with(&format!("# `{code}`\n")), "{code}");
            for part in ["**What it means.**", "**What happened to the world.**", "**What to do.**"] {
                assert!(page.contains(part), "{code} lacks {part}");
            }
        }
    }
}
