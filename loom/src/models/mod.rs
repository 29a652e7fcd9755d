//! One model a room. Each is walked to the end, but for executions with more than [`PREEMPTIONS`] switches away from a
//! thread that could have gone on; nearly all known races need no more than two.

pub mod control;
pub mod gate;
pub mod health;
pub mod slots;

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, Waker},
};

const PREEMPTIONS: usize = 2;

/// Walks `model`, and says how many executions that were.
fn explore(model: impl Fn() + Sync + Send + 'static) -> usize {
    let executions = Arc::new(AtomicUsize::new(0));
    let counted = executions.clone();
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(PREEMPTIONS);
    builder.max_branches = 10_000;
    builder.check(move || {
        counted.fetch_add(1, Ordering::Relaxed);
        model();
    });
    executions.load(Ordering::Relaxed)
}

/// Polls once, with nobody to be woken.
fn poll_once<F: Future>(future: std::pin::Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}
