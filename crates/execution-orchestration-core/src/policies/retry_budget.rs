//! How many retries all executions together may make.

use decision_schema::policy_fault::PolicyFaults;

/// How many retries all executions of an engine together may make: a bucket of tokens. A retry takes one; each first
/// attempt puts `ratio_per_mille` thousandths of one back. It starts full.
///
/// Where many fail at once, retries of each its own multiply the load on a target that is down already; a budget keeps
/// them in proportion to the work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RetryBudgetPolicy {
    /// What a first attempt puts back, thousandths of a retry, `0..=10_000`: with 100, one retry for ten attempts.
    pub ratio_per_mille: u32,
    /// Retries allowed in each second whatever the ratio, `0..=1_000_000`. Default 1.
    pub min_per_second: u32,
    /// Retries that may come at once after a good time, `1..=1_000_000`. Default 100.
    pub burst: u32,
}

impl RetryBudgetPolicy {
    /// `ratio_per_mille` thousandths of a retry for each first attempt, one in each second, and 100 at once.
    pub const fn new(ratio_per_mille: u32) -> Self {
        Self { ratio_per_mille, min_per_second: 1, burst: 100 }
    }

    pub(super) fn check(&self, faults: &mut PolicyFaults) {
        faults.integer("policy.retry_budget.ratio_per_mille", self.ratio_per_mille.into(), 0, 10_000);
        faults.integer("policy.retry_budget.min_per_second", self.min_per_second.into(), 0, 1_000_000);
        faults.integer("policy.retry_budget.burst", self.burst.into(), 1, 1_000_000);
    }
}
