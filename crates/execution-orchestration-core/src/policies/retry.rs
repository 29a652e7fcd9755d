//! How often an attempt is repeated, and how long the pause before each is.

use decision_schema::policy_fault::PolicyFaults;

use super::backoff;

/// How delays are spread, so that many clients do not come back at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Jitter {
    /// Delays are what the formula says. The library's default.
    #[default]
    None,
    /// Up to half of each delay is taken off, by a hash of the plan; see [`super::jittered`].
    Derived,
}

impl Jitter {
    /// The name in configuration and plans: `none` or `derived`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Derived => "derived",
        }
    }
}

/// Whether an attempt whose effect is unknown may be followed by another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum RetryUnknown {
    /// Yes, if idempotency is off or the executor's class makes a second effect harmless. The default.
    #[default]
    Auto,
    /// Yes. Configuration refuses this for non-idempotent executors with idempotency on.
    Always,
    /// No.
    Never,
}

impl RetryUnknown {
    /// The name in configuration and plans: `auto`, `always` or `never`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Always => "always",
            Self::Never => "never",
        }
    }
}

/// How often an attempt is repeated, and how long the pause before each is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RetryPolicy {
    /// Attempts after the first, `0..=100`. Default 3.
    pub max_retries: u32,
    /// The pause before attempt 1, in milliseconds, `0..=86_400_000`. Default 100.
    pub initial_backoff_ms: u64,
    /// No pause is longer, in milliseconds, `0..=86_400_000`; may be below `initial_backoff_ms`. Default 5000.
    pub max_backoff_ms: u64,
    /// Each pause is this many times the one before, finite, `0.0..=1000.0`. Default 2.0.
    pub backoff_multiplier: f64,
    /// How pauses are spread. Default none.
    pub jitter: Jitter,
    /// Whether unknown effects are tried again. Default auto.
    pub retry_unknown: RetryUnknown,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            max_retries: 3,
            initial_backoff_ms: 100,
            max_backoff_ms: 5000,
            backoff_multiplier: 2.0,
            jitter: Jitter::None,
            retry_unknown: RetryUnknown::Auto,
        }
    }
}

impl RetryPolicy {
    /// The pause before attempt `attempt_number` (counted from 0), in milliseconds and before any jitter:
    /// `min(trunc(initial * multiplier^(attempt_number - 1)), max)`, and 0 before the first attempt.
    ///
    /// Total for every field value: it saturates where the product would overflow, and a multiplier that no valid
    /// policy holds (negative or NaN) gives `max_backoff_ms`.
    pub fn backoff_ms(&self, attempt_number: u32) -> u64 {
        match attempt_number.checked_sub(1) {
            None => 0,
            Some(exponent) => backoff::scaled(self.initial_backoff_ms, self.backoff_multiplier, exponent)
                .min(self.max_backoff_ms),
        }
    }

    pub(super) fn check(&self, faults: &mut PolicyFaults) {
        const DAY_MS: u64 = 86_400_000;
        faults.integer("policy.retry.max_retries", self.max_retries.into(), 0, 100);
        faults.integer("policy.retry.initial_backoff_ms", self.initial_backoff_ms, 0, DAY_MS);
        faults.integer("policy.retry.max_backoff_ms", self.max_backoff_ms, 0, DAY_MS);
        faults.number("policy.retry.backoff_multiplier", self.backoff_multiplier, 0.0, 1000.0);
    }
}
