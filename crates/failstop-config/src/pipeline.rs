//! The keys of the pipeline: guards before the engine, and its health. Their ranges and defaults are the cores' own.

use decision_schema::Action;
use failstop::{
    health_core::{HealthPolicy, HealthSpec},
    modulation_core::{GuardPolicy, GuardPolicySpec},
};

use crate::{
    fault::{ConfigFault, Place},
    keys::{DAY_MS, Kind, MANY, Row},
    settings::Settings,
};

/// The most samples of a kind that health keeps: no limit above it could be reached.
const SAMPLES: u64 = 65_536;

pub(super) const ROWS: &[Row] = &[
    (
        "policy.guards.staleness_ms",
        Kind::Integer { min: 0, max: 365 * DAY_MS },
        Some("5000"),
        "A proposal is refused if its newest event (`last_event_ts_ms`) is older than this, milliseconds.",
    ),
    (
        "policy.guards.max_error_rate",
        Kind::Number { min: 0.0, max: 1.0 },
        Some("0.1"),
        "Proposals are refused while a greater share of the executions in the window has failed.",
    ),
    (
        "policy.guards.rate_limit_events_max",
        Kind::Integer { min: 0, max: MANY },
        Some("10"),
        "Proposals are refused while more answers in the window asked to slow down.",
    ),
    (
        "policy.guards.rate_limit_window_ms",
        Kind::Integer { min: 1, max: DAY_MS },
        Some("60000"),
        "The window that all of this is counted over, milliseconds.",
    ),
    (
        "policy.guards.circuit_breaker_failures",
        Kind::Integer { min: 1, max: MANY },
        Some("5"),
        "Proposals are refused while so many executions in the window have failed since the last success.",
    ),
    (
        "policy.guards.cooldown_ms",
        Kind::Integer { min: 0, max: DAY_MS },
        Some("30000"),
        "How long they are refused at the least when that happens, milliseconds.",
    ),
    (
        "policy.guards.fail_closed_action",
        Kind::Choice(&["HOLD", "STOP"]),
        Some("\"HOLD\""),
        "The action of a proposal that was refused.",
    ),
    (
        "policy.health.enabled",
        Kind::Flag,
        Some("false"),
        "Whether nothing starts while too many attempts go ill, until a cooldown is over.",
    ),
    (
        "policy.health.window_ms",
        Kind::Integer { min: 1, max: DAY_MS },
        Some("60000"),
        "How far back attempts count, milliseconds.",
    ),
    (
        "policy.health.max_errors_per_window",
        Kind::Integer { min: 0, max: SAMPLES },
        Some("10"),
        "So many errors cost the whole of `weight_errors`.",
    ),
    (
        "policy.health.max_429_per_window",
        Kind::Integer { min: 0, max: SAMPLES },
        Some("5"),
        "So many answers that asked to slow down cost the whole of `weight_429`.",
    ),
    (
        "policy.health.max_reconnects_per_window",
        Kind::Integer { min: 0, max: SAMPLES },
        Some("3"),
        "So many reconnects cost the whole of `weight_reconnects`; no executor of this version has any.",
    ),
    (
        "policy.health.max_p95_latency_ms",
        Kind::Integer { min: 0, max: DAY_MS },
        Some("1000"),
        "The 95th percentile of latency up to which nothing is taken off; twice of it costs the whole of `weight_latency`.",
    ),
    (
        "policy.health.cooldown_ms",
        Kind::Integer { min: 0, max: DAY_MS },
        Some("30000"),
        "How long nothing starts once health was RED, milliseconds.",
    ),
    (
        "policy.health.score_threshold_red",
        Kind::Number { min: 0.0, max: 1.0 },
        Some("0.3"),
        "A score below it is RED; 1 is healthy.",
    ),
    (
        "policy.health.score_threshold_yellow",
        Kind::Number { min: 0.0, max: 1.0 },
        Some("0.6"),
        "A score from it on is GREEN.",
    ),
    (
        "policy.health.weight_errors",
        Kind::Number { min: 0.0, max: 1000.0 },
        Some("0.4"),
        "What errors can take off the score.",
    ),
    (
        "policy.health.weight_429",
        Kind::Number { min: 0.0, max: 1000.0 },
        Some("0.3"),
        "What answers that asked to slow down can take off the score.",
    ),
    (
        "policy.health.weight_reconnects",
        Kind::Number { min: 0.0, max: 1000.0 },
        Some("0.2"),
        "What reconnects can take off the score.",
    ),
    (
        "policy.health.weight_latency",
        Kind::Number { min: 0.0, max: 1000.0 },
        Some("0.1"),
        "What latency can take off the score.",
    ),
];

/// The guards in force. Values that are out of range were refused when they were read.
pub(super) fn guards(settings: &Settings, faults: &mut Vec<ConfigFault>) -> GuardPolicy {
    let defaults = GuardPolicySpec::default();
    let integer = |name: &str, default| settings.integer(&format!("policy.guards.{name}")).unwrap_or(default);
    let spec = GuardPolicySpec {
        staleness_ms: integer("staleness_ms", defaults.staleness_ms),
        max_error_rate: settings.number("policy.guards.max_error_rate").unwrap_or(defaults.max_error_rate),
        rate_limit_events_max: integer("rate_limit_events_max", defaults.rate_limit_events_max),
        rate_limit_window_ms: integer("rate_limit_window_ms", defaults.rate_limit_window_ms),
        circuit_breaker_failures: integer("circuit_breaker_failures", defaults.circuit_breaker_failures),
        cooldown_ms: integer("cooldown_ms", defaults.cooldown_ms),
        fail_closed_action: settings
            .text("policy.guards.fail_closed_action")
            .and_then(Action::from_name)
            .unwrap_or(defaults.fail_closed_action),
    };
    GuardPolicy::new(spec).unwrap_or_else(|invalid| {
        faults.push(ConfigFault::new("policy_out_of_range", Place::Whole, invalid.to_string()));
        GuardPolicy::default()
    })
}

/// The watch over health, where it is wanted. Values that are out of range were refused when they were read.
pub(super) fn health(settings: &Settings, faults: &mut Vec<ConfigFault>) -> Option<HealthPolicy> {
    if !settings.flag("policy.health.enabled") {
        return None;
    }
    let defaults = HealthSpec::default();
    let path = |name: &str| format!("policy.health.{name}");
    let ms = |name: &str, default| settings.integer(&path(name)).unwrap_or(default);
    let count = |name: &str, default| settings.integer32(&path(name)).unwrap_or(default);
    let number = |name: &str, default| settings.number(&path(name)).unwrap_or(default);
    let spec = HealthSpec {
        window_ms: ms("window_ms", defaults.window_ms),
        max_errors_per_window: count("max_errors_per_window", defaults.max_errors_per_window),
        max_429_per_window: count("max_429_per_window", defaults.max_429_per_window),
        max_reconnects_per_window: count("max_reconnects_per_window", defaults.max_reconnects_per_window),
        max_p95_latency_ms: ms("max_p95_latency_ms", defaults.max_p95_latency_ms),
        cooldown_ms: ms("cooldown_ms", defaults.cooldown_ms),
        score_threshold_red: number("score_threshold_red", defaults.score_threshold_red),
        score_threshold_yellow: number("score_threshold_yellow", defaults.score_threshold_yellow),
        weight_errors: number("weight_errors", defaults.weight_errors),
        weight_429: number("weight_429", defaults.weight_429),
        weight_reconnects: number("weight_reconnects", defaults.weight_reconnects),
        weight_latency: number("weight_latency", defaults.weight_latency),
    };
    HealthPolicy::new(spec)
        .map_err(|invalid| {
            faults.push(ConfigFault::new("policy_out_of_range", Place::Whole, invalid.to_string()));
        })
        .ok()
}

/// Whether a storm of errors, and nothing else, is enough to make health RED.
pub fn can_errors_trip(health: &HealthPolicy) -> bool {
    let spec = health.spec();
    let score = (1.0 - spec.weight_errors).max(0.0);
    spec.max_errors_per_window > 0 && score < spec.score_threshold_red && score < spec.score_threshold_yellow
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use failstop::modulation_core::policy::GuardField;

    use super::*;
    use crate::{keys, settings::Entry};

    fn settings_by_default() -> Settings {
        let mut settings = Settings::default();
        for key in keys::all() {
            settings.default_to(&key.path, &key);
        }
        settings
    }

    #[test]
    fn defaults_are_those_of_the_cores() {
        let mut settings = settings_by_default();
        assert_eq!(health(&settings, &mut Vec::new()), None);
        let on = crate::settings::Setting::Flag(true);
        settings.set("policy.health.enabled".into(), Entry { setting: on, kind: Kind::Flag, place: None });
        assert_eq!(guards(&settings, &mut Vec::new()), GuardPolicy::default());
        assert_eq!(health(&settings, &mut Vec::new()), Some(HealthPolicy::default()));
    }

    #[test]
    fn ranges_are_those_of_the_cores() {
        let told = |prefix: &str| -> BTreeSet<String> {
            let is_number = |kind| matches!(kind, Kind::Integer { .. } | Kind::Number { .. });
            let ours = ROWS.iter().filter(|row| row.0.starts_with(prefix) && is_number(row.1));
            ours.map(|(path, kind, ..)| format!("{path} {}", kind.expected())).collect()
        };
        let numbers = GuardField::ALL.iter().filter(|field| **field != GuardField::FailClosedAction);
        let guards = numbers.map(|field| format!("policy.guards.{} {}", field.as_str(), field.allowed()));
        assert_eq!(told("policy.guards."), guards.collect());

        let spec = HealthSpec {
            window_ms: 0,
            max_errors_per_window: u32::MAX,
            max_429_per_window: u32::MAX,
            max_reconnects_per_window: u32::MAX,
            max_p95_latency_ms: u64::MAX,
            cooldown_ms: u64::MAX,
            score_threshold_red: -1.0,
            score_threshold_yellow: -1.0,
            weight_errors: -1.0,
            weight_429: -1.0,
            weight_reconnects: -1.0,
            weight_latency: -1.0,
        };
        let invalid = HealthPolicy::new(spec).unwrap_err();
        let health = invalid.faults().iter().map(|fault| format!("{} {}", fault.path, fault.allowed));
        assert_eq!(told("policy.health."), health.collect());
    }

    #[test]
    fn errors_alone_trip_only_where_their_weight_is_enough() {
        assert!(!can_errors_trip(&HealthPolicy::default()));
        let heavy = HealthSpec { weight_errors: 1.0, ..HealthSpec::default() };
        assert!(can_errors_trip(&HealthPolicy::new(heavy).unwrap()));
        let unlimited = HealthSpec { max_errors_per_window: 0, ..heavy };
        assert!(!can_errors_trip(&HealthPolicy::new(unlimited).unwrap()));
    }
}
