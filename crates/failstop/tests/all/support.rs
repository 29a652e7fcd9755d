//! What the driver tests share: decisions, policies, and engines around closures.

use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use decision_schema::{Action, FinalDecision, Object, Value};
use failstop::{
    Engine, EngineBuilder, Request,
    core::{
        model::ExecutionReport,
        policies::{ExecutionPolicy, PolicySpec},
    },
    executor::{Answer, Executor, from_fn},
    ledger::MemoryLedger,
};

pub fn policy(change: impl FnOnce(&mut PolicySpec)) -> ExecutionPolicy {
    let mut spec = PolicySpec::default();
    change(&mut spec);
    ExecutionPolicy::new(spec).expect("in range")
}

/// A policy with keys on.
pub fn keyed(change: impl FnOnce(&mut PolicySpec)) -> ExecutionPolicy {
    policy(|spec| {
        spec.idempotency.enabled = true;
        change(spec);
    })
}

pub fn engine(policy: ExecutionPolicy) -> EngineBuilder {
    Engine::builder(policy).ledger(Arc::new(MemoryLedger::new()))
}

pub fn object<const N: usize>(members: [(&str, Value); N]) -> Object {
    members.into_iter().collect()
}

/// An executor that gives these answers one after the other, then succeeds; and the count of its calls.
pub fn answering(answers: Vec<Answer>) -> (impl Executor, Arc<AtomicU32>) {
    let calls = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&calls);
    let executor = from_fn(move |_| {
        let call = counted.fetch_add(1, Ordering::SeqCst) as usize;
        let answer = answers.get(call).cloned().unwrap_or_else(Answer::applied);
        async move { answer }
    });
    (executor, calls)
}

/// An executor that never comes back, and the count of its calls.
pub fn hanging() -> (impl Executor, Arc<AtomicU32>) {
    let calls = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&calls);
    let executor = from_fn(move |_| {
        counted.fetch_add(1, Ordering::SeqCst);
        std::future::pending::<Answer>()
    });
    (executor, calls)
}

/// One decision, executed in an empty context.
pub async fn run(engine: &Engine, action: Action) -> ExecutionReport {
    let decision = FinalDecision::new(action);
    engine.execute(&Request::new(&decision, &Object::new())).await
}

/// One decision under a key of its own.
pub async fn run_keyed(engine: &Engine, action: Action, key: &str) -> ExecutionReport {
    let decision = FinalDecision::new(action);
    let context = Object::new();
    engine.execute(&Request { idempotency_key: Some(key), ..Request::new(&decision, &context) }).await
}

/// Polls both until both are done; `then` begins once the first waits.
pub async fn while_running<A: Future, B: Future>(first: A, then: B) -> (A::Output, B::Output) {
    tokio::join!(biased; first, then)
}
