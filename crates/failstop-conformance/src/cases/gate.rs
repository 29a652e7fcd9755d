//! The gate, read in the step that starts (INV-EXE-4).

use decision_schema::Action;
use failstop::{
    core::{
        orchestrator::KeyState,
        stop::{Level, Scope},
    },
    gate::Gate,
    ledger::{Known, NotStarted, StartGate},
};

use super::assert_same;
use crate::{
    Bench,
    execution::{ACTION, Asked, Execution},
};

/// Which starts each level lets pass: of new work, of a retry, and of both for an action that may run while stopped.
const PASSES: [(Level, [bool; 4]); 4] = [
    (Level::Run, [true, true, true, true]),
    (Level::Drain, [false, true, true, true]),
    (Level::Stop, [false, false, true, true]),
    (Level::Halt, [false, false, false, false]),
];

fn gate_at(scope: Scope, level: Level, is_exempt: bool) -> StartGate {
    let gate = Gate::new();
    gate.engage(scope, level, "drill");
    StartGate::new(gate, ACTION, is_exempt)
}

/// Every level, for new work and retries, for actions that are exempt and such that are not.
pub async fn a_start_obeys_the_gate<B: Bench>() {
    let bench = B::new();
    let ledger = bench.open().await;
    for scope in [Scope::Global, Scope::Action(ACTION)] {
        for (level, passes) in PASSES {
            for (at, passes) in passes.into_iter().enumerate() {
                let (is_new_work, is_exempt) = (at.is_multiple_of(2), at >= 2);
                let gate = gate_at(scope, level, is_exempt);
                let mut execution = Execution::of(&format!("{scope} {level} {at}"));
                let asked = Asked { is_new_work, gate, ..Asked::of(0) };
                match execution.ask(&*ledger, asked).await {
                    Ok(_) => assert!(passes, "{} passed", execution.key),
                    Err(NotStarted::Gate(verdict)) => {
                        assert!(!passes, "{} was refused", execution.key);
                        assert_eq!((verdict.level, verdict.stamp.scope), (level, scope));
                        assert_eq!(execution.look_up(&*ledger).await, Known::Fresh);
                    }
                    Err(refusal) => panic!("{refusal:?}"),
                }
            }
        }
    }
}

/// A refusal burns neither the key nor an attempt nor the fence, and what follows a release goes on from there.
pub async fn a_start_that_the_gate_refuses_leaves_its_key_as_it_was<B: Bench>() {
    let bench = B::new();
    let ledger = bench.open().await;
    let mut open = Execution::of("open");
    open.carry_out(&*ledger, KeyState::Open).await;
    let mut started = Execution::idempotent("started");
    started.start(&*ledger).await;
    for mut execution in [Execution::of("fresh"), open, started] {
        let before = execution.again().look_up(&*ledger).await;
        for level in [Level::Stop, Level::Halt] {
            let asked =
                Asked { gate: gate_at(Scope::Global, level, false), ..Asked::of(execution.attempts()) };
            let refused = execution.ask(&*ledger, asked).await.expect_err("the gate is shut");
            assert!(matches!(refused, NotStarted::Gate(_)), "{refused:?}");
            assert_same(&execution.again().look_up(&*ledger).await, &before, "a refusal changes nothing");
        }
        execution.carry_out(&*ledger, KeyState::Succeeded).await;
    }
}

/// A stop goes as far as its scope.
pub async fn a_stop_of_another_action_bars_nothing<B: Bench>() {
    let bench = B::new();
    let ledger = bench.open().await;
    let gate = gate_at(Scope::Action(Action::Exit), Level::Halt, false);
    let asked = Asked { gate, ..Asked::of(0) };
    assert!(Execution::of("k").ask(&*ledger, asked).await.is_ok());
}
