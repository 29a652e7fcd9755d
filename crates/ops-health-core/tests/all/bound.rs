//! What is kept of too much, and that the signal says so.

use ops_health_core::{Event, HealthPolicy, HealthSpec, HealthState, MAX_SAMPLES, OpsHealth};

use crate::naive_model::NaiveModel;

const KINDS: [Event; 4] = [Event::Error, Event::RateLimited, Event::Reconnect, Event::Latency(70)];

fn spec() -> HealthSpec {
    HealthSpec { window_ms: 1_000_000, max_p95_latency_ms: 100, ..HealthSpec::default() }
}

fn health() -> OpsHealth {
    OpsHealth::new(HealthPolicy::new(spec()).unwrap())
}

/// `count` times, in an order that is none, without repeats below 65,537, which is prime.
fn scattered(count: usize) -> impl Iterator<Item = i64> {
    (1..=i64::try_from(count).unwrap()).map(|at| at * 40_503 % 65_537)
}

#[test]
fn the_first_sample_too_many_is_told_of_every_kind() {
    for event in KINDS {
        let mut health = health();
        scattered(MAX_SAMPLES).for_each(|ts_ms| health.record(ts_ms, event));
        assert!(health.assess(70_000).exact, "{event:?}");
        health.record(70_000, event);
        assert!(!health.assess(70_000).exact, "{event:?}");
    }
}

#[test]
fn a_signal_is_exact_again_when_all_that_was_dropped_is_too_old() {
    let mut health = health();
    scattered(MAX_SAMPLES).for_each(|ts_ms| health.record(ts_ms, Event::Error));
    health.record(70_000, Event::Error);
    // The oldest, of time 1, was dropped.
    assert!(!health.assess(1_000_001).exact);
    assert!(health.assess(1_000_002).exact);
}

#[test]
fn a_signal_stays_inexact_until_the_newest_of_what_was_dropped_is_too_old() {
    let mut health = health();
    scattered(MAX_SAMPLES).for_each(|ts_ms| health.record(ts_ms, Event::Error));
    // Each drops the oldest: 1 and 2 of the many, and the last one itself.
    for ts_ms in [70_000, 70_001, -5] {
        health.record(ts_ms, Event::Error);
    }
    assert!(!health.assess(1_000_002).exact);
    assert!(health.assess(1_000_003).exact);
}

#[test]
fn a_sample_older_than_all_that_are_kept_is_itself_dropped() {
    let mut health = health();
    scattered(MAX_SAMPLES).for_each(|ts_ms| health.record(ts_ms, Event::Error));
    health.record(-5, Event::Error);
    assert!(!health.assess(999_995).exact);
    assert!(health.assess(999_996).exact);
}

#[test]
fn samples_that_are_too_old_anyway_may_be_dropped_unnoticed() {
    let mut health = health();
    scattered(MAX_SAMPLES).for_each(|ts_ms| health.record(ts_ms, Event::Error));
    scattered(MAX_SAMPLES).for_each(|ts_ms| health.record(2_000_000 + ts_ms, Event::Error));
    assert!(health.assess(2_070_000).exact);
}

#[test]
fn the_newest_latencies_are_what_counts_of_too_many() {
    let mut health = health();
    (0..MAX_SAMPLES).for_each(|_| health.record(0, Event::Latency(50)));
    assert_eq!(health.assess(0).state, HealthState::Green);
    (0..MAX_SAMPLES).for_each(|_| health.record(1, Event::Latency(200)));
    let signal = health.assess(1);
    assert!((signal.score - 0.9).abs() < 1e-12 && !signal.exact);
    (0..MAX_SAMPLES).for_each(|_| health.record(2, Event::Latency(50)));
    assert!((health.assess(2).score - 1.0).abs() < 1e-12);
}

/// Of samples of one time the lesser latencies go first: what is dropped must not hide trouble.
#[test]
fn inv_exe_3_of_latencies_of_one_time_the_greatest_are_kept() {
    let latencies = |ms: u64| core::iter::repeat_n(Event::Latency(ms), MAX_SAMPLES);
    for events in [latencies(200).chain(latencies(50)), latencies(50).chain(latencies(200))] {
        let mut health = health();
        events.for_each(|event| health.record(0, event));
        assert!((health.assess(0).score - 0.9).abs() < 1e-12);
    }
}

#[test]
fn inv_exe_3_a_limit_of_all_that_is_kept_is_spent_by_more() {
    let limit = u32::try_from(MAX_SAMPLES).unwrap();
    let spec = HealthSpec { max_errors_per_window: limit, weight_errors: 1.0, ..spec() };
    let mut health = OpsHealth::new(HealthPolicy::new(spec).unwrap());
    scattered(MAX_SAMPLES + 500).for_each(|ts_ms| health.record(ts_ms, Event::Error));
    let signal = health.assess(70_000);
    assert!((signal.score - 0.0).abs() < 1e-12 && !signal.exact && signal.deny_actions);
}

/// More comes than is kept, and is forgotten again: wherever the signal says that it is exact, it is.
#[test]
fn an_exact_signal_agrees_with_a_model_that_keeps_everything() {
    let spec = HealthSpec { window_ms: 20_000, ..spec() };
    let mut health = OpsHealth::new(HealthPolicy::new(spec).unwrap());
    let mut model = NaiveModel::new(spec);
    let mut told = [0, 0];
    for (at, ts_ms) in scattered(3 * MAX_SAMPLES).enumerate() {
        let at = i64::try_from(at).unwrap();
        let event = Event::Latency((ts_ms * 7919 % 211).unsigned_abs());
        // Dense at first, so that there are too many, and then thinner and thinner.
        let ts_ms = at * at / 2_000_000 + ts_ms % 5000;
        health.record(ts_ms, event);
        model.record(ts_ms, event);
        if at % 3001 == 0 {
            let (signal, expected) = (health.assess(ts_ms), model.assess(ts_ms));
            told[usize::from(signal.exact)] += 1;
            assert!(!signal.exact || signal == expected, "at {at}: {signal:?} is not {expected:?}");
        }
    }
    assert!(told.iter().all(|times| *times > 5), "{told:?}");
}
