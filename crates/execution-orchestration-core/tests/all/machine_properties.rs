//! The machine against the reference model: every short story, and many random ones.

use std::collections::BTreeSet;

use failstop_testkit::reference_model::{
    Attempt, Effect, Ending, Key, Level, Permits, Prior, Recording, RetryUnknown, Rules, Start, World,
    predict,
};
use proptest::{prelude::*, test_runner::FileFailurePersistence};

use crate::machine_driver::{Noise, Played, assert_agrees, play};

fn attempt(ending: Ending) -> Attempt {
    Attempt {
        permits: Permits::Granted(0),
        start: Start::Begins(0),
        runs_ms: 10,
        ending,
        ends_on_signal_ms: Some(5),
        ends_on_kill_ms: Some(5),
    }
}

fn calm(attempts: Vec<Attempt>) -> World {
    World {
        gate_at_admission: Level::Run,
        gate: Vec::new(),
        cancel_at: None,
        allowed: true,
        key: Key::Fresh,
        key_after_ms: 0,
        attempts,
        recording: Recording::Durable(0),
    }
}

/// Every way an attempt can end: by itself, and by being timed out, with or without proof.
fn every_attempt() -> Vec<Attempt> {
    let ends = |effect, broke, hint_ms| attempt(Ending { effect, broke, hint_ms });
    let hung = Attempt { runs_ms: 1 << 30, ..ends(Effect::Applied, false, 0) };
    let deaf = Attempt { ends_on_signal_ms: None, ends_on_kill_ms: None, ..hung };
    let killed = Attempt { ends_on_signal_ms: None, ..hung };
    let late = Attempt { runs_ms: 60, ends_on_signal_ms: None, ..hung };
    vec![
        ends(Effect::Applied, false, 0),
        ends(Effect::NotApplied, false, 0),
        ends(Effect::NotApplied, false, 30),
        ends(Effect::NotApplied, false, 70_000),
        ends(Effect::Rejected, false, 0),
        ends(Effect::Unknown, false, 0),
        ends(Effect::Unknown, false, 70_000),
        ends(Effect::Unknown, true, 0),
        hung,
        killed,
        deaf,
        late,
    ]
}

fn every_rules() -> Vec<Rules> {
    let mut all = Vec::new();
    for max_retries in 0..=3 {
        for retry_unknown in [RetryUnknown::Auto, RetryUnknown::Always, RetryUnknown::Never] {
            for (keyed, repeatable) in [(false, false), (false, true), (true, false), (true, true)] {
                // Time enough for everything, and time for about two attempts.
                for total_ms in [10_000, 120] {
                    all.push(Rules {
                        max_retries,
                        initial_backoff_ms: 20,
                        max_backoff_ms: 50,
                        per_action_ms: 50,
                        total_ms,
                        grace_ms: 40,
                        min_attempt_ms: 5,
                        throttle_ms: 0,
                        keyed,
                        repeatable,
                        retry_unknown,
                        asks_permits: false,
                    });
                }
            }
        }
    }
    all
}

/// INV-FS-3, INV-EXE-2, INV-EXE-3: outcome and `fail_closed` of every sequence of up to four attempts.
#[test]
fn every_sequence_of_endings_ends_as_the_model_says() {
    let endings = every_attempt();
    let count = endings.len();
    let mut seen = BTreeSet::new();
    for rules in every_rules() {
        let length = rules.max_retries + 1;
        for code in 0..count.pow(length) {
            let digits = (0..length).scan(code, |rest, _| {
                let digit = *rest % count;
                *rest /= count;
                Some(endings[digit])
            });
            let world = calm(digits.collect());
            let told = predict(&rules, &world);
            // Sequences that differ only behind their end are one story.
            let made = told.attempts.len();
            if (made..length as usize).any(|unused| world.attempts[unused] != endings[0]) {
                continue;
            }
            seen.insert((told.outcome, told.reason_code, told.fail_closed));
            let played = play(&rules, &world, None, &[]);
            assert_agrees(&played, &told, &(rules, &world));
            check_promises(&rules, &played);
        }
    }
    let outcomes: BTreeSet<_> = seen.iter().map(|(outcome, ..)| *outcome).collect();
    assert_eq!(outcomes, BTreeSet::from(["executed", "not_executed", "unknown"]));
    assert!(seen.contains(&("unknown", Some("retry_after_exceeds_deadline"), true)), "{seen:?}");
    assert!(seen.contains(&("unknown", Some("executor_failed"), false)), "{seen:?}");
    assert!(seen.contains(&("unknown", Some("total_timeout"), true)), "{seen:?}");
    assert!(seen.len() >= 13, "{seen:?}");
}

/// What holds of every life, whatever the model says.
fn check_promises(rules: &Rules, played: &Played) {
    use execution_orchestration_core::{model::Stopped, orchestrator::Output};
    let starts = played.ordered.iter().filter(|(_, output)| matches!(output, Output::Start { .. })).count();
    assert!(starts <= rules.max_retries as usize + 1, "INV-EXE-2");
    assert!(played.entered.iter().all(|(number, _)| *number <= rules.max_retries), "INV-EXE-2");
    if let Some(report_at_ms) = played.report_at_ms {
        assert!(report_at_ms <= rules.total_ms + rules.grace_ms, "INV-EXE-2: the report is late");
        let done = played.ordered.iter().filter(|(_, output)| *output == Output::Done).count();
        assert_eq!(done, 1);
        assert_eq!(played.ordered.last().map(|(_, output)| *output), Some(Output::Done));
    }
    for pair in played.attempts.windows(2) {
        assert_ne!(pair[0].stopped, Some(Stopped::Unconfirmed), "an unconfirmed end is never followed");
        assert_eq!(pair[0].attempt_number + 1, pair[1].attempt_number);
    }
}

fn rules() -> impl Strategy<Value = Rules> {
    let times = (10_u64..200, 20_u64..500, prop_oneof![0_u64..60, 200_u64..2000], 0_u64..60);
    let pauses = (0_u64..60, 10_u64..100, prop_oneof![3 => Just(0), 1 => 1_u64..100]);
    let modes = prop_oneof![3 => Just(RetryUnknown::Auto), 1 => Just(RetryUnknown::Always), 1 => Just(RetryUnknown::Never)];
    (0_u32..4, times, pauses, modes, any::<[bool; 3]>()).prop_map(
        |(max_retries, times, pauses, retry_unknown, [keyed, repeatable, asks_permits])| Rules {
            max_retries,
            initial_backoff_ms: pauses.0,
            max_backoff_ms: pauses.1,
            per_action_ms: times.0,
            total_ms: times.1,
            grace_ms: times.2,
            min_attempt_ms: times.3,
            throttle_ms: pauses.2,
            keyed,
            repeatable,
            retry_unknown,
            asks_permits,
        },
    )
}

fn delay() -> impl Strategy<Value = u64> {
    prop_oneof![4 => Just(0), 4 => 1_u64..40, 1 => 40_u64..700]
}

fn ending() -> impl Strategy<Value = Ending> {
    let hint = prop_oneof![4 => Just(0), 2 => 1_u64..80, 1 => Just(60_001)];
    let effect = prop_oneof![
        2 => Just((Effect::Applied, false)),
        4 => Just((Effect::NotApplied, false)),
        1 => Just((Effect::Rejected, false)),
        2 => Just((Effect::Unknown, false)),
        2 => Just((Effect::Unknown, true)),
    ];
    (effect, hint).prop_map(|((effect, broke), hint_ms)| Ending {
        effect,
        broke,
        hint_ms: if effect == Effect::Applied || effect == Effect::Rejected { 0 } else { hint_ms },
    })
}

fn any_attempt() -> impl Strategy<Value = Attempt> {
    let permits = prop_oneof![
        8 => delay().prop_map(Permits::Granted),
        1 => delay().prop_map(Permits::RateLimited),
        1 => delay().prop_map(Permits::Stuck),
        1 => delay().prop_map(Permits::NoRetry),
        1 => Just(Permits::Never),
    ];
    let start = prop_oneof![
        9 => delay().prop_map(Start::Begins),
        1 => delay().prop_map(Start::LedgerLost),
        1 => Just(Start::Hangs),
    ];
    let runs = prop_oneof![2 => Just(0), 6 => 1_u64..60, 2 => 60_u64..600, 1 => Just(1 << 30)];
    let stops = (prop::option::of(delay()), prop::option::of(delay()));
    (permits, start, runs, ending(), stops).prop_map(|(permits, start, runs_ms, ending, stops)| Attempt {
        permits,
        start,
        runs_ms,
        ending,
        ends_on_signal_ms: stops.0,
        ends_on_kill_ms: stops.1,
    })
}

fn level() -> impl Strategy<Value = Level> {
    prop_oneof![
        2 => Just(Level::Run),
        3 => Just(Level::Drain),
        3 => Just(Level::Stop),
        2 => Just(Level::Halt),
    ]
}

fn world() -> impl Strategy<Value = World> {
    let gate = prop_oneof![
        2 => Just(Vec::new()),
        3 => prop::collection::vec((1_u64..400, level()), 1..4).prop_map(|mut changes| {
            changes.sort_by_key(|(at_ms, _)| *at_ms);
            changes.dedup_by_key(|(at_ms, _)| *at_ms);
            changes
        }),
    ];
    let key = prop_oneof![
        12 => Just(Key::Fresh),
        1 => (1_u32..5, any::<bool>()).prop_map(|(attempts, unknown)| Key::Resumable(Prior { attempts, unknown })),
        1 => Just(Key::InProgress),
        1 => Just(Key::InDoubt),
        1 => Just(Key::Reused),
        1 => Just(Key::Finished),
        1 => Just(Key::Unavailable),
        1 => Just(Key::Silent),
    ];
    let recording = prop_oneof![
        6 => delay().prop_map(Recording::Durable),
        1 => delay().prop_map(Recording::Lost),
        1 => Just(Recording::Hangs),
    ];
    let first = prop_oneof![19 => Just(Level::Run), 1 => level()];
    let cancel = prop::option::weighted(0.25, 1_u64..500);
    let attempts = prop::collection::vec(any_attempt(), 4);
    (first, gate, cancel, prop::bool::weighted(0.97), key, delay(), attempts, recording).prop_map(
        |(gate_at_admission, gate, cancel_at, allowed, key, key_after_ms, attempts, recording)| World {
            gate_at_admission,
            gate,
            cancel_at,
            allowed,
            key,
            key_after_ms,
            attempts,
            recording,
        },
    )
}

fn noise() -> impl Strategy<Value = Vec<(usize, Noise)>> {
    let kind = prop::sample::select(vec![
        Noise::Admit,
        Noise::LookedUp,
        Noise::KeyFreed,
        Noise::Granted,
        Noise::NotGranted,
        Noise::Started,
        Noise::NotStarted,
        Noise::OtherFinished,
        Noise::OtherHalted,
        Noise::Recorded,
        Noise::EarlyTick,
    ]);
    prop::collection::vec((0_usize..16, kind), 0..24)
}

/// At least 256 cases a run; what fails is kept beside the tests and tried first ever after.
fn config(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases: cases.max(ProptestConfig::default().cases),
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/all/proptest-regressions/machine_properties.txt"
        )))),
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(config(2048))]

    /// INV-EXE-1..4, INV-FS-3: one life, disturbed at random, ends as the model says.
    #[test]
    fn one_life_ends_as_the_model_says(rules in rules(), world in world(), extra in noise()) {
        let told = predict(&rules, &world);
        let played = play(&rules, &world, None, &extra);
        assert_agrees(&played, &told, &(rules, &world));
        check_promises(&rules, &played);
    }

    /// INV-EXE-1, and the rule that late and repeated inputs change nothing.
    #[test]
    fn noise_changes_nothing_and_the_same_inputs_give_the_same_outputs(
        rules in rules(), world in world(), extra in noise(),
    ) {
        let quiet = play(&rules, &world, None, &[]);
        prop_assert_eq!(&play(&rules, &world, None, &[]), &quiet);
        prop_assert_eq!(&play(&rules, &world, None, &extra), &quiet);
    }

    /// INV-EXE-2, INV-FS-3: owners die at any moment, others go on with what the ledger knows; attempts are counted
    /// for ever and an unknown stays one.
    #[test]
    fn lives_go_on_where_others_broke_off(
        rules in rules(), worlds in prop::collection::vec((world(), 0_u64..300), 1..5),
    ) {
        let rules = Rules { keyed: true, ..rules };
        let mut key = Key::Fresh;
        let mut entered = Vec::new();
        for (mut world, dies_at_ms) in worlds {
            world.key = key;
            let told = predict(&rules, &world);
            let played = play(&rules, &world, Some(dies_at_ms), &[]);
            entered.extend(played.entered.iter().map(|(number, _)| *number));
            let prior = if let Key::Resumable(prior) = key { prior } else { Prior::default() };
            let left = told.left_behind(prior, rules.repeatable, dies_at_ms).unwrap_or(Key::Fresh);
            let is_over = matches!(key, Key::InDoubt | Key::Finished);
            let left = if is_over { key } else { left };
            prop_assert_eq!(played.left_behind.unwrap_or(key), left, "what is left behind");
            prop_assert!(!is_over || played.entered.is_empty(), "INV-FS-1: nothing runs under a finished key");
            key = left;
        }
        let numbers: BTreeSet<_> = entered.iter().collect();
        prop_assert_eq!(numbers.len(), entered.len(), "INV-EXE-2: no number is used twice");
        prop_assert!(entered.iter().all(|number| *number <= rules.max_retries), "INV-EXE-2");
    }
}
