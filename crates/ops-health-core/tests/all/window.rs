//! What counts, and how.

use ops_health_core::{Event, HealthPolicy, HealthSpec, HealthState, OpsHealth, Signal};

/// Where each error takes a tenth off the score, and latency beyond 100 ms up to the whole of it.
fn tenths() -> OpsHealth {
    let spec = HealthSpec {
        window_ms: 1000,
        cooldown_ms: 0,
        max_p95_latency_ms: 100,
        weight_errors: 1.0,
        weight_latency: 1.0,
        ..HealthSpec::default()
    };
    OpsHealth::new(HealthPolicy::new(spec).unwrap())
}

fn close(signal: &Signal, score: f64) -> bool {
    (signal.score - score).abs() < 1e-12
}

#[test]
fn nothing_that_happened_is_healthy() {
    let signal = tenths().assess(5000);
    assert!(close(&signal, 1.0) && signal.exact && !signal.deny_actions);
    assert_eq!(signal.state, HealthState::Green);
}

#[test]
fn an_event_counts_until_it_is_older_than_the_window() {
    let mut health = tenths();
    health.record(4000, Event::Error);
    assert!(close(&health.assess(5000), 0.9));
    assert!(close(&health.assess(5001), 1.0));
}

#[test]
fn events_of_the_future_count_at_once() {
    let mut health = tenths();
    health.record(9000, Event::Error);
    assert!(close(&health.assess(5000), 0.9));
    assert!(close(&health.assess(10_000), 0.9));
    assert!(close(&health.assess(10_001), 1.0));
}

#[test]
fn what_was_forgotten_does_not_come_back_when_time_goes_backwards() {
    let mut health = tenths();
    health.record(4000, Event::Error);
    health.record(4000, Event::Latency(150));
    assert!(close(&health.assess(5001), 1.0));
    assert!(close(&health.assess(4500), 1.0));
    health.record(4000, Event::Error);
    assert!(close(&health.assess(4500), 0.9));
}

#[test]
fn each_kind_takes_off_at_most_its_weight() {
    let mut health = OpsHealth::new(HealthPolicy::default());
    let mut left = 1.0;
    for (event, weight) in
        [(Event::Error, 0.4), (Event::RateLimited, 0.3), (Event::Reconnect, 0.2), (Event::Latency(2000), 0.1)]
    {
        (0..50).for_each(|ts_ms| health.record(ts_ms, event));
        left -= weight;
        assert!(close(&health.assess(50), left), "{event:?}");
    }
}

/// The greatest of up to 20 samples; of 21, the second greatest.
#[test]
fn the_percentile_is_the_sample_that_nineteen_twentieths_stand_before() {
    let mut health = tenths();
    health.record(0, Event::Latency(180));
    assert!(close(&health.assess(0), 0.2));
    (0..19).for_each(|_| health.record(0, Event::Latency(10)));
    assert!(close(&health.assess(0), 0.2));
    health.record(0, Event::Latency(10));
    assert!(close(&health.assess(0), 1.0));
    health.record(0, Event::Latency(130));
    assert!(close(&health.assess(0), 0.7));
}

#[test]
fn latency_at_its_limit_costs_nothing_and_at_twice_of_it_everything() {
    for (latency_ms, score) in [(100, 1.0), (101, 0.99), (150, 0.5), (200, 0.0), (u64::MAX, 0.0)] {
        let mut health = tenths();
        health.record(0, Event::Latency(latency_ms));
        assert!(close(&health.assess(0), score), "{latency_ms}");
    }
}

#[test]
fn a_limit_of_zero_switches_its_part_off() {
    let spec = HealthSpec {
        max_errors_per_window: 0,
        max_429_per_window: 0,
        max_reconnects_per_window: 0,
        max_p95_latency_ms: 0,
        ..HealthSpec::default()
    };
    let mut health = OpsHealth::new(HealthPolicy::new(spec).unwrap());
    for event in [Event::Error, Event::RateLimited, Event::Reconnect, Event::Latency(u64::MAX)] {
        (0..50).for_each(|ts_ms| health.record(ts_ms, event));
    }
    assert!(close(&health.assess(50), 1.0));
}

#[test]
fn a_score_at_a_threshold_is_on_its_better_side() {
    let spec = HealthSpec {
        max_errors_per_window: 4,
        weight_errors: 1.0,
        score_threshold_red: 0.25,
        score_threshold_yellow: 0.75,
        cooldown_ms: 0,
        ..HealthSpec::default()
    };
    let mut health = OpsHealth::new(HealthPolicy::new(spec).unwrap());
    let states = [HealthState::Green, HealthState::Yellow, HealthState::Yellow, HealthState::Red];
    for state in states {
        health.record(0, Event::Error);
        assert_eq!(health.assess(0).state, state);
    }
}
