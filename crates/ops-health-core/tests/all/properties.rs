//! Any events in any order, any times: the same signals as from a model that keeps and sorts everything.

use ops_health_core::{Event, HealthPolicy, HealthSpec, OpsHealth};
use proptest::prelude::*;

use crate::naive_model::NaiveModel;

#[derive(Debug, Clone, Copy)]
enum Step {
    Record(i64, Event),
    Assess(i64),
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        1 => Just(Event::Error),
        1 => Just(Event::RateLimited),
        1 => Just(Event::Reconnect),
        // Few values, so that many samples are equal, and any, so that most are not.
        4 => prop_oneof![0..8_u64, 0..400_u64, any::<u64>()].prop_map(Event::Latency),
    ]
}

/// Times jump back and forth over several windows: they are drawn anew for each step.
fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        5 => (-300..3000_i64, event()).prop_map(|(ts_ms, event)| Step::Record(ts_ms, event)),
        1 => (-300..3000_i64).prop_map(Step::Assess),
    ]
}

/// Times that mostly go on, so that many samples are in the window at once.
fn in_time(steps: Vec<Step>) -> Vec<Step> {
    let moved = |(at, step)| {
        let ms = i64::try_from(at).unwrap() * 5;
        match step {
            Step::Record(ts_ms, event) => Step::Record(ms + ts_ms / 20, event),
            Step::Assess(now_ms) => Step::Assess(ms + now_ms / 20),
        }
    };
    steps.into_iter().enumerate().map(moved).collect()
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    (prop::collection::vec(step(), 0..400), any::<bool>())
        .prop_map(|(steps, as_drawn)| if as_drawn { steps } else { in_time(steps) })
}

fn spec() -> impl Strategy<Value = HealthSpec> {
    let times = (1..1500_u64, 0..300_u64, prop_oneof![Just(0), 1..900_u64]);
    let limits = (0..40_u32, 0..40_u32, 0..40_u32);
    let thresholds = (0.0..=1.0, 0.0..=1.0);
    let weights = (0.0..1.2, 0.0..0.6, 0.0..0.6, 0.0..1.2);
    (times, limits, thresholds, weights).prop_map(|(times, limits, thresholds, weights)| HealthSpec {
        window_ms: times.0,
        max_errors_per_window: limits.0,
        max_429_per_window: limits.1,
        max_reconnects_per_window: limits.2,
        max_p95_latency_ms: times.1,
        cooldown_ms: times.2,
        score_threshold_red: thresholds.0,
        score_threshold_yellow: thresholds.1,
        weight_errors: weights.0,
        weight_429: weights.1,
        weight_reconnects: weights.2,
        weight_latency: weights.3,
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn inv_exe_1_signals_agree_with_a_model_that_keeps_and_sorts_everything(spec in spec(), steps in steps()) {
        let mut health = OpsHealth::new(HealthPolicy::new(spec).unwrap());
        let mut model = NaiveModel::new(spec);
        for step in steps {
            match step {
                Step::Record(ts_ms, event) => {
                    health.record(ts_ms, event);
                    model.record(ts_ms, event);
                }
                Step::Assess(now_ms) => {
                    let signal = health.assess(now_ms);
                    prop_assert!(signal.exact);
                    prop_assert_eq!(signal, model.assess(now_ms));
                }
            }
        }
    }

    #[test]
    fn the_order_of_events_does_not_matter(
        spec in spec(),
        (given, shuffled) in prop::collection::vec((0..2000_i64, event()), 0..200)
            .prop_flat_map(|events| (Just(events.clone()), Just(events).prop_shuffle())),
        now_ms in 0..3000_i64,
    ) {
        let signal_of = |events: Vec<(i64, Event)>| {
            let mut health = OpsHealth::new(HealthPolicy::new(spec).unwrap());
            for (ts_ms, event) in events {
                health.record(ts_ms, event);
            }
            health.assess(now_ms)
        };
        prop_assert_eq!(signal_of(given), signal_of(shuffled));
    }

    #[test]
    fn inv_exe_3_no_time_and_no_latency_panics_and_red_always_denies(
        events in prop::collection::vec((any::<i64>(), event()), 0..50),
        times in prop::collection::vec(prop_oneof![any::<i64>(), Just(i64::MIN), Just(i64::MAX)], 1..10),
    ) {
        let mut health = OpsHealth::new(HealthPolicy::default());
        for (ts_ms, event) in events {
            health.record(ts_ms, event);
        }
        for now_ms in times {
            let signal = health.assess(now_ms);
            prop_assert!((0.0..=1.0).contains(&signal.score));
            prop_assert!(signal.deny_actions || signal.state != ops_health_core::HealthState::Red);
            prop_assert_eq!(signal.deny_actions, !signal.reasons.is_empty());
        }
    }
}
