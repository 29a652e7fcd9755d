//! Several owners of one store: the living are left alone, the dead are succeeded.

use std::sync::Arc;

use failstop::{
    core::orchestrator::{KeyState, Prior},
    ledger::{Known, Ledger, NotStarted},
    locks::AttemptLock,
};
use tokio::task::JoinSet;

use super::{assert_same, finished, in_doubt};
use crate::{
    Bench,
    execution::{Asked, Execution, bytes, settle},
};

const RACED_KEYS: usize = 200;

/// INV-FS-1: both begin at once; who loses learns that somebody is at the key, or how it ended.
pub async fn one_of_two_owners_wins_each_key<B: Bench>() {
    if !B::IS_SHARED {
        return;
    }
    let bench = B::new();
    let owners = [bench.open().await, bench.open().await];
    let mut racers = JoinSet::new();
    for number in 0..RACED_KEYS {
        for owner in &owners {
            racers.spawn(race(Arc::clone(owner), Execution::of(&format!("k{number}"))));
        }
    }
    let mut won: Vec<Won> = racers.join_all().await.into_iter().flatten().collect();
    won.sort_by(|one, other| one.execution.key.cmp(&other.execution.key));
    won.dedup_by(|one, other| one.execution.key == other.execution.key);
    assert_eq!(won.len(), RACED_KEYS, "each key has one winner");
    let mut fences: Vec<u64> = won.iter().map(|won| won.fence).collect();
    fences.sort_unstable();
    fences.dedup();
    assert_eq!(fences.len(), RACED_KEYS, "each start has a fence of its own");
    for (winner, owner) in won.iter().flat_map(|won| owners.iter().map(move |owner| (won, owner))) {
        let report = finished(winner.execution.again().look_up(&**owner).await);
        assert_eq!(bytes(&report), bytes(&winner.execution.report), "one winner, and its report");
    }
}

struct Won {
    execution: Execution,
    fence: u64,
}

async fn race(owner: Arc<impl Ledger>, mut execution: Execution) -> Option<Won> {
    assert_is_of_another(execution.look_up(&*owner).await, true);
    match execution.ask(&*owner, Asked::of(0)).await {
        Ok(started) => {
            // Somewhere else, so that the other owner gets to see it running.
            tokio::task::yield_now().await;
            execution.end(&*owner, started.fence, KeyState::Succeeded).await;
            Some(Won { execution, fence: started.fence })
        }
        Err(NotStarted::Race(known)) => {
            assert_is_of_another(known, false);
            None
        }
        Err(refusal) => panic!("{refusal:?}"),
    }
}

fn assert_is_of_another(known: Known, may_be_fresh: bool) {
    match known {
        Known::InProgress | Known::Finished(_) => {}
        Known::Fresh if may_be_fresh => {}
        known => panic!("both are alive: {known:?}"),
    }
}

/// INV-FS-1: nobody is succeeded while he lives, whatever his executor may repeat.
pub async fn a_living_owners_keys_are_in_progress_for_others<B: Bench>() {
    if !B::IS_SHARED {
        return;
    }
    let bench = B::new();
    let (living, other) = (bench.open().await, bench.open().await);
    for may_repeat in [false, true] {
        let mut started = Execution::of(&format!("started {may_repeat}")).of_class(may_repeat);
        let fence = started.start(&*living).await;
        assert_left_alone(&*other, &started).await;
        started.end(&*living, fence, KeyState::Succeeded).await;

        let mut open = Execution::of(&format!("open {may_repeat}")).of_class(may_repeat);
        open.carry_out(&*living, KeyState::Open).await;
        settle(&*living).await;
        assert_left_alone(&*other, &open).await;
        open.carry_out(&*living, KeyState::Succeeded).await;
        for execution in [started, open] {
            let report = finished(execution.again().look_up(&*other).await);
            assert_eq!(bytes(&report), bytes(&execution.report));
        }
    }
}

async fn assert_left_alone(other: &impl Ledger, execution: &Execution) {
    for may_repeat in [false, true] {
        let mut again = execution.of_class(may_repeat);
        assert_eq!(again.look_up(other).await, Known::InProgress, "{}", execution.key);
        for attempt in [0, execution.attempts()] {
            let refused = again.ask(other, Asked::of(attempt)).await.expect_err("its owner lives");
            assert_eq!(refused, NotStarted::Race(Known::InProgress), "{}", execution.key);
        }
    }
    assert_eq!(execution.of_another_decision().look_up(other).await, Known::Reused);
}

/// One store, one truth.
pub async fn what_a_living_owner_finished_is_known_to_others<B: Bench>() {
    if !B::IS_SHARED {
        return;
    }
    let bench = B::new();
    let (living, other) = (bench.open().await, bench.open().await);
    for state in [KeyState::Succeeded, KeyState::Failed, KeyState::InDoubt] {
        let mut execution = Execution::idempotent(&format!("{state:?}"));
        execution.carry_out(&*living, state).await;
        let known = execution.again().look_up(&*living).await;
        assert_same(&execution.again().look_up(&*other).await, &known, "both owners know the same");
        let refused = execution.ask(&*other, Asked::of(1)).await.expect_err("it ended");
        let NotStarted::Race(told) = refused else { panic!("{refused:?}") };
        assert_same(&told, &known, "both owners know the same");
    }
}

/// The owner who succeeds: one who was there before the death, where there can be one, and one who came after.
async fn successors<B: Bench>(bench: &B, dying: Arc<B::Ledger>) -> Vec<Arc<B::Ledger>> {
    let before = if B::IS_SHARED { Some(bench.open().await) } else { None };
    bench.kill(dying).await;
    before.into_iter().chain([bench.open().await]).collect()
}

/// INV-FS-1: nobody can tell whether it had its effect.
pub async fn a_dead_owners_start_is_in_doubt<B: Bench>() {
    let bench = B::new();
    let dying = bench.open().await;
    let mut lost = Vec::new();
    for attempts in 0..3 {
        let mut execution = Execution::of(&format!("after {attempts}"));
        for _ in 0..attempts {
            execution.carry_out(&*dying, KeyState::Open).await;
        }
        let fence = execution.start(&*dying).await;
        lost.push((execution, fence));
    }
    for successor in successors(&bench, dying).await {
        for (execution, fence) in &lost {
            let report = in_doubt(execution.again().look_up(&*successor).await);
            assert_eq!(bytes(&report), bytes(&execution.report));
            let refused = execution.of_class(true).ask(&*successor, Asked::of(execution.attempts())).await;
            assert!(matches!(refused, Err(NotStarted::Race(Known::InDoubt(_)))));
            execution.assert_refused(&*successor, *fence, KeyState::Succeeded).await;
        }
    }
}

/// The number, the id and the attempts go on; that nothing was heard of the last one is remembered.
pub async fn a_dead_owners_start_goes_on_where_the_class_allows<B: Bench>() {
    let bench = B::new();
    let dying = bench.open().await;
    let mut execution = Execution::idempotent("k");
    execution.carry_out(&*dying, KeyState::Open).await;
    let fence = execution.start(&*dying).await;
    for successor in successors(&bench, dying).await {
        assert_goes_on(&*successor, &mut execution.clone(), Prior { attempts: 2, unknown: true }, fence)
            .await;
    }
    let successor = bench.open().await;
    let next = execution.start(&*successor).await;
    assert!(next > fence);
    execution.assert_refused(&*successor, fence, KeyState::Succeeded).await;
    execution.assert_refused(&*successor, next, KeyState::Failed).await;
    execution.end(&*successor, next, KeyState::Succeeded).await;
    assert_eq!(finished(execution.again().look_up(&*successor).await).attempts.len(), 3);
}

/// Nothing ran, so any class goes on.
pub async fn a_dead_owners_open_key_goes_on<B: Bench>() {
    for may_repeat in [false, true] {
        let bench = B::new();
        let dying = bench.open().await;
        let mut execution = Execution::of("k").of_class(may_repeat);
        execution.carry_out(&*dying, KeyState::Open).await;
        let fence = execution.carry_out(&*dying, KeyState::Open).await;
        settle(&*dying).await;
        let mut spent = Execution::of("spent");
        let last = spent.carry_out(&*dying, KeyState::Open).await;
        settle(&*dying).await;
        for successor in successors(&bench, dying).await {
            let prior = Prior { attempts: 2, unknown: false };
            assert_goes_on(&*successor, &mut execution.clone(), prior, fence).await;
        }
        let successor = bench.open().await;
        let next = execution.start(&*successor).await;
        assert!(next > fence);
        execution.end(&*successor, next, KeyState::Succeeded).await;
        assert_eq!(finished(execution.again().look_up(&*successor).await).attempts.len(), 3);
        // Where no attempt is left, the fence of the last start is enough to say so.
        spent.end(&*successor, last, KeyState::Failed).await;
        assert_eq!(bytes(&finished(spent.again().look_up(&*successor).await)), bytes(&spent.report));
    }
}

async fn assert_goes_on(successor: &impl Ledger, execution: &mut Execution, prior: Prior, fence: u64) {
    let resumption = execution.again().resume(successor).await;
    assert_eq!((resumption.prior, resumption.fence), (prior, fence));
    assert_eq!(bytes(&resumption.report), bytes(&execution.report), "id and attempts are kept");
    for attempt in [0, prior.attempts - 1, prior.attempts + 1] {
        let refused = execution.ask(successor, Asked::of(attempt)).await;
        assert!(matches!(refused, Err(NotStarted::Race(Known::Resumable(_)))), "{attempt}: {refused:?}");
    }
}

/// INV-FS-1: what its owner gave up, and still runs, is at its key. Its owner keeps itself from it as from whatever else
/// it is executing, so its own start is not asked for here.
pub async fn an_attempt_that_still_runs_is_not_taken_over<B: Bench>() {
    let bench = B::new();
    let ledger = bench.open().await;
    let other = if B::IS_SHARED { Some(bench.open().await) } else { None };
    for may_repeat in [false, true] {
        let mut given_up = Execution::of(&format!("given up {may_repeat}")).of_class(may_repeat);
        let fence = given_up.start(&*ledger).await;
        let lock = ledger.hold_attempt(fence);
        assert_held(&*ledger, other.as_deref(), &given_up, lock).await;

        let mut program = Execution::of(&format!("program {may_repeat}")).of_class(may_repeat);
        let asked = Asked { may_outlive_process: true, ..Asked::of(0) };
        let lock = program.ask(&*ledger, asked).await.expect("it may start").lock;
        assert_held(&*ledger, other.as_deref(), &program, lock).await;
    }
}

async fn assert_held<L: Ledger>(
    own: &L,
    other: Option<&L>,
    execution: &Execution,
    lock: Option<AttemptLock>,
) {
    if lock.is_some() {
        for may_repeat in [false, true] {
            assert_eq!(execution.of_class(may_repeat).look_up(own).await, Known::InProgress);
        }
        if let Some(other) = other {
            assert_left_alone(other, execution).await;
        }
    }
    drop(lock);
    assert_lost(own, execution).await;
}

/// That it is known to have ended nobody knows how.
async fn assert_lost(ledger: &impl Ledger, execution: &Execution) {
    let known = execution.look_up(ledger).await;
    assert_eq!(matches!(known, Known::Resumable(_)), execution.may_repeat, "{known:?}");
    assert_eq!(matches!(known, Known::InDoubt(_)), !execution.may_repeat, "{known:?}");
}

/// The same when its owner is dead: it is what must not have a successor, or its effect is had twice.
pub async fn an_attempt_that_outlived_its_owner_is_not_taken_over<B: Bench>() {
    for may_repeat in [false, true] {
        let bench = B::new();
        let dying = bench.open().await;
        let mut execution = Execution::of("k").of_class(may_repeat);
        let asked = Asked { may_outlive_process: true, ..Asked::of(0) };
        let Some(lock) = execution.ask(&*dying, asked).await.expect("it may start").lock else { return };
        let successors = successors(&bench, dying).await;
        for successor in &successors {
            assert_left_alone(&**successor, &execution).await;
        }
        drop(lock);
        for successor in &successors {
            assert_lost(&**successor, &execution).await;
        }
    }
}
