//! A process of its own, since the faults of a VFS are those of a whole process.

use std::sync::Arc;

use decision_schema::{Action, FinalDecision, Object};
use failstop::{
    Engine, Request,
    core::{
        model::{EffectClass, Outcome, ReasonCode},
        policies::{ExecutionPolicy, PolicySpec},
    },
    executor::{Answer, from_fn},
    ledger::Ledger,
};
use failstop_crash::vfs::{Fault, FaultPlan, install};
use failstop_sqlite::{Options, SqliteLedger, audit};

/// Where the ledger lies.
pub const DIRECTORY: &str = "FAILSTOP_LOST_END";

#[tokio::test]
#[ignore = "a part for a child process, started by the test beside it"]
async fn plays_its_part() {
    let Some(directory) = std::env::var_os(DIRECTORY) else { return };
    let path = std::path::Path::new(&directory).join("ledger.db");
    let faults = install(FaultPlan::default()).unwrap();
    let ledger = Arc::new(SqliteLedger::open(&path, Options::default()).unwrap());
    let executor = from_fn(move |attempt| {
        if attempt.attempt_number == 0 {
            // The next write is the first of the group with this attempt's end.
            let next = faults.points() + 1;
            faults.arm(FaultPlan::from(Fault::Full(next..=next)));
        }
        async { Answer::not_applied() }
    });
    let mut spec = PolicySpec::default();
    spec.idempotency.enabled = true;
    spec.retry.max_retries = 1;
    // The group with the end is refused long before the next start comes to the writer.
    spec.retry.initial_backoff_ms = 2_000;
    let engine = Engine::builder(ExecutionPolicy::new(spec).unwrap())
        .ledger(Arc::clone(&ledger) as Arc<dyn Ledger>)
        .executor(executor.with_effect_class(EffectClass::NaturallyIdempotent))
        .build()
        .unwrap();
    let (decision, context) = (FinalDecision::new(Action::Act), Object::new());
    let request = Request { idempotency_key: Some("key"), ..Request::new(&decision, &context) };
    let report = engine.execute(&request).await;
    assert_eq!(report.attempts.len(), 2);
    assert_eq!(report.conclusion.outcome, Outcome::NotExecuted);
    assert_eq!(report.conclusion.reason_code, Some(ReasonCode::ExecutorFailed));
    drop((engine, ledger));
    let audited = audit::verify(&path, &[]).unwrap();
    assert!(audited.is_clean(), "{:?}", audited.findings);
}
