//! What the caller may choose: how often to try, how long to wait, what to remember, how fast to go.
//!
//! The parts ([`RetryPolicy`], [`TimeoutPolicy`], ...) and [`PolicySpec`] are plain data with the library's defaults;
//! [`ExecutionPolicy`] is a spec whose every number was checked once and stays valid. Only the latter runs.

mod action_set;
mod backoff;
mod canonical;
mod circuit_breaker;
mod execution;
mod idempotency;
mod rate_limit;
mod retry;
mod retry_budget;
mod timeout;

pub use action_set::ActionSet;
pub use backoff::jittered;
pub use circuit_breaker::CircuitBreakerPolicy;
pub use decision_schema::policy_fault::{Allowed, InvalidPolicy, PolicyFault};
pub use execution::{ExecutionPolicy, PolicySpec};
pub use idempotency::{IdempotencyPolicy, KeyGenerator, OnInProgress};
pub use rate_limit::{Quota, RateLimitPolicy};
pub use retry::{Jitter, RetryPolicy, RetryUnknown};
pub use retry_budget::RetryBudgetPolicy;
pub use timeout::TimeoutPolicy;
