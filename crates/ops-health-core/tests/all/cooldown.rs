//! When actions are denied, and until when.

use decision_schema::Action;
use ops_health_core::{
    Event, HealthPolicy, HealthSpec, HealthState, OpsHealth,
    Reason::{CooldownActive, ScoreBelowRed},
};

/// RED from the first error on, for as long as it is in the window.
fn fragile(window_ms: u64, cooldown_ms: u64) -> OpsHealth {
    let spec = HealthSpec {
        window_ms,
        cooldown_ms,
        max_errors_per_window: 1,
        weight_errors: 1.0,
        ..HealthSpec::default()
    };
    OpsHealth::new(HealthPolicy::new(spec).unwrap())
}

#[test]
fn inv_exe_4_a_red_state_denies_and_starts_a_cooldown() {
    let mut health = fragile(100, 1000);
    health.record(0, Event::Error);
    let signal = health.assess(50);
    assert_eq!((signal.state, signal.deny_actions), (HealthState::Red, true));
    assert_eq!(signal.recommended_action, Action::Hold);
    assert_eq!(signal.cooldown_until_ms, Some(1050));
    assert_eq!(signal.reasons, [ScoreBelowRed]);
}

#[test]
fn inv_exe_4_a_cooldown_denies_whatever_the_score_until_it_is_over() {
    let mut health = fragile(100, 1000);
    health.record(0, Event::Error);
    health.assess(50);
    let signal = health.assess(1049);
    assert_eq!((signal.state, signal.deny_actions), (HealthState::Green, true));
    assert_eq!((signal.cooldown_until_ms, signal.recommended_action), (Some(1050), Action::Hold));
    assert_eq!(signal.reasons, [CooldownActive]);
    let signal = health.assess(1050);
    assert_eq!((signal.deny_actions, signal.cooldown_until_ms), (false, None));
    assert_eq!((signal.recommended_action, signal.reasons), (Action::Act, Vec::new()));
}

#[test]
fn a_red_state_within_a_cooldown_does_not_prolong_it() {
    let mut health = fragile(100, 1000);
    health.record(0, Event::Error);
    health.assess(50);
    health.record(900, Event::Error);
    let signal = health.assess(950);
    assert_eq!(signal.cooldown_until_ms, Some(1050));
    assert_eq!(signal.reasons, [ScoreBelowRed, CooldownActive]);
}

#[test]
fn a_state_still_red_when_the_cooldown_is_over_starts_the_next() {
    let mut health = fragile(5000, 1000);
    health.record(0, Event::Error);
    health.assess(50);
    let signal = health.assess(1050);
    assert_eq!((signal.cooldown_until_ms, signal.deny_actions), (Some(2050), true));
    assert_eq!(signal.reasons, [ScoreBelowRed]);
}

#[test]
fn a_cooldown_of_zero_denies_while_the_state_is_red_and_no_longer() {
    let mut health = fragile(100, 0);
    health.record(0, Event::Error);
    let signal = health.assess(100);
    assert_eq!((signal.deny_actions, signal.cooldown_until_ms), (true, None));
    assert!(!health.assess(101).deny_actions);
}

#[test]
fn a_cooldown_goes_on_when_time_goes_backwards() {
    let mut health = fragile(100, 1000);
    health.record(5000, Event::Error);
    health.assess(5000);
    let signal = health.assess(10);
    assert_eq!((signal.deny_actions, signal.cooldown_until_ms), (true, Some(6000)));
}

/// Only the thresholds' own order differs from the default: as in the reference there is no YELLOW then.
#[test]
fn thresholds_that_cross_leave_no_yellow() {
    let spec = HealthSpec {
        max_errors_per_window: 10,
        weight_errors: 1.0,
        score_threshold_red: 0.75,
        score_threshold_yellow: 0.55,
        ..HealthSpec::default()
    };
    let mut health = OpsHealth::new(HealthPolicy::new(spec).unwrap());
    (0..4).for_each(|ts_ms| health.record(ts_ms, Event::Error));
    assert_eq!(health.assess(10).state, HealthState::Green);
    health.record(5, Event::Error);
    assert_eq!(health.assess(10).state, HealthState::Red);
}
