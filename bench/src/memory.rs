//! What an execution in flight costs in memory.

use std::{
    future::{Future as _, pending, poll_fn},
    process::Command,
    sync::atomic::{AtomicU64, Ordering},
    task::Poll,
};

use decision_schema::{Action, FinalDecision, Object};
use execution_orchestration_core::policies::{ExecutionPolicy, PolicySpec, TimeoutPolicy};
use failstop::{
    Engine, Request,
    executor::{Executor, from_fn},
};

use crate::{calls::runtime, machine::resident_bytes, table::Row};

const EXECUTIONS: u32 = 1_000_000;
const HOUR_MS: u64 = 3_600_000;

/// The argument that makes the program a probe: a process of its own, whose memory nobody else has touched.
pub const PROBE: &str = "memory-probe";

static IN_FLIGHT: AtomicU64 = AtomicU64::new(0);

pub fn measure() -> Vec<Row> {
    let futures = "bytes per execution, 1,000,000 in flight";
    let tasks = "  the same, each in a tokio task with its request";
    let row = |what, bytes: Option<f64>| match bytes {
        Some(bytes) => Row::new(what, format!("{bytes:.0} B")),
        None => Row::skipped(what, "the probe did not come back (out of memory?)"),
    };
    let bytes = probed("futures");
    vec![
        match bytes {
            Some(grown) => row(futures, bytes).reach("<= 1024 B", grown <= 1024.0),
            None => row(futures, bytes),
        },
        row(tasks, probed("tasks")),
        Row::new("  of that, the future of `execute_with`", format!("{} B", future_bytes())),
    ]
}

fn probed(kind: &str) -> Option<f64> {
    let output = Command::new(std::env::current_exe().ok()?).args([PROBE, kind]).output().ok()?;
    String::from_utf8(output.stdout).ok()?.trim().parse().ok()
}

fn engine() -> Engine {
    let timeout = TimeoutPolicy {
        timeout_per_action_ms: HOUR_MS,
        max_total_time_ms: HOUR_MS,
        ..TimeoutPolicy::default()
    };
    let spec = PolicySpec { timeout, max_concurrency: EXECUTIONS, ..PolicySpec::default() };
    let policy = ExecutionPolicy::new(spec).expect("the policy is valid");
    Engine::builder(policy).build().expect("the parts agree")
}

fn future_bytes() -> usize {
    let (engine, decision, context) = (engine(), FinalDecision::new(Action::Act), Object::new());
    size_of_val(&engine.execute_with(&Request::new(&decision, &context), &waiting()))
}

/// Starts a million executions, waits until the executor of each is pending, and prints the bytes per execution that
/// the process grew by: futures, timers, slots and all. As `tasks`, each also has a tokio task and a request of its own.
pub fn probe() {
    let engine: &Engine = Box::leak(Box::new(engine()));
    let request: &Request<'_> =
        Box::leak(Box::new(Request::new(Box::leak(Box::new(FinalDecision::new(Action::Act))), {
            Box::leak(Box::new(Object::new()))
        })));
    let runtime = runtime();
    let before = resident_bytes();
    if std::env::args().any(|kind| kind == "tasks") {
        for _ in 0..EXECUTIONS {
            let (engine, request) = (engine.clone(), *request);
            runtime.spawn(async move { engine.execute_with(&request, &waiting()).await });
        }
        runtime.block_on(async {
            while IN_FLIGHT.load(Ordering::Relaxed) < EXECUTIONS.into() {
                tokio::task::yield_now().await;
            }
        });
    } else {
        let executor = Box::leak(Box::new(waiting()));
        let begin = || Box::pin(engine.execute_with(request, executor));
        let mut in_flight: Vec<_> = std::iter::repeat_with(begin).take(EXECUTIONS as usize).collect();
        runtime.block_on(poll_fn(|cx| {
            for execution in &mut in_flight {
                assert!(execution.as_mut().poll(cx).is_pending());
            }
            Poll::Ready(())
        }));
        std::mem::forget(in_flight);
    }
    let grown = resident_bytes().saturating_sub(before);
    println!("{}", grown as f64 / f64::from(EXECUTIONS));
    // A million futures need not be dropped one by one.
    std::process::exit(0);
}

/// An executor that says when it is pending, and stays so.
fn waiting() -> impl Executor {
    from_fn(|_attempt| async {
        IN_FLIGHT.fetch_add(1, Ordering::Relaxed);
        pending::<(bool, Option<String>)>().await
    })
}
