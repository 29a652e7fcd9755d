//! What an execution in flight costs in memory.

use std::{
    future::pending,
    process::Command,
    sync::atomic::{AtomicU64, Ordering},
};

use decision_schema::{Action, FinalDecision, Object};
use execution_orchestration_core::policies::{ExecutionPolicy, PolicySpec, TimeoutPolicy};
use failstop::{Engine, Request, executor::from_fn};

use crate::{calls::runtime, machine::resident_bytes, table::Row};

const EXECUTIONS: u32 = 1_000_000;
const HOUR_MS: u64 = 3_600_000;

/// The argument that makes the program a probe: a process of its own, whose memory nobody else has touched.
pub const PROBE: &str = "memory-probe";

static IN_FLIGHT: AtomicU64 = AtomicU64::new(0);

pub fn measure() -> Vec<Row> {
    let what = "bytes per execution, 1,000,000 in flight (tokio tasks)";
    let probed = std::env::current_exe().and_then(|own| Command::new(own).arg(PROBE).output());
    let bytes =
        probed.ok().and_then(|output| String::from_utf8(output.stdout).ok()?.trim().parse::<f64>().ok());
    let figure = match bytes {
        Some(bytes) => Row::new(what, format!("{bytes:.0} B")).reach("<= 1024 B", bytes <= 1024.0),
        None => Row::skipped(what, "the probe did not come back (out of memory?)"),
    };
    vec![figure, Row::new("  of that, the future of `execute_with`", format!("{} B", future_bytes()))]
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
    let executor = from_fn(|_attempt| pending::<(bool, Option<String>)>());
    size_of_val(&engine.execute_with(&Request::new(&decision, &context), &executor))
}

/// Starts a million executions as tokio tasks, waits until the executor of each is pending, and prints the bytes per
/// execution: task, future, timers and slots, everything that the process grew by.
pub fn probe() {
    let engine = engine();
    let decision: &FinalDecision = Box::leak(Box::new(FinalDecision::new(Action::Act)));
    let context: &Object = Box::leak(Box::new(Object::new()));
    let runtime = runtime();
    let before = resident_bytes();
    for _ in 0..EXECUTIONS {
        let engine = engine.clone();
        let request = Request::new(decision, context);
        runtime.spawn(async move {
            let executor = from_fn(|_attempt| async {
                IN_FLIGHT.fetch_add(1, Ordering::Relaxed);
                pending::<(bool, Option<String>)>().await
            });
            engine.execute_with(&request, &executor).await
        });
    }
    runtime.block_on(async {
        while IN_FLIGHT.load(Ordering::Relaxed) < EXECUTIONS.into() {
            tokio::task::yield_now().await;
        }
    });
    let grown = resident_bytes().saturating_sub(before);
    println!("{}", grown as f64 / f64::from(EXECUTIONS));
    // A million futures need not be dropped one by one.
    std::process::exit(0);
}
