//! How long an attempt and an execution may take.

use decision_schema::policy_fault::PolicyFaults;

/// How long an attempt and an execution may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeoutPolicy {
    /// An attempt is stopped after this long, in milliseconds, `1..=86_400_000`; may be above the total. Default 5000.
    pub timeout_per_action_ms: u64,
    /// An execution ends after this long, waits included, in milliseconds, `1..=604_800_000`. Default 30000.
    pub max_total_time_ms: u64,
    /// A stopped attempt has this long to end by itself, in milliseconds, `0..=600_000`. Default 2000.
    pub grace_ms: u64,
    /// No attempt is started with less than this left of the total, in milliseconds, `0..=60_000`. Default 50.
    pub min_attempt_ms: u64,
}

impl Default for TimeoutPolicy {
    fn default() -> Self {
        Self { timeout_per_action_ms: 5000, max_total_time_ms: 30_000, grace_ms: 2000, min_attempt_ms: 50 }
    }
}

impl TimeoutPolicy {
    pub(super) fn check(&self, faults: &mut PolicyFaults) {
        faults.integer("policy.timeout.timeout_per_action_ms", self.timeout_per_action_ms, 1, 86_400_000);
        faults.integer("policy.timeout.max_total_time_ms", self.max_total_time_ms, 1, 604_800_000);
        faults.integer("policy.timeout.grace_ms", self.grace_ms, 0, 600_000);
        faults.integer("policy.timeout.min_attempt_ms", self.min_attempt_ms, 0, 60_000);
    }
}
