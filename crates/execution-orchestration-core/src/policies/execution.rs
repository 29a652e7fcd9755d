//! All policies of an execution together: as given, and as checked.

use alloc::string::String;

use decision_schema::policy_fault::{InvalidPolicy, PolicyFaults};

use super::{
    ActionSet, CircuitBreakerPolicy, IdempotencyPolicy, RateLimitPolicy, RetryBudgetPolicy, RetryPolicy,
    TimeoutPolicy, canonical,
};

/// All policies of an execution as given, not yet checked. Default: the library's defaults.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PolicySpec {
    /// Repeats and pauses.
    pub retry: RetryPolicy,
    /// Times.
    pub timeout: TimeoutPolicy,
    /// Keys.
    pub idempotency: IdempotencyPolicy,
    /// Speed.
    pub rate_limit: RateLimitPolicy,
    /// Targets that keep failing. Default none: each attempt is judged alone.
    pub circuit_breaker: Option<CircuitBreakerPolicy>,
    /// Retries of all executions together. Default none: each execution has its own.
    pub retry_budget: Option<RetryBudgetPolicy>,
    /// Effects at once, `1..=16_777_216`. Default 1, which also keeps effects in the order of decisions.
    pub max_concurrency: u32,
    /// Actions that may still run while the gate is at `drain` or `stop`. Default none.
    pub allow_when_stopped: ActionSet,
}

impl Default for PolicySpec {
    fn default() -> Self {
        Self {
            retry: RetryPolicy::default(),
            timeout: TimeoutPolicy::default(),
            idempotency: IdempotencyPolicy::default(),
            rate_limit: RateLimitPolicy::default(),
            circuit_breaker: None,
            retry_budget: None,
            max_concurrency: 1,
            allow_when_stopped: ActionSet::EMPTY,
        }
    }
}

/// All policies of an execution, every number within its range. Default: the library's defaults.
///
/// ```
/// use execution_orchestration_core::policies::{ExecutionPolicy, PolicySpec, RetryPolicy};
///
/// let spec = PolicySpec { retry: RetryPolicy { max_retries: 5, ..RetryPolicy::default() }, ..PolicySpec::default() };
/// let policy = ExecutionPolicy::new(spec)?;
/// assert_eq!(policy.retry().max_retries, 5);
///
/// let spec = PolicySpec { max_concurrency: 0, ..PolicySpec::default() };
/// let refused = ExecutionPolicy::new(spec).unwrap_err();
/// assert_eq!(refused.to_string(), "policy.max_concurrency must be an integer from 1 to 16777216");
/// # Ok::<(), execution_orchestration_core::policies::InvalidPolicy>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct ExecutionPolicy {
    spec: PolicySpec,
    canonical: String,
}

impl Default for ExecutionPolicy {
    fn default() -> Self {
        Self::checked(&PolicySpec::default())
    }
}

impl ExecutionPolicy {
    /// The checked form of `spec`.
    ///
    /// # Errors
    /// [`InvalidPolicy`] with every field that is out of its range.
    pub fn new(spec: PolicySpec) -> Result<Self, InvalidPolicy> {
        let mut faults = PolicyFaults::default();
        faults.integer("policy.max_concurrency", spec.max_concurrency.into(), 1, 16_777_216);
        spec.retry.check(&mut faults);
        spec.timeout.check(&mut faults);
        spec.idempotency.check(&mut faults);
        spec.rate_limit.check(&mut faults);
        spec.circuit_breaker.iter().for_each(|breaker| breaker.check(&mut faults));
        spec.retry_budget.iter().for_each(|budget| budget.check(&mut faults));
        faults.into_result().map(|()| Self::checked(&spec))
    }

    fn checked(spec: &PolicySpec) -> Self {
        Self { spec: *spec, canonical: canonical::canonical_text(spec) }
    }

    /// The policy's numbers as canonical JSON (RFC 8785), for plans.
    pub fn canonical_json(&self) -> &str {
        &self.canonical
    }

    /// Repeats and pauses.
    pub const fn retry(&self) -> &RetryPolicy {
        &self.spec.retry
    }

    /// Times.
    pub const fn timeout(&self) -> &TimeoutPolicy {
        &self.spec.timeout
    }

    /// Keys.
    pub const fn idempotency(&self) -> &IdempotencyPolicy {
        &self.spec.idempotency
    }

    /// Speed.
    pub const fn rate_limit(&self) -> &RateLimitPolicy {
        &self.spec.rate_limit
    }

    /// Targets that keep failing, if anything is held back for them.
    pub const fn circuit_breaker(&self) -> Option<CircuitBreakerPolicy> {
        self.spec.circuit_breaker
    }

    /// Retries of all executions together, if they are bounded.
    pub const fn retry_budget(&self) -> Option<RetryBudgetPolicy> {
        self.spec.retry_budget
    }

    /// Whether any of it needs state between executions, which only an engine has.
    pub fn needs_engine(&self) -> bool {
        let Self { spec, .. } = self;
        !spec.rate_limit.is_unlimited() || spec.circuit_breaker.is_some() || spec.retry_budget.is_some()
    }

    /// Effects at once, at least 1.
    pub const fn max_concurrency(&self) -> u32 {
        self.spec.max_concurrency
    }

    /// Actions that may still run while the gate is at `drain` or `stop`.
    pub const fn allow_when_stopped(&self) -> ActionSet {
        self.spec.allow_when_stopped
    }

    /// What this policy was made from, to change and check again.
    pub const fn spec(&self) -> &PolicySpec {
        &self.spec
    }
}

impl TryFrom<PolicySpec> for ExecutionPolicy {
    type Error = InvalidPolicy;

    fn try_from(spec: PolicySpec) -> Result<Self, Self::Error> {
        Self::new(spec)
    }
}
