//! Attempts under one key: from its first start to its end, and what it means to those who come later.

use failstop::{
    core::orchestrator::{KeyState, Prior},
    ledger::{Known, Ledger, NotStarted},
};

use super::{assert_same, finished, in_doubt};
use crate::{
    Bench,
    execution::{Asked, Execution, bytes},
};

const TERMINAL: [KeyState; 3] = [KeyState::Succeeded, KeyState::Failed, KeyState::InDoubt];

/// Looking makes nothing.
pub async fn a_key_that_nobody_used_is_fresh<B: Bench>() {
    let bench = B::new();
    let ledger = bench.open().await;
    for _ in 0..2 {
        assert_eq!(Execution::of("k").look_up(&*ledger).await, Known::Fresh);
    }
    Execution::of("other").carry_out(&*ledger, KeyState::Succeeded).await;
    assert_eq!(Execution::of("k").look_up(&*ledger).await, Known::Fresh);
}

/// INV-FS-3: also after the owner's death, and however it came to its end.
pub async fn a_terminal_key_gives_its_report_back_byte_for_byte<B: Bench>() {
    let bench = B::new();
    let ledger = bench.open().await;
    let mut ended = Vec::new();
    for state in TERMINAL {
        let mut straight = Execution::of(&format!("straight {state:?}"));
        straight.carry_out(&*ledger, state).await;
        let mut retried = Execution::of(&format!("retried {state:?}"));
        retried.carry_out(&*ledger, KeyState::Open).await;
        retried.carry_out(&*ledger, state).await;
        ended.extend([(state, straight), (state, retried)]);
    }
    assert_ended(&*ledger, &ended).await;
    bench.kill(ledger).await;
    assert_ended(&*bench.open().await, &ended).await;
}

async fn assert_ended(ledger: &impl Ledger, ended: &[(KeyState, Execution)]) {
    for (state, execution) in ended {
        for may_repeat in [false, true] {
            let known = execution.again().of_class(may_repeat).look_up(ledger).await;
            let report = if *state == KeyState::InDoubt { in_doubt(known) } else { finished(known) };
            assert_eq!(bytes(&report), bytes(&execution.report), "{}", execution.key);
        }
    }
}

/// INV-FS-2: nothing was heard of it, so the report that was given with the start speaks for it, from then on for ever.
pub async fn what_started_and_was_lost_is_shown_as_unknown<B: Bench>() {
    let bench = B::new();
    let ledger = bench.open().await;
    let mut execution = Execution::of("k");
    let fence = execution.start(&*ledger).await;
    for _ in 0..2 {
        let report = in_doubt(execution.again().look_up(&*ledger).await);
        assert_eq!(bytes(&report), bytes(&execution.report));
    }
    // It was given up: neither its own late word nor another class brings it back.
    for state in [KeyState::Open, KeyState::Succeeded, KeyState::Failed, KeyState::InDoubt] {
        execution.assert_refused(&*ledger, fence, state).await;
    }
    bench.kill(ledger).await;
    let ledger = bench.open().await;
    let report = in_doubt(execution.again().of_class(true).look_up(&*ledger).await);
    assert_eq!(bytes(&report), bytes(&execution.report));
}

/// Another decision learns nothing, starts nothing and changes nothing.
pub async fn a_key_stands_for_one_decision_in_every_state<B: Bench>() {
    let bench = B::new();
    let ledger = bench.open().await;
    let states = [KeyState::Open, KeyState::Succeeded, KeyState::Failed, KeyState::InDoubt].map(Some);
    for state in [None].into_iter().chain(states) {
        let mut execution = Execution::idempotent(&format!("{state:?}"));
        let fence = execution.start(&*ledger).await;
        if let Some(state) = state {
            execution.end(&*ledger, fence, state).await;
        }
        let before = execution.again().look_up(&*ledger).await;
        for may_repeat in [false, true] {
            let mut other = execution.of_another_decision().of_class(may_repeat);
            assert_eq!(other.look_up(&*ledger).await, Known::Reused, "{state:?}");
            for attempt in 0..3 {
                let refused = other.ask(&*ledger, Asked::of(attempt)).await.expect_err("another decision");
                assert_eq!(refused, NotStarted::Race(Known::Reused), "{state:?}");
            }
        }
        assert_same(&execution.again().look_up(&*ledger).await, &before, "another decision changes nothing");
    }
}

/// INV-EXE-2: the attempts, the id and the fence are those of the execution that goes on.
pub async fn an_open_key_goes_on_with_its_next_attempt<B: Bench>() {
    let bench = B::new();
    let ledger = bench.open().await;
    let mut execution = Execution::of("k");
    for attempts in 1..=4 {
        let fence = execution.carry_out(&*ledger, KeyState::Open).await;
        let resumption = execution.again().resume(&*ledger).await;
        assert_eq!(resumption.prior, Prior { attempts, unknown: false });
        assert_eq!(resumption.fence, fence);
        assert_eq!(bytes(&resumption.report), bytes(&execution.report));
    }
    execution.carry_out(&*ledger, KeyState::Succeeded).await;
    assert_eq!(finished(execution.again().look_up(&*ledger).await).attempts.len(), 5);
}

/// INV-EXE-2: no number is left out and none is used twice; who asks for a wrong one learns which is next.
pub async fn attempts_are_counted_one_by_one<B: Bench>() {
    let bench = B::new();
    let ledger = bench.open().await;
    for execution in [Execution::of("k"), Execution::idempotent("i")] {
        for attempt in [1, 2, u32::MAX] {
            let refused = execution.clone().ask(&*ledger, Asked::of(attempt)).await;
            assert!(refused.is_err(), "attempt {attempt} of a fresh key");
            assert_eq!(execution.look_up(&*ledger).await, Known::Fresh);
        }
    }
    let mut open = Execution::of("open");
    open.carry_out(&*ledger, KeyState::Open).await;
    open.carry_out(&*ledger, KeyState::Open).await;
    let mut started = Execution::idempotent("started");
    started.carry_out(&*ledger, KeyState::Open).await;
    started.start(&*ledger).await;
    for mut execution in [open, started] {
        let before = execution.again().look_up(&*ledger).await;
        for attempt in [0, 1, 3, u32::MAX] {
            let refused =
                execution.clone().ask(&*ledger, Asked::of(attempt)).await.expect_err("wrong number");
            let NotStarted::Race(known) = refused else { panic!("{refused:?}") };
            assert_same(&known, &before, "who is refused learns why");
            assert_same(&execution.again().look_up(&*ledger).await, &before, "a refusal changes nothing");
        }
        execution.start(&*ledger).await;
    }
}

/// INV-FS-1: whatever ended, ended; who asks learns how.
pub async fn a_terminal_key_starts_nothing<B: Bench>() {
    let bench = B::new();
    let ledger = bench.open().await;
    for state in TERMINAL {
        let mut execution = Execution::idempotent(&format!("{state:?}"));
        execution.carry_out(&*ledger, state).await;
        let before = execution.again().look_up(&*ledger).await;
        for (attempt, may_repeat) in [(0, false), (1, false), (0, true), (1, true), (2, true)] {
            let mut later = execution.of_class(may_repeat);
            let refused = later.ask(&*ledger, Asked::of(attempt)).await.expect_err("it ended");
            let NotStarted::Race(known) = refused else { panic!("{refused:?}") };
            assert_same(&known, &before, "who is refused learns how it ended");
        }
        assert_same(&execution.again().look_up(&*ledger).await, &before, "a refusal changes nothing");
    }
}

/// INV-FS-1: an attempt that may be having its effect is followed by another only where neither executor minds.
pub async fn a_started_key_goes_on_only_where_both_classes_allow<B: Bench>() {
    let bench = B::new();
    let ledger = bench.open().await;
    for (first, second) in [(false, false), (false, true), (true, false)] {
        let mut looked_at = Execution::of(&format!("looked at {first} {second}")).of_class(first);
        looked_at.start(&*ledger).await;
        let report = in_doubt(looked_at.again().of_class(second).look_up(&*ledger).await);
        assert_eq!(bytes(&report), bytes(&looked_at.report));

        let mut asked = Execution::of(&format!("asked {first} {second}")).of_class(first);
        asked.start(&*ledger).await;
        let refused = asked.of_class(second).ask(&*ledger, Asked::of(1)).await.expect_err("it may run");
        let NotStarted::Race(known) = refused else { panic!("{refused:?}") };
        assert_eq!(bytes(&in_doubt(known)), bytes(&asked.report));
    }
    let mut execution = Execution::idempotent("both");
    let fence = execution.start(&*ledger).await;
    let resumption = execution.again().resume(&*ledger).await;
    assert_eq!(resumption.prior, Prior { attempts: 1, unknown: true });
    assert_eq!(resumption.fence, fence);
    assert_eq!(bytes(&resumption.report), bytes(&execution.report));
    execution.carry_out(&*ledger, KeyState::Succeeded).await;
    assert_eq!(finished(execution.again().look_up(&*ledger).await).attempts.len(), 2);
}

/// The attempt that may still be running is the last one, so its executor decides.
pub async fn the_class_that_counts_is_that_of_the_last_start<B: Bench>() {
    let bench = B::new();
    let ledger = bench.open().await;
    for (first, last) in [(true, false), (false, true)] {
        let mut execution = Execution::of(&format!("{first} {last}")).of_class(first);
        execution.carry_out(&*ledger, KeyState::Open).await;
        execution.may_repeat = last;
        execution.start(&*ledger).await;
        let known = execution.again().of_class(true).look_up(&*ledger).await;
        assert_eq!(matches!(known, Known::Resumable(_)), last, "{known:?}");
        assert_eq!(matches!(known, Known::InDoubt(_)), !last, "{known:?}");
    }
}

/// INV-FS-3: an attempt of which nothing was heard is never followed by "nothing happened".
pub async fn an_effect_that_may_have_happened_is_not_forgotten<B: Bench>() {
    let bench = B::new();
    let ledger = bench.open().await;
    let mut execution = Execution::idempotent("k");
    execution.start(&*ledger).await;
    let fence = execution.start(&*ledger).await;
    execution.assert_refused(&*ledger, fence, KeyState::Failed).await;
    let expected = Prior { attempts: 2, unknown: true };
    assert_eq!(execution.again().resume(&*ledger).await.prior, expected, "a refusal changes nothing");
    let fence = execution.carry_out(&*ledger, KeyState::Open).await;
    let expected = Prior { attempts: 3, unknown: true };
    assert_eq!(execution.again().resume(&*ledger).await.prior, expected);
    execution.assert_refused(&*ledger, fence, KeyState::Failed).await;
    execution.end(&*ledger, fence, KeyState::InDoubt).await;
    let report = in_doubt(execution.again().look_up(&*ledger).await);
    assert_eq!(bytes(&report), bytes(&execution.report));
}

/// INV-FS-1: an open key may hide an attempt that was given up; only an executor that may repeat its effect follows it.
pub async fn a_lost_attempt_counts_against_the_class_for_ever<B: Bench>() {
    let bench = B::new();
    let ledger = bench.open().await;
    let mut executions = Vec::new();
    for key in ["looked at", "asked"] {
        let mut execution = Execution::idempotent(key);
        execution.start(&*ledger).await;
        execution.carry_out(&*ledger, KeyState::Open).await;
        executions.push(execution);
    }
    let known = executions[0].again().of_class(false).look_up(&*ledger).await;
    assert_eq!(bytes(&in_doubt(known)), bytes(&executions[0].report));
    let refused = executions[1].of_class(false).ask(&*ledger, Asked::of(2)).await.expect_err("it may repeat");
    let NotStarted::Race(known) = refused else { panic!("{refused:?}") };
    assert_eq!(bytes(&in_doubt(known)), bytes(&executions[1].report));
    for execution in &executions {
        in_doubt(execution.look_up(&*ledger).await);
    }
}
