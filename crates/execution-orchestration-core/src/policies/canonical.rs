//! The numbers of a policy as canonical JSON (RFC 8785), which plans and their digests are made of.

use alloc::{string::String, vec::Vec};

use decision_schema::{Action, Number, Object, Value};

use super::{PolicySpec, Quota};
use crate::idempotency::canonical_json;

/// The policy's canonical text, every field of section 4 included.
pub(super) fn canonical_text(spec: &PolicySpec) -> String {
    canonical_json::to_string(&Value::Object(to_object(spec)))
}

fn to_object(spec: &PolicySpec) -> Object {
    let PolicySpec { retry, timeout, idempotency, rate_limit, max_concurrency, allow_when_stopped } = *spec;
    let actions = Action::ALL.into_iter().filter_map(|action| {
        let quota = rate_limit.of_action(action)?;
        Some((action.as_str(), quota_value(quota)))
    });
    members([
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
    ])
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
