//! When attempts on a target that keeps failing are held back for a while.

use decision_schema::policy_fault::PolicyFaults;

/// When attempts on a target that keeps failing are held back for a while: after `failures` failed attempts in a row
/// of one action on one executor, none is started for `open_ms`; then `probes` are let through, which close the
/// breaker if all succeed, and of which one that fails opens it anew.
///
/// A failed attempt is one that ended `not_applied` or `unknown`, timeouts included. `rejected` is a sound answer, and
/// an attempt that the gate or the caller stopped says nothing of the target: neither counts, and neither does what
/// was refused before it started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CircuitBreakerPolicy {
    /// Failed attempts in a row that open it, `1..=1_000_000`.
    pub failures: u32,
    /// How long nothing is started then, in milliseconds, `1..=86_400_000`. Default 30000.
    pub open_ms: u64,
    /// Attempts let through after that, all of which must succeed, `1..=1000`. Default 1.
    pub probes: u32,
}

impl CircuitBreakerPolicy {
    /// Opens after `failures` in a row, for 30 seconds, and then lets one attempt through.
    pub const fn new(failures: u32) -> Self {
        Self { failures, open_ms: 30_000, probes: 1 }
    }

    pub(super) fn check(&self, faults: &mut PolicyFaults) {
        faults.integer("policy.circuit_breaker.failures", self.failures.into(), 1, 1_000_000);
        faults.integer("policy.circuit_breaker.open_ms", self.open_ms, 1, 86_400_000);
        faults.integer("policy.circuit_breaker.probes", self.probes.into(), 1, 1000);
    }
}
