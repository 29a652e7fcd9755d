//! Why a guard says no.

use crate::{ContextKey, names::named};

named! {
    /// A guard's condition that was read well and is not met.
    pub enum Reason {
        /// Ops-health denies all actions.
        OpsDenyActions = "ops_deny_actions",
        /// Ops-health is red.
        OpsHealthRed = "ops_health_red",
        /// The cooldown of ops-health is running.
        OpsCooldownActive = "ops_cooldown_active",
        /// The newest event is too old.
        StalenessExceeded = "staleness_exceeded",
        /// The newest event is not yet: some clock went back.
        ClockWentBack = "clock_went_back",
        /// Too many errors for so few steps.
        ErrorRateHigh = "error_rate_high",
        /// Too many rate-limit events.
        RateLimitExceeded = "rate_limit_exceeded",
        /// Too many failures.
        CircuitBreaker = "circuit_breaker",
        /// The proposer's cooldown is running.
        CooldownActive = "cooldown_active",
    }
}

named! {
    /// What is the matter with a value that cannot be judged.
    pub enum Flaw {
        /// It has another JSON type.
        WrongType = "context_wrong_type",
        /// It is negative, not finite, not whole where it must be, or too large to be exact.
        OutOfRange = "context_out_of_range",
        /// It is a word that nobody knows.
        UnknownState = "context_unknown_state",
    }
}

impl Flaw {
    /// This flaw, found in the value of `key`.
    pub(crate) const fn of(self, key: ContextKey) -> Oddity {
        Oddity { key, flaw: self }
    }
}

/// A value of the context that cannot be judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Oddity {
    pub(crate) key: ContextKey,
    pub(crate) flaw: Flaw,
}

/// Why a guard says no.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Objection {
    /// Its condition is not met.
    Denied(Reason),
    /// Its condition cannot be judged.
    Odd(Oddity),
}

impl From<Oddity> for Objection {
    fn from(oddity: Oddity) -> Self {
        Self::Odd(oddity)
    }
}

/// What a guard says: nothing, or why not.
pub(crate) type Judgement = Result<(), Objection>;

impl Reason {
    /// An objection for this reason, unless the guard's condition is met.
    pub(crate) const fn unless(self, is_met: bool) -> Judgement {
        if is_met { Ok(()) } else { Err(Objection::Denied(self)) }
    }
}
