//! The fields of a policy: their names, and what each may hold.

use super::{Allowed, GuardPolicyFault, GuardPolicySpec};
use crate::names::named;

named! {
    /// A field of [`GuardPolicySpec`], under the reference's name.
    pub enum GuardField {
        /// [`GuardPolicySpec::staleness_ms`].
        StalenessMs = "staleness_ms",
        /// [`GuardPolicySpec::max_error_rate`].
        MaxErrorRate = "max_error_rate",
        /// [`GuardPolicySpec::rate_limit_events_max`].
        RateLimitEventsMax = "rate_limit_events_max",
        /// [`GuardPolicySpec::rate_limit_window_ms`].
        RateLimitWindowMs = "rate_limit_window_ms",
        /// [`GuardPolicySpec::circuit_breaker_failures`].
        CircuitBreakerFailures = "circuit_breaker_failures",
        /// [`GuardPolicySpec::cooldown_ms`].
        CooldownMs = "cooldown_ms",
        /// [`GuardPolicySpec::fail_closed_action`].
        FailClosedAction = "fail_closed_action",
    }
}

const DAY_MS: u64 = 86_400_000;
const YEAR_MS: u64 = 365 * DAY_MS;
const MANY: u64 = 1_000_000_000;

impl GuardField {
    /// What it may hold.
    pub const fn allowed(self) -> Allowed {
        match self {
            Self::StalenessMs => Allowed::Integer { min: 0, max: YEAR_MS },
            Self::MaxErrorRate => Allowed::Number { min: 0.0, max: 1.0 },
            Self::RateLimitEventsMax => Allowed::Integer { min: 0, max: MANY },
            Self::RateLimitWindowMs => Allowed::Integer { min: 1, max: DAY_MS },
            Self::CircuitBreakerFailures => Allowed::Integer { min: 1, max: MANY },
            Self::CooldownMs => Allowed::Integer { min: 0, max: DAY_MS },
            Self::FailClosedAction => Allowed::Action,
        }
    }

    fn is_in_range(self, spec: &GuardPolicySpec) -> bool {
        let allowed = self.allowed();
        match self {
            Self::StalenessMs => allowed.has_integer(spec.staleness_ms),
            Self::MaxErrorRate => allowed.has_number(spec.max_error_rate),
            Self::RateLimitEventsMax => allowed.has_integer(spec.rate_limit_events_max),
            Self::RateLimitWindowMs => allowed.has_integer(spec.rate_limit_window_ms),
            Self::CircuitBreakerFailures => allowed.has_integer(spec.circuit_breaker_failures),
            Self::CooldownMs => allowed.has_integer(spec.cooldown_ms),
            Self::FailClosedAction => true,
        }
    }
}

/// A fault for every field that is out of its range, in their order.
pub(super) fn out_of_range(spec: &GuardPolicySpec) -> impl Iterator<Item = GuardPolicyFault> {
    let bad = GuardField::ALL.iter().copied().filter(|field| !field.is_in_range(spec));
    bad.map(GuardPolicyFault::Value)
}
