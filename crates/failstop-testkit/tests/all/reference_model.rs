//! The model itself, on stories whose end the design spells out.

use failstop_testkit::reference_model::{
    Attempt, Effect, Ending, Key, Level, Permits, Prediction, Prior, Recording, RetryUnknown, Rules, Start,
    World, predict,
};

const RULES: Rules = Rules {
    max_retries: 2,
    initial_backoff_ms: 100,
    max_backoff_ms: 5000,
    per_action_ms: 1000,
    total_ms: 10_000,
    grace_ms: 400,
    min_attempt_ms: 50,
    throttle_ms: 0,
    keyed: false,
    repeatable: false,
    retry_unknown: RetryUnknown::Auto,
    asks_permits: false,
};

fn attempt(runs_ms: u64, effect: Effect) -> Attempt {
    Attempt {
        permits: Permits::Granted(0),
        start: Start::Begins(0),
        runs_ms,
        ending: Ending { effect, broke: false, hint_ms: 0 },
        ends_on_signal_ms: Some(0),
        ends_on_kill_ms: Some(0),
    }
}

fn world(attempts: &[Attempt]) -> World {
    World {
        gate_at_admission: Level::Run,
        gate: Vec::new(),
        cancel_at: None,
        allowed: true,
        key: Key::Fresh,
        key_after_ms: 0,
        attempts: attempts.to_vec(),
        recording: Recording::Durable(0),
    }
}

fn words(told: &Prediction) -> (&str, &str, Option<&str>, bool, usize, u64) {
    let Prediction { status, outcome, reason_code, fail_closed, attempts, report_at_ms, .. } = told;
    (status, outcome, *reason_code, *fail_closed, attempts.len(), *report_at_ms)
}

#[test]
fn a_success_is_a_success() {
    let told = predict(&RULES, &world(&[attempt(7, Effect::Applied)]));
    assert_eq!(words(&told), ("success", "executed", None, false, 1, 7));
}

#[test]
fn retries_back_off_and_are_spent() {
    let told = predict(&RULES, &world(&[attempt(10, Effect::NotApplied); 3]));
    assert_eq!(words(&told), ("failed", "not_executed", Some("executor_failed"), false, 3, 330));
    let starts: Vec<u64> = told.attempts.iter().map(|told| told.started_at_ms).collect();
    assert_eq!(starts, [0, 110, 320]);
}

#[test]
fn with_a_key_an_unknown_effect_is_not_tried_again() {
    let rules = Rules { keyed: true, ..RULES };
    let told = predict(&rules, &world(&[attempt(10, Effect::Unknown); 3]));
    assert_eq!(words(&told), ("failed", "unknown", Some("unknown_outcome"), true, 1, 10));
    let rules = Rules { repeatable: true, ..rules };
    assert_eq!(predict(&rules, &world(&[attempt(10, Effect::Unknown); 3])).attempts.len(), 3);
}

#[test]
fn an_unknown_stays_unknown_whatever_follows_but_success() {
    let later = |effect| predict(&RULES, &world(&[attempt(1, Effect::Unknown), attempt(1, effect)]));
    assert_eq!(words(&later(Effect::Rejected)), ("failed", "unknown", Some("rejected"), false, 2, 102));
    assert_eq!(words(&later(Effect::Applied)), ("success", "executed", None, false, 2, 102));
}

#[test]
fn a_deaf_attempt_is_given_up_within_the_bound() {
    let deaf =
        Attempt { ends_on_signal_ms: None, ends_on_kill_ms: None, ..attempt(u64::MAX / 2, Effect::Applied) };
    let told = predict(&RULES, &world(&[deaf; 3]));
    assert_eq!(words(&told), ("failed", "unknown", Some("timeout"), true, 1, 1400));
    assert_eq!(told.attempts[0].stopped, Some("unconfirmed"));
}

#[test]
fn a_stop_reaches_an_attempt_in_flight() {
    let mut story = world(&[attempt(500, Effect::Applied); 3]);
    story.gate = vec![(200, Level::Stop)];
    story.attempts[0].ends_on_signal_ms = Some(30);
    assert_eq!(
        words(&predict(&RULES, &story)),
        ("failed", "unknown", Some("stopped_in_flight"), true, 1, 230)
    );
    story.gate = vec![(200, Level::Drain)];
    assert_eq!(words(&predict(&RULES, &story)), ("success", "executed", None, false, 1, 500));
}

#[test]
fn attempts_of_earlier_lives_count() {
    let rules = Rules { keyed: true, repeatable: true, ..RULES };
    let mut story = world(&[attempt(1, Effect::NotApplied); 3]);
    story.key = Key::Resumable(Prior { attempts: 2, unknown: true });
    let told = predict(&rules, &story);
    assert_eq!(words(&told), ("failed", "unknown", Some("executor_failed"), false, 1, 1));
    assert_eq!(told.attempts[0].number, 2);
}

#[test]
fn a_dead_owner_leaves_behind_what_it_had_made_durable() {
    let rules = Rules { keyed: true, ..RULES };
    let told = predict(&rules, &world(&[attempt(10, Effect::NotApplied), attempt(10, Effect::Applied)]));
    let left = |at_ms| told.left_behind(Prior::default(), false, at_ms);
    assert_eq!(left(0), None);
    assert_eq!(left(5), Some(Key::InDoubt));
    assert_eq!(left(50), Some(Key::Resumable(Prior { attempts: 1, unknown: false })));
    assert_eq!(left(115), Some(Key::InDoubt));
    assert_eq!(left(121), Some(Key::Finished));
}
