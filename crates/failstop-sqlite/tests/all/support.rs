//! What the tests of this binary share.

use std::{path::Path, sync::Arc};

use decision_schema::{Action, FinalDecision, Object};
use failstop::{
    Engine, Request,
    core::{
        model::ExecutionReport,
        policies::{ExecutionPolicy, PolicySpec},
    },
    executor::{Answer, Executor, from_fn},
    ledger::Ledger,
};
use failstop_sqlite::{Options, Resolver, SqliteLedger};
use parking_lot::Mutex;
use tokio::sync::oneshot;

pub fn open(path: &Path) -> Arc<SqliteLedger> {
    Arc::new(SqliteLedger::open(path, Options::default()).unwrap())
}

/// A policy with keys on, and so much time that only a hang reaches its end.
pub fn keyed(change: impl FnOnce(&mut PolicySpec)) -> ExecutionPolicy {
    let mut spec = PolicySpec::default();
    spec.idempotency.enabled = true;
    spec.timeout.timeout_per_action_ms = 600_000;
    spec.timeout.max_total_time_ms = 600_000;
    change(&mut spec);
    ExecutionPolicy::new(spec).unwrap()
}

pub fn engine(
    ledger: &Arc<SqliteLedger>,
    policy: ExecutionPolicy,
    executor: impl Executor + 'static,
) -> Engine {
    let ledger = Arc::clone(ledger) as Arc<dyn Ledger>;
    Engine::builder(policy).ledger(ledger).executor(executor).build().unwrap()
}

/// An executor that never comes back, and word of its first call.
pub fn hanging() -> (impl Executor + 'static, oneshot::Receiver<()>) {
    let (entered, is_entered) = oneshot::channel();
    let entered = Mutex::new(Some(entered));
    let hung = from_fn(move |_| {
        let _ = entered.lock().take().map(|entered: oneshot::Sender<()>| entered.send(()));
        std::future::pending::<Answer>()
    });
    (hung, is_entered)
}

pub async fn run(engine: &Engine, key: &str) -> ExecutionReport {
    let (decision, context) = (FinalDecision::new(Action::Act), Object::new());
    let request = Request { idempotency_key: Some(key), ..Request::new(&decision, &context) };
    engine.execute(&request).await
}

pub fn resolver() -> Resolver {
    Resolver { who: "operator".to_owned(), reason: "looked at the target".to_owned(), evidence: None }
}
