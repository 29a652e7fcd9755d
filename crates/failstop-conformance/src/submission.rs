//! Decisions submitted to engines whose executors follow a script and count their calls.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use decision_schema::{Action, FinalDecision, Object};
use failstop::{
    Engine, Request,
    core::{
        model::{EffectClass, ExecutionReport},
        policies::{ExecutionPolicy, PolicySpec},
    },
    executor::{Answer, Executor, from_fn},
    ledger::Ledger,
};
use tokio::sync::Notify;

/// How often an executor was entered, and a call for each time.
#[derive(Debug, Clone, Default)]
pub struct Calls {
    count: Arc<AtomicU32>,
    entered: Arc<Notify>,
}

impl Calls {
    /// How often.
    pub fn count(&self) -> u32 {
        self.count.load(Ordering::SeqCst)
    }

    fn enter(&self) -> usize {
        let call = self.count.fetch_add(1, Ordering::SeqCst);
        self.entered.notify_one();
        call as usize
    }
}

/// An executor that gives these answers one after the other, and then hangs.
pub fn answering(answers: Vec<Answer>, class: EffectClass) -> (impl Executor + 'static, Calls) {
    let calls = Calls::default();
    let counted = calls.clone();
    let executor = from_fn(move |_| {
        let answer = answers.get(counted.enter()).cloned();
        async move {
            match answer {
                Some(answer) => answer,
                None => std::future::pending().await,
            }
        }
    });
    (executor.with_effect_class(class), calls)
}

/// A policy with keys, no pauses, and times that no machine is too slow for.
pub fn policy(change: impl FnOnce(&mut PolicySpec)) -> ExecutionPolicy {
    let mut spec = PolicySpec::default();
    spec.idempotency.enabled = true;
    spec.max_concurrency = 64;
    spec.retry.initial_backoff_ms = 0;
    spec.timeout.timeout_per_action_ms = 600_000;
    spec.timeout.max_total_time_ms = 1_200_000;
    change(&mut spec);
    ExecutionPolicy::new(spec).expect("in range")
}

/// An engine on `ledger`.
pub fn engine<L: Ledger>(
    ledger: &Arc<L>,
    policy: ExecutionPolicy,
    executor: impl Executor + 'static,
) -> Engine {
    let ledger = Arc::clone(ledger) as Arc<dyn Ledger>;
    Engine::builder(policy).ledger(ledger).executor(executor).build().expect("it has all it needs")
}

/// Submits an action under a key.
pub async fn submit(engine: &Engine, action: Action, key: &str) -> ExecutionReport {
    let (decision, context) = (FinalDecision::new(action), Object::new());
    engine.execute(&Request { idempotency_key: Some(key), ..Request::new(&decision, &context) }).await
}

/// Submits an action, and drops its execution as soon as its executor hangs in call number `calls`, from 1.
pub async fn submit_and_drop(engine: &Engine, action: Action, key: &str, entered: &Calls, calls: u32) {
    tokio::select! {
        report = submit(engine, action, key) => panic!("it was to hang: {report:?}"),
        () = reached(entered, calls) => {}
    }
}

async fn reached(entered: &Calls, calls: u32) {
    while entered.count() < calls {
        entered.entered.notified().await;
    }
}
