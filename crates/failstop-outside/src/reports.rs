//! Reports, as a ledger keeps them and gives them back.

use failstop::core::{model::ExecutionReport, report::ReportStyle};

use crate::planted::{assert_not_repeated, planted};

/// A report that is read is written as one that is read as the same. What is refused is not repeated.
pub fn check(bytes: &[u8]) {
    let Ok(text) = String::from_utf8(planted(bytes)) else { return };
    let report = match ExecutionReport::from_json(&text) {
        Ok(report) => report,
        Err(fault) => return assert_not_repeated(&format!("{fault} {fault:?}")),
    };
    for extended_trace in [false, true] {
        let style = ReportStyle { extended_trace };
        let written = report.to_json(style);
        // It may grow past the limits in writing: derived members are added, and `output` may take one level more.
        let Ok(again) = ExecutionReport::from_json(&written) else {
            assert!(written.len() > text.len(), "a report that is written is read");
            continue;
        };
        assert_eq!(again, report, "a report is read as it is written");
        assert_eq!(again.to_json(style), written, "and written as it was");
        assert_eq!(report.to_value(style).to_string(), written, "both writers agree");
    }
}
