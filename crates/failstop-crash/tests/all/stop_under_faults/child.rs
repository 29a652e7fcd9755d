//! A process of its own, since the faults of a VFS are those of a whole process.

use std::{path::Path, sync::Arc, time::Duration};

use decision_schema::{Action, FinalDecision, Object};
use failstop::{
    Engine, Request,
    core::{
        model::{Outcome, ReasonCode, Stopped},
        policies::{ExecutionPolicy, PolicySpec},
        stop::{Level, Scope},
    },
    executor::{Answer, from_fn},
    ledger::Ledger,
};
use failstop_crash::vfs::{FaultPlan, install};
use failstop_sqlite::{Options, SqliteLedger, gate_file::GateFile};
use tokio::sync::Notify;

/// Where the ledger lies.
pub const DIRECTORY: &str = "FAILSTOP_STOP_UNDER_FAULTS";

/// What becomes of the disk when everybody is at work.
pub const FAULTS: &str = "FAILSTOP_STOP_FAULTS";

/// Within which a stop is acknowledged: sooner than a disk that no longer answers.
const BOUND: Duration = Duration::from_secs(60);

#[tokio::test]
#[ignore = "a part for a child process, started by the tests beside it"]
async fn plays_its_part() {
    let Some(directory) = std::env::var_os(DIRECTORY) else { return };
    let plan: FaultPlan = std::env::var(FAULTS).unwrap().parse().unwrap();
    let path = Path::new(&directory).join("ledger.db");
    let faults = install(FaultPlan::default()).unwrap();
    let ledger = Arc::new(SqliteLedger::open(&path, Options::default()).unwrap());
    let entered = Arc::new(Notify::new());
    let enter = Arc::clone(&entered);
    let hung = from_fn(move |_| {
        enter.notify_one();
        std::future::pending::<Answer>()
    });
    let mut spec = PolicySpec::default();
    spec.idempotency.enabled = true;
    spec.timeout.max_total_time_ms = 5_000;
    spec.timeout.grace_ms = 500;
    let engine = Engine::builder(ExecutionPolicy::new(spec).unwrap())
        .ledger(Arc::clone(&ledger) as Arc<dyn Ledger>)
        .executor(hung)
        .build()
        .unwrap();
    let (decision, context) = (FinalDecision::new(Action::Act), Object::new());
    let request = Request { idempotency_key: Some("key"), ..Request::new(&decision, &context) };
    let stop = async {
        entered.notified().await;
        // Points are counted over the process: from here on every write meets the fault.
        faults.arm(shifted(&plan, faults.points()));
        let gate_path = Path::new(&directory).join("ledger.db.gate");
        let gate = GateFile::open(&gate_path, &GateFile::ledger_id_at(&gate_path).unwrap().unwrap()).unwrap();
        gate.engage(Scope::Global, Level::Stop, "a fault", 1).unwrap();
        assert!(gate.settle(BOUND).unwrap(), "acknowledged within its bound");
    };
    let executing = async {
        let report = engine.execute(&request).await;
        // One that ends without its executor must fail, not hang.
        entered.notify_one();
        report
    };
    let (report, ()) = tokio::join!(executing, stop);
    assert_eq!(report.attempts[0].stopped, Some(Stopped::Confirmed), "stopped all the same");
    assert_eq!(report.conclusion.outcome, Outcome::Unknown);
    assert_eq!(report.conclusion.reason_code, Some(ReasonCode::LedgerUnavailable), "and told");
    let denied = engine.execute(&Request { idempotency_key: Some("other"), ..request }).await;
    assert_eq!(denied.conclusion.reason_code, Some(ReasonCode::GateStopped));
    // A writer that hangs would be waited for; the process ends without.
    std::process::exit(0);
}

/// `plan` with its points counted from `from` on.
fn shifted(plan: &FaultPlan, from: u64) -> FaultPlan {
    use failstop_crash::vfs::Fault;
    FaultPlan::new(plan.faults().iter().cloned().map(|fault| match fault {
        Fault::Full(points) => Fault::Full(points.start() + from..=*points.end()),
        Fault::IoError(points) => Fault::IoError(points.start() + from..=*points.end()),
        Fault::Hang { from: first } => Fault::Hang { from: first + from },
        other => other,
    }))
}
