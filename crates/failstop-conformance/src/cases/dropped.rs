//! Starts that nobody waited for: their executor was not entered, so their key must not look as if it had been.

use std::{future::poll_fn, task::Poll};

use failstop::{
    core::orchestrator::KeyState,
    ledger::{Known, Ledger, NotStarted},
};

use super::finished;
use crate::{
    Bench,
    execution::{Asked, Execution, bytes, settle},
};

/// How often each is tried; the later ones are dropped later, so that some are caught in the middle.
const ROUNDS: usize = 60;

/// INV-FS-3: nothing was entered, so nothing is unknown.
pub async fn a_first_start_that_was_dropped_leaves_its_key_usable<B: Bench>() {
    let bench = B::new();
    let ledger = bench.open().await;
    for round in 0..ROUNDS {
        let execution = Execution::of(&format!("k{round}"));
        assert_usable_after_drop(&*ledger, execution, round).await;
    }
}

/// The same of a retry: what was used up before stays used up.
pub async fn a_next_start_that_was_dropped_leaves_its_key_usable<B: Bench>() {
    let bench = B::new();
    let ledger = bench.open().await;
    for round in 0..ROUNDS {
        let mut execution = Execution::of(&format!("k{round}"));
        execution.carry_out(&*ledger, KeyState::Open).await;
        assert_usable_after_drop(&*ledger, execution, round).await;
    }
}

/// Drops the next start of `execution`, and carries it to its end.
async fn assert_usable_after_drop(ledger: &impl Ledger, mut execution: Execution, round: usize) {
    if !is_dropped_in_time(ledger, &execution, round / 2).await {
        return;
    }
    let used = execution.attempts();
    if round.is_multiple_of(2) {
        settle(ledger).await;
    }
    let known = execution.look_up(ledger).await;
    follow(&mut execution, known, used);
    // The withdrawal may come between the look and the start, and is then told as a race.
    let asked = Asked::of(execution.attempts());
    let started = match execution.ask(ledger, asked).await {
        Err(NotStarted::Race(known)) if round % 2 == 1 => {
            follow(&mut execution, known, used);
            let asked = Asked::of(execution.attempts());
            execution.ask(ledger, asked).await
        }
        answer => answer,
    };
    let fence = started.expect("its key is free").fence;
    execution.end(ledger, fence, KeyState::Succeeded).await;
    assert_eq!(bytes(&finished(execution.look_up(ledger).await)), bytes(&execution.report));
}

/// Takes up what is known of a key whose start after `used` attempts was dropped.
fn follow(execution: &mut Execution, known: Known, used: u32) {
    match known {
        Known::Fresh => assert_eq!(used, 0),
        Known::Resumable(at) => {
            assert!((used..=used + 1).contains(&at.prior.attempts), "{:?}", at.prior);
            assert!(!at.prior.unknown);
            execution.report = at.report;
        }
        known => panic!("a start that was dropped left {known:?}"),
    }
}

/// Whether the start was dropped before it resolved, after `polls` looks at it and one.
async fn is_dropped_in_time(ledger: &impl Ledger, execution: &Execution, polls: usize) -> bool {
    let asked = Asked::of(execution.attempts());
    let report = execution.report_if_lost(asked.attempt);
    let mut starting = execution.starting(ledger, &asked, &report);
    for _ in 0..=polls {
        let is_ready = poll_fn(|context| Poll::Ready(starting.as_mut().poll(context).is_ready())).await;
        if is_ready {
            return false;
        }
        tokio::task::yield_now().await;
    }
    true
}
