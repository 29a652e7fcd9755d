//! The numbers of a policy as canonical JSON (RFC 8785), which plans and their digests are made of.

use alloc::{string::String, vec::Vec};

use decision_schema::{Action, Number, Object, Value};

use super::{CircuitBreakerPolicy, PolicySpec, Quota, RetryBudgetPolicy};
use crate::idempotency::canonical_json;

/// The policy's canonical text: every field of section 4, and of what is off by default only what is on, so that
/// plans without it keep their digests.
pub(super) fn canonical_text(spec: &PolicySpec) -> String {
    canonical_json::to_string(&Value::Object(to_object(spec)))
}

fn to_object(spec: &PolicySpec) -> Object {
    let PolicySpec {
        retry,
        timeout,
        idempotency,
        rate_limit,
        circuit_breaker,
        retry_budget,
        max_concurrency,
        allow_when_stopped,
    } = *spec;
    let optional = [
        ("circuit_breaker", circuit_breaker.map(breaker_value)),
        ("retry_budget", retry_budget.map(budget_value)),
    ];
    let optional = optional.into_iter().filter_map(|(name, value)| Some((name, value?)));
    let actions = Action::ALL.into_iter().filter_map(|action| {
        let quota = rate_limit.of_action(action)?;
        Some((action.as_str(), quota_value(quota)))
    });
    let fixed = [
        ("allow_when_stopped", allow_when_stopped.iter().map(Action::as_str).collect::<Vec<_>>().into()),
        (
            "idempotency",
            members([
                ("enabled", idempotency.enabled.into()),
                ("key_generator", idempotency.key_generator.as_str().into()),
                ("on_in_progress", idempotency.on_in_progress.as_str().into()),
                ("retention_ms", idempotency.retention_ms.into()),
            ])
            .into(),
        ),
        ("max_concurrency", max_concurrency.into()),
        (
            "rate_limit",
            members([
                ("actions", actions.collect::<Object>().into()),
                ("global", rate_limit.global.map(quota_value).into()),
                ("max_wait_ms", rate_limit.max_wait_ms.into()),
            ])
            .into(),
        ),
        (
            "retry",
            members([
                ("backoff_multiplier", Value::Number(Number::Float(retry.backoff_multiplier))),
                ("initial_backoff_ms", retry.initial_backoff_ms.into()),
                ("jitter", retry.jitter.as_str().into()),
                ("max_backoff_ms", retry.max_backoff_ms.into()),
                ("max_retries", retry.max_retries.into()),
                ("retry_unknown", retry.retry_unknown.as_str().into()),
            ])
            .into(),
        ),
        (
            "timeout",
            members([
                ("grace_ms", timeout.grace_ms.into()),
                ("max_total_time_ms", timeout.max_total_time_ms.into()),
                ("min_attempt_ms", timeout.min_attempt_ms.into()),
                ("timeout_per_action_ms", timeout.timeout_per_action_ms.into()),
            ])
            .into(),
        ),
    ];
    fixed.into_iter().chain(optional).collect()
}

fn breaker_value(breaker: CircuitBreakerPolicy) -> Value {
    members([
        ("failures", breaker.failures.into()),
        ("open_ms", breaker.open_ms.into()),
        ("probes", breaker.probes.into()),
    ])
    .into()
}

fn budget_value(budget: RetryBudgetPolicy) -> Value {
    members([
        ("burst", budget.burst.into()),
        ("min_per_second", budget.min_per_second.into()),
        ("ratio_per_mille", budget.ratio_per_mille.into()),
    ])
    .into()
}

fn quota_value(quota: Quota) -> Value {
    members([
        ("burst", quota.burst.into()),
        ("per_ms", quota.per_ms.into()),
        ("permits", quota.permits.into()),
    ])
    .into()
}

fn members<const N: usize>(members: [(&str, Value); N]) -> Object {
    members.into_iter().collect()
}
