//! The guards' thresholds: as given, and as checked.

mod fault;
mod field;
mod read;

pub use decision_schema::policy_fault::Allowed;
pub use fault::{GuardPolicyFault, InvalidGuardPolicy};
pub use field::GuardField;

use decision_schema::Action;

/// The guards' thresholds as given, not yet checked. Names and defaults are the reference's.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GuardPolicySpec {
    /// The newest event may be this old, in milliseconds, `0..=31_536_000_000` (a year). Default 5000.
    pub staleness_ms: u64,
    /// This share of the steps in the window may have failed, `0.0..=1.0`. Default 0.1.
    pub max_error_rate: f64,
    /// There may be this many rate-limit events in their window, `0..=1_000_000_000`. Default 10.
    pub rate_limit_events_max: u64,
    /// The window that `rate_limit_events` is counted over, in milliseconds, `1..=86_400_000`. Default 60000. For
    /// whoever counts; no guard reads it.
    pub rate_limit_window_ms: u64,
    /// From this many failures on nothing is allowed, `1..=1_000_000_000`. Default 5.
    pub circuit_breaker_failures: u64,
    /// How far ahead `cooldown_until_ms` is set, in milliseconds, `0..=86_400_000`. Default 30000. For whoever sets
    /// it; no guard reads it.
    pub cooldown_ms: u64,
    /// The action of a refusal. Any may be given, as in the reference, but only `HOLD` and `STOP` are used: see
    /// [`GuardPolicy::refusal_action`]. Default `HOLD`.
    pub fail_closed_action: Action,
}

impl Default for GuardPolicySpec {
    fn default() -> Self {
        Self {
            staleness_ms: 5000,
            max_error_rate: 0.1,
            rate_limit_events_max: 10,
            rate_limit_window_ms: 60_000,
            circuit_breaker_failures: 5,
            cooldown_ms: 30_000,
            fail_closed_action: Action::Hold,
        }
    }
}

/// The guards' thresholds, each within its range. Default: the reference's.
///
/// ```
/// use decision_modulation_core::{GuardPolicy, GuardPolicySpec};
///
/// let policy = GuardPolicy::new(GuardPolicySpec { staleness_ms: 1000, ..GuardPolicySpec::default() })?;
/// assert_eq!(policy.staleness_ms(), 1000);
///
/// let refused = GuardPolicy::new(GuardPolicySpec { max_error_rate: 1.5, ..GuardPolicySpec::default() }).unwrap_err();
/// assert_eq!(refused.to_string(), "policy.guards.max_error_rate must be a number from 0.0 to 1.0");
/// # Ok::<(), decision_modulation_core::InvalidGuardPolicy>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct GuardPolicy {
    spec: GuardPolicySpec,
}

impl GuardPolicy {
    /// The checked form of `spec`.
    ///
    /// # Errors
    /// [`InvalidGuardPolicy`] with every field that is out of its range.
    pub fn new(spec: GuardPolicySpec) -> Result<Self, InvalidGuardPolicy> {
        InvalidGuardPolicy::unless_none(field::out_of_range(&spec).collect()).map(|()| Self { spec })
    }

    /// The newest event may be this old, in milliseconds.
    pub const fn staleness_ms(&self) -> u64 {
        self.spec.staleness_ms
    }

    /// This share of the steps in the window may have failed, `0.0..=1.0`.
    pub const fn max_error_rate(&self) -> f64 {
        self.spec.max_error_rate
    }

    /// There may be this many rate-limit events in their window.
    pub const fn rate_limit_events_max(&self) -> u64 {
        self.spec.rate_limit_events_max
    }

    /// The window that rate-limit events are counted over, in milliseconds.
    pub const fn rate_limit_window_ms(&self) -> u64 {
        self.spec.rate_limit_window_ms
    }

    /// From this many failures on nothing is allowed; at least 1.
    pub const fn circuit_breaker_failures(&self) -> u64 {
        self.spec.circuit_breaker_failures
    }

    /// How far ahead `cooldown_until_ms` is set, in milliseconds.
    pub const fn cooldown_ms(&self) -> u64 {
        self.spec.cooldown_ms
    }

    /// The action of every refusal: `fail_closed_action` if that is `HOLD` or `STOP`, else `HOLD`, because a refusal
    /// must not ask for anything to be done.
    pub const fn refusal_action(&self) -> Action {
        match self.spec.fail_closed_action {
            Action::Stop => Action::Stop,
            Action::Hold | Action::Act | Action::Exit | Action::Cancel => Action::Hold,
        }
    }

    /// What this policy was made from, to change and check again.
    pub const fn spec(&self) -> &GuardPolicySpec {
        &self.spec
    }
}

impl TryFrom<GuardPolicySpec> for GuardPolicy {
    type Error = InvalidGuardPolicy;

    fn try_from(spec: GuardPolicySpec) -> Result<Self, Self::Error> {
        Self::new(spec)
    }
}
