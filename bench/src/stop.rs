//! From a change of the gate to the last start, with ten thousand executions in flight.

use std::{
    io::{BufRead as _, BufReader, Read as _},
    path::Path,
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime},
};

use decision_schema::{Action, FinalDecision, Object};
use execution_orchestration_core::{
    policies::{ExecutionPolicy, PolicySpec},
    stop::{Level, Scope},
};
use failstop::{
    Engine, Request,
    executor::{Answer, from_fn},
};
use failstop_sqlite::{Options, SqliteLedger, gate_file::GateFile};
use tokio::{runtime, task::JoinSet};

use crate::table::Row;

const IN_FLIGHT: u64 = 10_000;
const TRIALS: usize = 100;
const TRIALS_ACROSS: usize = 20;

/// The argument that makes the program the owner of a ledger who works until he is stopped.
pub const OWNER: &str = "stop-owner";

pub fn measure() -> Vec<Row> {
    let mut rows = vec![in_process()];
    rows.extend(across_processes());
    rows
}

/// Unix wall time in microseconds: what two processes can compare.
#[expect(clippy::disallowed_methods, reason = "a clock is what measures")]
fn unix_us() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}

#[expect(clippy::disallowed_methods, reason = "the crowd must be at work before it is stopped")]
fn let_work(time: Duration) {
    std::thread::sleep(time);
}

fn policy(keyed: bool) -> ExecutionPolicy {
    let mut spec = PolicySpec { max_concurrency: 20_000, ..PolicySpec::default() };
    spec.idempotency.enabled = keyed;
    ExecutionPolicy::new(spec).expect("the policy is valid")
}

/// An executor that remembers when it was last entered.
fn remembering(last_start: &Arc<AtomicU64>) -> impl failstop::executor::Executor + use<> {
    let last_start = Arc::clone(last_start);
    from_fn(move |_| {
        last_start.fetch_max(unix_us(), Ordering::Relaxed);
        async {
            tokio::task::yield_now().await;
            Answer::applied()
        }
    })
}

/// One of the crowd: executes one decision after another until one is denied.
async fn work(engine: Engine, who: u64) {
    let (decision, context) = (FinalDecision::new(Action::Act), Object::new());
    for round in 0_u64.. {
        let key = format!("{who}-{round}");
        let request = Request { idempotency_key: Some(&key), ..Request::new(&decision, &context) };
        if engine.execute(&request).await.attempts.is_empty() {
            return;
        }
        tokio::task::yield_now().await;
    }
}

fn crowd(engine: &Engine, members: u64) -> JoinSet<()> {
    (0..members).map(|who| work(engine.clone(), who)).collect()
}

/// The gate's handle is pulled while ten thousand tasks on two threads start attempts as fast as they can.
fn in_process() -> Row {
    let runtime = runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.expect("threads are to be had");
    let mut delays: Vec<u64> = (0..TRIALS)
        .map(|_| {
            let last_start = Arc::default();
            let engine = Engine::builder(policy(false)).executor(remembering(&last_start)).build();
            let engine = engine.expect("the parts agree");
            let _inside = runtime.enter();
            let workers = crowd(&engine, IN_FLIGHT);
            let_work(Duration::from_millis(50));
            let changed_at = unix_us();
            engine.gate().engage(Scope::Global, Level::Stop, "bench");
            runtime.block_on(workers.join_all());
            last_start.load(Ordering::Relaxed).saturating_sub(changed_at)
        })
        .collect();
    let p99_us = percentile(&mut delays, 99);
    Row::new("gate change to last start, 10,000 in flight, p99", format!("{p99_us} us"))
        .reach("<= 1 ms", p99_us <= 1_000)
}

fn percentile(samples: &mut [u64], percent: usize) -> u64 {
    samples.sort_unstable();
    samples.get((samples.len() * percent).div_ceil(100).saturating_sub(1)).copied().unwrap_or(u64::MAX)
}

/// Works on the ledger at `path` until it is stopped, then says when it last started something.
pub fn own(path: &str) {
    let last_start = Arc::default();
    let ledger = SqliteLedger::open(Path::new(path), Options::default()).expect("the ledger opens");
    let builder = Engine::builder(policy(true)).ledger(Arc::new(ledger)).executor(remembering(&last_start));
    let engine = builder.build().expect("the parts agree");
    let runtime =
        runtime::Builder::new_current_thread().enable_all().build().expect("a runtime is to be had");
    runtime.block_on(async {
        let workers = crowd(&engine, IN_FLIGHT);
        println!("ready");
        workers.join_all().await;
    });
    println!("{}", last_start.load(Ordering::Relaxed));
}

fn owner(path: &Path) -> Option<Child> {
    let mut command = Command::new(std::env::current_exe().ok()?);
    command.arg(OWNER).arg(path).stdout(Stdio::piped()).spawn().ok()
}

/// Another process stops an owner that commits groups back to back.
fn across_processes() -> Vec<Row> {
    let what = "  across processes, an owner committing back to back, worst";
    let Some((mut starts, mut acknowledged)) = trials_across() else {
        return vec![Row::skipped(what, "the owner did not come up")];
    };
    let (start_ms, acknowledged_ms) =
        (percentile(&mut starts, 100) / 1_000, percentile(&mut acknowledged, 100) / 1_000);
    vec![
        Row::new(what, format!("{start_ms} ms")).reach("<= 250 ms", start_ms <= 250),
        Row::new("  the same, until the stop is acknowledged, worst", format!("{acknowledged_ms} ms"))
            .reach("<= 250 ms", acknowledged_ms <= 250),
    ]
}

fn trials_across() -> Option<(Vec<u64>, Vec<u64>)> {
    (0..TRIALS_ACROSS).map(|_| trial_across()).collect::<Option<Vec<_>>>().map(|all| all.into_iter().unzip())
}

/// How long after the stop the owner still started something, and how long the stop took to be acknowledged,
/// microseconds.
fn trial_across() -> Option<(u64, u64)> {
    let home = crate::ledger_subject::directory();
    let path = home.path().join("stop.db");
    let mut child = owner(&path)?;
    let mut said = BufReader::new(child.stdout.take()?);
    said.read_line(&mut String::new()).ok()?;
    let_work(Duration::from_millis(200));
    let gate_path = home.path().join("stop.db.gate");
    let gate = GateFile::open(&gate_path, &GateFile::ledger_id_at(&gate_path).ok()??).ok()?;
    let changed_at = unix_us();
    gate.engage(Scope::Global, Level::Stop, "bench", 0).ok()?;
    gate.settle(Duration::from_secs(10)).ok()?.then_some(())?;
    let acknowledged = unix_us() - changed_at;
    let mut last_start = String::new();
    said.read_to_string(&mut last_start).ok()?;
    child.wait().ok()?;
    Some((last_start.trim().parse::<u64>().ok()?.saturating_sub(changed_at), acknowledged))
}
