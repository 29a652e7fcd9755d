//! The one thread that keeps time: it owns the timers of everything this process executes, and touches no Python.
//!
//! Threads do not survive a fork. A child begins a generation of its own, and leaves that of its parent as it is.

use std::{
    future::pending,
    sync::{
        OnceLock,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread,
};

use pyo3::prelude::*;
use tokio::runtime::{Builder, Handle};

/// The timers of one process, and of its children.
struct Generation {
    handle: OnceLock<Option<Handle>>,
    next: OnceLock<Box<Generation>>,
}

impl Generation {
    const fn new() -> Self {
        Self { handle: OnceLock::new(), next: OnceLock::new() }
    }
}

static FIRST: Generation = Generation::new();
static FORKS: AtomicUsize = AtomicUsize::new(0);

/// Says that this process is a child that has just been forked.
#[pyfunction]
pub fn forked() {
    FORKS.fetch_add(1, Ordering::Relaxed);
}

/// How many forks lie between the first process and this one.
pub fn forks() -> usize {
    FORKS.load(Ordering::Relaxed)
}

/// The runtime whose timers run; `None` where the machine has no thread for it.
pub fn handle() -> Option<&'static Handle> {
    let mut generation = &FIRST;
    for _ in 0..forks() {
        generation = generation.next.get_or_init(|| Box::new(Generation::new()));
    }
    generation.handle.get_or_init(start).as_ref()
}

fn start() -> Option<Handle> {
    let (to, from) = mpsc::sync_channel(1);
    let keep_time = move || {
        let Ok(runtime) = Builder::new_current_thread().enable_all().build() else { return };
        if to.send(runtime.handle().clone()).is_ok() {
            runtime.block_on(pending::<()>());
        }
    };
    thread::Builder::new().name("failstop-timers".into()).spawn(keep_time).ok()?;
    from.recv().ok()
}
