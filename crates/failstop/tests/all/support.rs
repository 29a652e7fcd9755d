//! What the driver tests share: decisions, policies, and engines around closures.

use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use decision_schema::{Action, FinalDecision, Object, Value};
use failstop::{
    Engine, EngineBuilder, Request,
    core::{
        model::ExecutionReport,
        policies::{ExecutionPolicy, PolicySpec},
    },
    executor::{Answer, Executor, from_fn},
    gate::Gate,
    ledger::{
        Claim, Evidence, Keys, Known, Ledger, LedgerFuture, LedgerUnavailable, MemoryLedger, NotStarted,
        Record, Start, Started,
    },
    locks::AttemptLock,
};
use tokio::net::TcpSocket;

type StartResult = Result<Started, NotStarted>;

/// A ledger in memory whose start steps somebody meddles with.
pub struct Meddled {
    ledger: MemoryLedger,
    after_start: Box<dyn Fn(StartResult) -> StartResult + Send + Sync>,
}

impl Meddled {
    /// Each start step answers what `meddle` makes of its answer.
    pub fn after_start(meddle: impl Fn(StartResult) -> StartResult + Send + Sync + 'static) -> Self {
        Self { ledger: MemoryLedger::new(), after_start: Box::new(meddle) }
    }
}

impl Ledger for Meddled {
    fn keys(&self) -> &Keys {
        self.ledger.keys()
    }

    fn look_up<'a>(&'a self, claim: Claim<'a>) -> LedgerFuture<'a, Result<Known, LedgerUnavailable>> {
        self.ledger.look_up(claim)
    }

    fn freed<'a>(&'a self, key: &'a str) -> LedgerFuture<'a, ()> {
        self.ledger.freed(key)
    }

    fn start<'a>(&'a self, start: Start<'a>) -> LedgerFuture<'a, StartResult> {
        Box::pin(async move { (self.after_start)(self.ledger.start(start).await) })
    }

    fn withdraw(&self, key: &str, attempt: u32) {
        self.ledger.withdraw(key, attempt);
    }

    fn record<'a>(&'a self, record: Record<'a>) -> LedgerFuture<'a, Result<(), LedgerUnavailable>> {
        self.ledger.record(record)
    }

    fn note(&self, evidence: Evidence<'_>) {
        self.ledger.note(evidence);
    }

    fn attach(&self, gate: &Gate) {
        self.ledger.attach(gate);
    }

    fn hold_attempt(&self, fence: u64) -> Option<AttemptLock> {
        self.ledger.hold_attempt(fence)
    }
}

pub fn policy(change: impl FnOnce(&mut PolicySpec)) -> ExecutionPolicy {
    let mut spec = PolicySpec::default();
    change(&mut spec);
    ExecutionPolicy::new(spec).expect("in range")
}

/// A policy for what happens in real time: no retries, and so much time that only a hang reaches its end.
pub fn patient(change: impl FnOnce(&mut PolicySpec)) -> ExecutionPolicy {
    policy(|spec| {
        spec.timeout.timeout_per_action_ms = 60_000;
        spec.timeout.max_total_time_ms = 60_000;
        spec.timeout.grace_ms = 60_000;
        spec.retry.max_retries = 0;
        change(spec);
    })
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

/// Comes back as soon as the condition holds. Until then the paused time of the runtime stands still: what is waited for
/// is done by programs and servers, however long they take.
pub async fn while_time_stands(condition: impl Fn() -> bool) {
    const LOOKS: u32 = 60_000;
    for _ in 0..LOOKS {
        if condition() {
            return;
        }
        tokio::task::yield_now().await;
        std::thread::park_timeout(Duration::from_millis(1));
    }
    panic!("hangs");
}

/// A URL at which nobody listens; nor can anybody begin to, while the socket is held.
pub fn nobody_listens() -> (TcpSocket, String) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let url = format!("http://{}/", socket.local_addr().unwrap());
    (socket, url)
}
