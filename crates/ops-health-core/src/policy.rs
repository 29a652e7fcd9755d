//! How much trouble is too much, and for how long actions are denied after it.

use decision_schema::policy_fault::{InvalidPolicy, PolicyFaults};

use crate::{HealthState, window::MAX_SAMPLES};

const DAY_MS: u64 = 86_400_000;

/// The numbers of a health policy as given, not yet checked, under the reference's names.
///
/// A limit of 0 switches its part of the score off.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HealthSpec {
    /// How far back events count, in milliseconds, `1..=86_400_000`. Default 60,000.
    pub window_ms: u64,
    /// Errors in the window that cost the whole of `weight_errors`, `0..=65_536`. Default 10.
    pub max_errors_per_window: u32,
    /// Rate-limit answers (429) in the window that cost the whole of `weight_429`, `0..=65_536`. Default 5.
    pub max_429_per_window: u32,
    /// Reconnects in the window that cost the whole of `weight_reconnects`, `0..=65_536`. Default 3.
    pub max_reconnects_per_window: u32,
    /// The 95th percentile of latency up to which nothing is taken off, in milliseconds, `0..=86_400_000`; twice of it
    /// costs the whole of `weight_latency`. Default 1000.
    pub max_p95_latency_ms: u64,
    /// How long actions are denied once the state was RED, in milliseconds, `0..=86_400_000`. Default 30,000.
    pub cooldown_ms: u64,
    /// A score below it is RED, `0.0..=1.0`. Default 0.3.
    pub score_threshold_red: f64,
    /// A score from it on is GREEN, `0.0..=1.0`; what is neither GREEN nor RED is YELLOW. Default 0.6.
    ///
    /// It may be below `score_threshold_red`, as in the reference: then it alone parts GREEN from RED.
    pub score_threshold_yellow: f64,
    /// What errors can take off the score of 1, `0.0..=1000.0`. Default 0.4.
    pub weight_errors: f64,
    /// What rate-limit answers can take off the score of 1, `0.0..=1000.0`. Default 0.3.
    pub weight_429: f64,
    /// What reconnects can take off the score of 1, `0.0..=1000.0`. Default 0.2.
    pub weight_reconnects: f64,
    /// What latency can take off the score of 1, `0.0..=1000.0`. Default 0.1.
    pub weight_latency: f64,
}

impl Default for HealthSpec {
    fn default() -> Self {
        Self {
            window_ms: 60_000,
            max_errors_per_window: 10,
            max_429_per_window: 5,
            max_reconnects_per_window: 3,
            max_p95_latency_ms: 1000,
            cooldown_ms: 30_000,
            score_threshold_red: 0.3,
            score_threshold_yellow: 0.6,
            weight_errors: 0.4,
            weight_429: 0.3,
            weight_reconnects: 0.2,
            weight_latency: 0.1,
        }
    }
}

impl HealthSpec {
    fn check(&self, faults: &mut PolicyFaults) {
        // A greater limit could not be reached by the samples that are kept, and a storm would look milder than it is.
        let most = MAX_SAMPLES as u64;
        faults.integer("policy.health.window_ms", self.window_ms, 1, DAY_MS);
        for (path, limit) in [
            ("policy.health.max_errors_per_window", self.max_errors_per_window),
            ("policy.health.max_429_per_window", self.max_429_per_window),
            ("policy.health.max_reconnects_per_window", self.max_reconnects_per_window),
        ] {
            faults.integer(path, limit.into(), 0, most);
        }
        faults.integer("policy.health.max_p95_latency_ms", self.max_p95_latency_ms, 0, DAY_MS);
        faults.integer("policy.health.cooldown_ms", self.cooldown_ms, 0, DAY_MS);
        faults.number("policy.health.score_threshold_red", self.score_threshold_red, 0.0, 1.0);
        faults.number("policy.health.score_threshold_yellow", self.score_threshold_yellow, 0.0, 1.0);
        for (path, weight) in [
            ("policy.health.weight_errors", self.weight_errors),
            ("policy.health.weight_429", self.weight_429),
            ("policy.health.weight_reconnects", self.weight_reconnects),
            ("policy.health.weight_latency", self.weight_latency),
        ] {
            faults.number(path, weight, 0.0, 1000.0);
        }
    }
}

/// A health policy whose every number is within its range. Default: the reference's defaults.
///
/// ```
/// use ops_health_core::{HealthPolicy, HealthSpec};
///
/// let refused = HealthPolicy::new(HealthSpec { window_ms: 0, ..HealthSpec::default() }).unwrap_err();
/// assert_eq!(refused.to_string(), "policy.health.window_ms must be an integer from 1 to 86400000");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct HealthPolicy {
    spec: HealthSpec,
}

impl HealthPolicy {
    /// The checked form of `spec`.
    ///
    /// # Errors
    /// [`InvalidPolicy`] with every field that is out of its range.
    pub fn new(spec: HealthSpec) -> Result<Self, InvalidPolicy> {
        let mut faults = PolicyFaults::default();
        spec.check(&mut faults);
        faults.into_result().map(|()| Self { spec })
    }

    /// What this policy was made from, to read, or to change and check again.
    pub const fn spec(&self) -> &HealthSpec {
        &self.spec
    }

    /// The state that a score means.
    pub(crate) fn state_of(&self, score: f64) -> HealthState {
        if score >= self.spec.score_threshold_yellow {
            HealthState::Green
        } else if score >= self.spec.score_threshold_red {
            HealthState::Yellow
        } else {
            HealthState::Red
        }
    }
}

impl TryFrom<HealthSpec> for HealthPolicy {
    type Error = InvalidPolicy;

    fn try_from(spec: HealthSpec) -> Result<Self, Self::Error> {
        Self::new(spec)
    }
}
