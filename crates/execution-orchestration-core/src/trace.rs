//! The seven `exec.*` keys of `PacketV2.external` (INV-T1).

pub use decision_schema::trace_registry::EXEC_KEYS;
use decision_schema::{Object, Value};

use crate::model::ExecutionReport;

/// The numbers of a report that go into a packet's trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ExecutionTrace {
    /// From admission to the end, milliseconds.
    pub total_latency_ms: u64,
    /// Attempts that applied.
    pub success_count: u64,
    /// Attempts that did not.
    pub failed_count: u64,
    /// Actions skipped.
    pub skipped_count: u64,
    /// Actions denied.
    pub denied_count: u64,
    /// Whether a fault or an unknown forced the end.
    pub fail_closed: bool,
    /// Attempts made.
    pub attempt_count: u64,
}

impl ExecutionTrace {
    /// The members for `external`, in the order of [`EXEC_KEYS`].
    pub fn to_members(self) -> [(&'static str, Value); 7] {
        let values = [
            self.total_latency_ms.into(),
            self.success_count.into(),
            self.failed_count.into(),
            self.skipped_count.into(),
            self.denied_count.into(),
            self.fail_closed.into(),
            self.attempt_count.into(),
        ];
        let mut values = values.into_iter();
        EXEC_KEYS.map(|key| (key, values.next().unwrap_or_default()))
    }
}

impl From<&ExecutionReport> for ExecutionTrace {
    fn from(report: &ExecutionReport) -> Self {
        Self {
            total_latency_ms: report.total_latency_ms,
            success_count: report.success_count() as u64,
            failed_count: report.failed_count() as u64,
            skipped_count: report.skipped_count() as u64,
            denied_count: report.denied_count() as u64,
            fail_closed: report.conclusion.fail_closed,
            attempt_count: report.attempts.len() as u64,
        }
    }
}

/// `external` with the seven `exec.*` keys set, whatever was there before.
#[must_use]
pub fn add_execution_trace(external: &Object, trace: impl Into<ExecutionTrace>) -> Object {
    let mut merged = external.clone();
    for (key, value) in trace.into().to_members() {
        merged.insert(key, value);
    }
    merged
}
