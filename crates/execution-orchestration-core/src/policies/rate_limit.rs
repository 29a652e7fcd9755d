//! How fast attempts may follow each other.

use alloc::format;

use decision_schema::{Action, policy_fault::PolicyFaults};

/// At most `permits` in any `per_ms` on average, and at most `burst` at once (GCRA).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Quota {
    /// Attempts allowed in `per_ms`, `1..=1_000_000_000`.
    pub permits: u32,
    /// The period, in milliseconds, `1..=86_400_000`.
    pub per_ms: u64,
    /// Attempts that may come at once after a quiet time, `1..=1_000_000_000`.
    pub burst: u32,
}

impl Quota {
    /// `permits` in `per_ms`, all of which may come at once.
    pub const fn new(permits: u32, per_ms: u64) -> Self {
        Self { permits, per_ms, burst: permits }
    }

    /// This quota with another `burst`.
    #[must_use]
    pub const fn with_burst(self, burst: u32) -> Self {
        Self { burst, ..self }
    }

    fn check(self, place: &str, faults: &mut PolicyFaults) {
        for (field, value, max) in [
            ("permits", u64::from(self.permits), 1_000_000_000),
            ("per_ms", self.per_ms, 86_400_000),
            ("burst", u64::from(self.burst), 1_000_000_000),
        ] {
            if !(1..=max).contains(&value) {
                faults.integer(format!("policy.rate_limit.{place}.{field}"), value, 1, max);
            }
        }
    }
}

/// How fast attempts may follow each other. An attempt passes all its quotas or takes from none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RateLimitPolicy {
    /// Over all actions. Default none.
    pub global: Option<Quota>,
    /// Per action, in the order of [`Action::ALL`]. Default none.
    pub actions: [Option<Quota>; Action::ALL.len()],
    /// How long an attempt may wait for its permits, in milliseconds, `0..=86_400_000`; 0 denies at once.
    /// Default (`None`): what is left of the total time.
    pub max_wait_ms: Option<u64>,
}

impl RateLimitPolicy {
    /// The quota of `action` alone, if it has one.
    pub const fn of_action(&self, action: Action) -> Option<Quota> {
        self.actions[action as usize]
    }

    /// This policy with `quota` for `action`.
    #[must_use]
    pub const fn with_action(mut self, action: Action, quota: Quota) -> Self {
        self.actions[action as usize] = Some(quota);
        self
    }

    /// Whether attempts for `action` must pass any quota.
    pub const fn limits(&self, action: Action) -> bool {
        self.global.is_some() || self.of_action(action).is_some()
    }

    /// Whether no quota is set at all.
    pub fn is_unlimited(&self) -> bool {
        self.global.is_none() && self.actions.iter().all(Option::is_none)
    }

    pub(super) fn check(&self, faults: &mut PolicyFaults) {
        if let Some(quota) = self.global {
            quota.check("global", faults);
        }
        for action in Action::ALL {
            if let Some(quota) = self.of_action(action) {
                quota.check(&format!("actions.{action}"), faults);
            }
        }
        faults.integer("policy.rate_limit.max_wait_ms", self.max_wait_ms.unwrap_or(0), 0, 86_400_000);
    }
}
