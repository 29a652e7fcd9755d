//! The gate: nothing starts after a stop that was acknowledged, whoever acknowledged it, and whoever waits hears of it.

use decision_schema::Action;
use execution_orchestration_core::stop::{GateEntry, Level, Scope};
use loom::{future::block_on, thread};

use super::explore;
use crate::{
    gate::Gate,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

const ACTION: Action = Action::ALL[0];

fn bars(gate: &Gate) -> bool {
    gate.verdict(ACTION).level != Level::Run
}

fn entry(level: Level, epoch: u64) -> GateEntry {
    GateEntry { scope: Scope::Global, level, epoch, reason: String::new(), at_ms: 0 }
}

/// Somebody stops what stood at drain and passes on that it is acknowledged, while another lifts the drain: that one is
/// too late, or was before it.
pub fn no_start_after_an_acknowledged_stop() -> usize {
    explore(|| {
        let gate = Gate::new();
        let drained = gate.engage(Scope::Global, Level::Drain, "drain");
        let acknowledged = Arc::new(AtomicBool::new(false));
        let (stopping, acknowledging) = (gate.clone(), acknowledged.clone());
        let stopper = thread::spawn(move || {
            stopping.engage(Scope::Global, Level::Stop, "stop");
            acknowledging.store(true, Ordering::Release);
        });
        let other = gate.clone();
        let releaser = thread::spawn(move || other.release(Scope::Global, drained, "go on").is_ok());
        let was_acknowledged = acknowledged.load(Ordering::Acquire);
        assert!(!was_acknowledged || bars(&gate), "a start after an acknowledged stop");
        stopper.join().expect("the stopper does not panic");
        releaser.join().expect("the releaser does not panic");
        assert_eq!(gate.verdict(ACTION).level, Level::Stop, "a stop was lost");
    })
}

/// Two raise one scope at once, one of them higher: the lower one never wins.
pub fn lower_level_never_overwrites_a_higher_one() -> usize {
    explore(|| {
        let gate = Gate::new();
        let (one, two) = (gate.clone(), gate.clone());
        let halt = thread::spawn(move || one.engage(Scope::Global, Level::Halt, "halt"));
        let drain = thread::spawn(move || two.engage(Scope::Global, Level::Drain, "drain"));
        halt.join().expect("no stopper panics");
        drain.join().expect("no stopper panics");
        assert_eq!(gate.verdict(ACTION).level, Level::Halt);
    })
}

/// A shared gate is shown for the first time, and it stands at stop: nothing starts once it was shown.
pub fn no_start_after_a_shared_stop_was_reflected() -> usize {
    explore(|| {
        let gate = Gate::new();
        gate.reflect(None);
        assert!(bars(&gate), "a shared gate that could not be read let something start");
        let showing = gate.clone();
        let watch = thread::spawn(move || showing.reflect(Some(&[entry(Level::Stop, 2)])));
        // Unreadable before, stopped after: in between there is nothing.
        assert!(bars(&gate), "a start between an unreadable gate and its stop");
        watch.join().expect("the watch does not panic");
        assert!(bars(&gate));
    })
}

/// Someone waits for the gate's call and looks again when it comes; a stop beside that is never slept through.
pub fn stop_wakes_whoever_looked_before_it() -> usize {
    explore(|| {
        let gate = Gate::new();
        gate.reflect(Some(&[]));
        let (waiting, showing) = (gate.clone(), gate.clone());
        let waiter = thread::spawn(move || {
            while !bars(&waiting) {
                let stirred = waiting.stirred();
                if bars(&waiting) {
                    break;
                }
                block_on(stirred);
            }
        });
        let watch = thread::spawn(move || showing.reflect(Some(&[entry(Level::Stop, 2)])));
        waiter.join().expect("the waiter does not panic");
        watch.join().expect("the watch does not panic");
    })
}
