//! From settings to the policy.

use decision_schema::Action;
use failstop::core::policies::{
    ActionSet, CircuitBreakerPolicy, ExecutionPolicy, IdempotencyPolicy, Jitter, KeyGenerator, OnInProgress,
    PolicySpec, Quota, RateLimitPolicy, RetryBudgetPolicy, RetryPolicy, RetryUnknown, TimeoutPolicy,
};

use crate::{
    fault::{ConfigFault, Place},
    settings::Settings,
};

/// The policy that is set, unless a fault was noted.
pub fn policy(settings: &Settings, faults: &mut Vec<ConfigFault>) -> Option<ExecutionPolicy> {
    let defaults = PolicySpec::default();
    let allowed = settings.texts("policy.allow_when_stopped").iter();
    let spec = PolicySpec {
        retry: retry(settings, &defaults.retry),
        timeout: timeout(settings, &defaults.timeout),
        idempotency: idempotency(settings, &defaults.idempotency),
        rate_limit: rate_limit(settings, faults),
        circuit_breaker: circuit_breaker(settings, faults),
        retry_budget: retry_budget(settings, faults),
        max_concurrency: settings.integer32("policy.max_concurrency").unwrap_or(defaults.max_concurrency),
        allow_when_stopped: allowed.filter_map(|name| Action::from_name(name)).collect::<ActionSet>(),
    };
    match ExecutionPolicy::new(spec) {
        Ok(policy) => Some(policy),
        Err(invalid) => {
            let told = |place: &Place| faults.iter().any(|fault| fault.place == *place);
            let new: Vec<ConfigFault> = invalid
                .faults()
                .iter()
                .map(|fault| ConfigFault::new(fault.code(), settings.place(&fault.path), fault.to_string()))
                .filter(|fault| !told(&fault.place))
                .collect();
            faults.extend(new);
            None
        }
    }
}

fn retry(settings: &Settings, defaults: &RetryPolicy) -> RetryPolicy {
    let text = |name| settings.text(name).unwrap_or_default();
    RetryPolicy {
        max_retries: settings.integer32("policy.retry.max_retries").unwrap_or(defaults.max_retries),
        initial_backoff_ms: settings
            .integer("policy.retry.initial_backoff_ms")
            .unwrap_or(defaults.initial_backoff_ms),
        max_backoff_ms: settings.integer("policy.retry.max_backoff_ms").unwrap_or(defaults.max_backoff_ms),
        backoff_multiplier: settings
            .number("policy.retry.backoff_multiplier")
            .unwrap_or(defaults.backoff_multiplier),
        jitter: if text("policy.retry.jitter") == Jitter::None.as_str() {
            Jitter::None
        } else {
            Jitter::Derived
        },
        retry_unknown: [RetryUnknown::Always, RetryUnknown::Never]
            .into_iter()
            .find(|choice| choice.as_str() == text("policy.retry.retry_unknown"))
            .unwrap_or(RetryUnknown::Auto),
    }
}

fn timeout(settings: &Settings, defaults: &TimeoutPolicy) -> TimeoutPolicy {
    let ms = |name: &str, default| settings.integer(name).unwrap_or(default);
    TimeoutPolicy {
        timeout_per_action_ms: ms("policy.timeout.timeout_per_action_ms", defaults.timeout_per_action_ms),
        max_total_time_ms: ms("policy.timeout.max_total_time_ms", defaults.max_total_time_ms),
        grace_ms: ms("policy.timeout.grace_ms", defaults.grace_ms),
        min_attempt_ms: ms("policy.timeout.min_attempt_ms", defaults.min_attempt_ms),
    }
}

fn idempotency(settings: &Settings, defaults: &IdempotencyPolicy) -> IdempotencyPolicy {
    let is = |name, choice| settings.text(name) == Some(choice);
    let (custom, wait) = (KeyGenerator::Custom, OnInProgress::Wait);
    IdempotencyPolicy {
        enabled: settings.flag("policy.idempotency.enabled"),
        key_generator: if is("policy.idempotency.key_generator", custom.as_str()) {
            custom
        } else {
            KeyGenerator::ActionContextHash
        },
        on_in_progress: if is("policy.idempotency.on_in_progress", wait.as_str()) {
            wait
        } else {
            OnInProgress::Reject
        },
        retention_ms: settings.integer("policy.idempotency.retention_ms").unwrap_or(defaults.retention_ms),
    }
}

fn rate_limit(settings: &Settings, faults: &mut Vec<ConfigFault>) -> RateLimitPolicy {
    let mut limits = RateLimitPolicy {
        global: quota(settings, "policy.rate_limit.global", faults),
        max_wait_ms: settings.integer("policy.rate_limit.max_wait_ms"),
        ..RateLimitPolicy::default()
    };
    for action in Action::ALL {
        if let Some(quota) = quota(settings, &format!("policy.rate_limit.actions.{action}"), faults) {
            limits = limits.with_action(action, quota);
        }
    }
    limits
}

fn quota(settings: &Settings, section: &str, faults: &mut Vec<ConfigFault>) -> Option<Quota> {
    let (_, first) = settings.under(section).next()?;
    let place = first.place.clone().unwrap_or(Place::Whole);
    let permits = settings.integer32(&format!("{section}.permits"));
    let per_ms = settings.integer(&format!("{section}.per_ms"));
    let (Some(permits), Some(per_ms)) = (permits, per_ms) else {
        let message = format!("[{section}] needs permits and per_ms");
        faults.push(ConfigFault::new("config_missing_key", place, message));
        return None;
    };
    let quota = Quota::new(permits, per_ms);
    Some(settings.integer32(&format!("{section}.burst")).map_or(quota, |burst| quota.with_burst(burst)))
}

fn circuit_breaker(settings: &Settings, faults: &mut Vec<ConfigFault>) -> Option<CircuitBreakerPolicy> {
    let section = "policy.circuit_breaker";
    let defaults = CircuitBreakerPolicy::new(needed(settings, section, "failures", faults)?);
    Some(CircuitBreakerPolicy {
        open_ms: settings.integer(&format!("{section}.open_ms")).unwrap_or(defaults.open_ms),
        probes: settings.integer32(&format!("{section}.probes")).unwrap_or(defaults.probes),
        ..defaults
    })
}

fn retry_budget(settings: &Settings, faults: &mut Vec<ConfigFault>) -> Option<RetryBudgetPolicy> {
    let section = "policy.retry_budget";
    let integer = |name: &str| settings.integer32(&format!("{section}.{name}"));
    let defaults = RetryBudgetPolicy::new(needed(settings, section, "ratio_per_mille", faults)?);
    Some(RetryBudgetPolicy {
        min_per_second: integer("min_per_second").unwrap_or(defaults.min_per_second),
        burst: integer("burst").unwrap_or(defaults.burst),
        ..defaults
    })
}

/// The key that a section cannot do without; `None` where the section is not there, or where that is a fault.
fn needed(settings: &Settings, section: &str, name: &str, faults: &mut Vec<ConfigFault>) -> Option<u32> {
    let (_, first) = settings.under(section).next()?;
    let value = settings.integer32(&format!("{section}.{name}"));
    if value.is_none() {
        let place = first.place.clone().unwrap_or(Place::Whole);
        faults.push(ConfigFault::new("config_missing_key", place, format!("[{section}] needs {name}")));
    }
    value
}
