//! What is measured: an engine over a ledger in a file, as the command line runs it.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

use decision_schema::{Action, FinalDecision, Object};
use execution_orchestration_core::{
    model::ExecutionStatus,
    policies::{ExecutionPolicy, IdempotencyPolicy, PolicySpec},
};
use failstop::{Engine, Request, executor::from_fn, ledger::Ledger};
use failstop_sqlite::{Options, SqliteLedger};
use tempfile::TempDir;
use tokio::{runtime::Runtime, task::JoinSet};

use crate::calls;

/// A directory on the disk that the build is on: the system's own for temporary files may be memory.
pub fn directory() -> TempDir {
    let program = std::env::current_exe().expect("the program has a path");
    let beside = program.parent().expect("a program is in a directory");
    TempDir::with_prefix_in("ledger-", beside).expect("a directory can be made beside the program")
}

/// Fresh keys, made from the step; an executor that returns at once.
pub struct Subject {
    runtime: Runtime,
    engine: Engine,
    next_step: Arc<AtomicI64>,
    home: TempDir,
}

impl Subject {
    /// Over a new ledger.
    pub fn over_ledger() -> Self {
        Self::over_ledger_with(Options::default())
    }

    /// Over a new ledger with `options`.
    pub fn over_ledger_with(options: Options) -> Self {
        let home = directory();
        let ledger = SqliteLedger::open(&home.path().join(NAME), options);
        Self::over(home, Some(ledger.expect("a ledger can be made")))
    }

    /// Without a ledger, and so without keys.
    pub fn without_ledger() -> Self {
        Self::over(directory(), None)
    }

    /// Over `ledger`, which is in `home`.
    pub fn over(home: TempDir, ledger: Option<SqliteLedger>) -> Self {
        let engine = engine(ledger.map(|ledger| Arc::new(ledger) as Arc<dyn Ledger>));
        Self { runtime: calls::runtime(), engine, next_step: Arc::default(), home }
    }

    /// Where the ledger is.
    pub fn path(&self) -> PathBuf {
        self.home.path().join(NAME)
    }

    /// Closes the ledger.
    pub fn close(self) -> TempDir {
        self.home
    }

    /// Takes the first `steps` for done.
    pub fn skip(&self, steps: i64) {
        self.next_step.fetch_add(steps, Ordering::Relaxed);
    }

    /// Executes `count` decisions, `in_flight` at a time, each in a task as the command line has it.
    pub fn execute(&self, count: u32, in_flight: u32) {
        let end = self.next_step.load(Ordering::Relaxed) + i64::from(count);
        self.runtime.block_on(async {
            let mut workers = JoinSet::new();
            for _ in 0..in_flight {
                workers.spawn(work(self.engine.clone(), Arc::clone(&self.next_step), end));
            }
            while let Some(ended) = workers.join_next().await {
                ended.expect("no worker panics");
            }
        });
        self.next_step.store(end, Ordering::Relaxed);
    }
}

/// The ledger's name in its directory.
pub const NAME: &str = "failstop.db";

/// An engine whose executor returns at once; keyed over `ledger`, where there is one.
fn engine(ledger: Option<Arc<dyn Ledger>>) -> Engine {
    let idempotency = IdempotencyPolicy { enabled: ledger.is_some(), ..IdempotencyPolicy::default() };
    let spec = PolicySpec { idempotency, max_concurrency: 1_024, ..PolicySpec::default() };
    let policy = ExecutionPolicy::new(spec).expect("the policy is valid");
    let builder = Engine::builder(policy).executor(from_fn(|_attempt| async { (true, None::<String>) }));
    ledger.into_iter().fold(builder, failstop::EngineBuilder::ledger).build().expect("the parts agree")
}

async fn work(engine: Engine, next_step: Arc<AtomicI64>, end: i64) {
    let (decision, context) = (FinalDecision::new(Action::Act), Object::new());
    loop {
        let step = next_step.fetch_add(1, Ordering::Relaxed);
        if step >= end {
            return;
        }
        let request =
            Request { run_id: Some("bench"), step: Some(step), ..Request::new(&decision, &context) };
        let report = engine.execute(&request).await;
        assert!(report.conclusion.status == ExecutionStatus::Success && !report.replayed);
    }
}
