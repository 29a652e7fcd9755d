//! Fences: which start a record speaks of.

use failstop::{
    core::orchestrator::KeyState,
    ledger::{Known, Ledger},
};

use super::{assert_same, finished, in_doubt};
use crate::{
    Bench,
    execution::{Execution, bytes},
};

const STATES: [KeyState; 4] = [KeyState::Open, KeyState::Succeeded, KeyState::Failed, KeyState::InDoubt];

/// Whatever has the highest fence started last; also over deaths.
pub async fn fences_strictly_increase_over_keys_and_attempts<B: Bench>() {
    let bench = B::new();
    let mut last = 0;
    for life in 0..3 {
        let ledger = bench.open().await;
        for key in 0..4 {
            let mut execution = Execution::idempotent(&format!("{life} {key}"));
            for state in [Some(KeyState::Open), None, None, Some(KeyState::Succeeded)] {
                let fence = execution.start(&*ledger).await;
                assert!(fence > last, "{fence} after {last}");
                last = fence;
                if let Some(state) = state {
                    execution.end(&*ledger, fence, state).await;
                }
            }
        }
        bench.kill(ledger).await;
    }
}

/// INV-FS-1: the word of an attempt that was given up comes too late, and a fence that never was is no fence.
pub async fn a_record_with_another_fence_changes_nothing<B: Bench>() {
    let bench = B::new();
    let ledger = bench.open().await;
    let elsewhere = Execution::of("elsewhere").carry_out(&*ledger, KeyState::Open).await;
    let mut started = Execution::idempotent("started");
    let given_up = started.start(&*ledger).await;
    let fence = started.start(&*ledger).await;
    assert_refused(&*ledger, &started, [0, elsewhere, given_up, fence + 1, u64::MAX]).await;
    let later = started.start(&*ledger).await;
    assert_refused(&*ledger, &started, [0, elsewhere, given_up, fence, later + 1]).await;

    let mut open = Execution::of("open");
    let first = open.carry_out(&*ledger, KeyState::Open).await;
    let second = open.carry_out(&*ledger, KeyState::Open).await;
    assert_refused(&*ledger, &open, [0, elsewhere, first, later, second + 1]).await;
}

/// That no record with one of these fences is taken.
async fn assert_refused(ledger: &impl Ledger, execution: &Execution, fences: [u64; 5]) {
    let before = execution.again().look_up(ledger).await;
    for fence in fences {
        for state in STATES {
            execution.assert_refused(ledger, fence, state).await;
        }
    }
    assert_same(&execution.again().look_up(ledger).await, &before, "a refused record changes nothing");
}

/// What was never started cannot have ended.
pub async fn a_record_without_a_start_changes_nothing<B: Bench>() {
    let bench = B::new();
    let ledger = bench.open().await;
    let fence = Execution::of("elsewhere").start(&*ledger).await;
    for fence in [0, 1, fence, fence + 1] {
        for state in STATES {
            Execution::of("k").assert_refused(&*ledger, fence, state).await;
            assert_eq!(Execution::of("k").look_up(&*ledger).await, Known::Fresh);
        }
    }
}

/// INV-FS-2: exactly one terminal record, and nothing after it.
pub async fn a_terminal_record_is_final<B: Bench>() {
    let bench = B::new();
    let ledger = bench.open().await;
    for ended in [KeyState::Succeeded, KeyState::Failed, KeyState::InDoubt] {
        let mut execution = Execution::idempotent(&format!("{ended:?}"));
        let fence = execution.carry_out(&*ledger, ended).await;
        for state in STATES {
            execution.assert_refused(&*ledger, fence, state).await;
        }
        let known = execution.again().look_up(&*ledger).await;
        let report = if ended == KeyState::InDoubt { in_doubt(known) } else { finished(known) };
        assert_eq!(bytes(&report), bytes(&execution.report));
    }
}

/// Nothing runs under an open key, so nothing can apply; that its attempts are spent may be said.
pub async fn an_open_key_ends_without_effect_or_in_doubt<B: Bench>() {
    let bench = B::new();
    let ledger = bench.open().await;
    for (state, is_taken) in [
        (KeyState::Open, false),
        (KeyState::Succeeded, false),
        (KeyState::Failed, true),
        (KeyState::InDoubt, true),
    ] {
        let mut execution = Execution::of(&format!("{state:?}"));
        let fence = execution.carry_out(&*ledger, KeyState::Open).await;
        let before = execution.again().look_up(&*ledger).await;
        if is_taken {
            execution.end(&*ledger, fence, state).await;
        } else {
            execution.assert_refused(&*ledger, fence, state).await;
        }
        let known = execution.again().look_up(&*ledger).await;
        match state {
            KeyState::Failed => assert_eq!(bytes(&finished(known)), bytes(&execution.report)),
            KeyState::InDoubt => assert_eq!(bytes(&in_doubt(known)), bytes(&execution.report)),
            KeyState::Open | KeyState::Succeeded => assert_same(&known, &before, "refused"),
        }
    }
}
