//! What is said once in a run, and the bar on a terminal.

use std::{
    io::{self, IsTerminal as _},
    time::Duration,
};

use failstop::core::model::{ExecutionReport, ReasonCode};
use indicatif::{ProgressBar, ProgressStyle};

/// Hints that are worth saying once.
#[derive(Debug, Default)]
pub struct Hints {
    has_no_executor: bool,
    has_no_key: bool,
    has_no_gate: bool,
    has_lost_ledger: bool,
    has_doubt: bool,
}

impl Hints {
    /// The hint that `report` asks for, the first time.
    pub fn on(&mut self, report: &ExecutionReport) -> Option<&'static str> {
        let (said, hint) = match report.conclusion.reason_code? {
            ReasonCode::NoExecutor => (
                &mut self.has_no_executor,
                "no_executor: an action has no executor; add [executor] or [executors.ACTION] to failstop.toml, \
                 for example kind = \"noop\" (see docs/configuration.md)",
            ),
            ReasonCode::GateUnreadable => (
                &mut self.has_no_gate,
                "gate_unreadable: a source of the gate cannot be read, which means stop; see failstop status and \
                 failstop explain gate_unreadable",
            ),
            ReasonCode::IdempotencyKeyMissing => (
                &mut self.has_no_key,
                "idempotency_key_missing: give lines an idempotency_key, or run_id and step, or now_ms in the \
                 context; or set policy.idempotency.enabled = false",
            ),
            ReasonCode::LedgerUnavailable => (
                &mut self.has_lost_ledger,
                "ledger_unavailable: the ledger cannot be read or written, so nothing new starts; look at its disk",
            ),
            ReasonCode::InDoubt if report.replayed => (
                &mut self.has_doubt,
                "in_doubt: nobody knows what happened under a key, so nothing runs under it; see failstop list \
                 --state IN_DOUBT and failstop resolve",
            ),
            _ => return None,
        };
        (!std::mem::replace(said, true)).then_some(hint)
    }
}

/// Whether people watch standard error.
pub fn is_watched() -> bool {
    io::stderr().is_terminal()
}

/// A bar on a terminal, nothing elsewhere.
pub fn bar(is_wanted: bool) -> ProgressBar {
    if !is_wanted || !is_watched() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new_spinner();
    if let Ok(style) = ProgressStyle::with_template("{spinner} {pos} decisions, {per_sec}, {elapsed} {msg}") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}
