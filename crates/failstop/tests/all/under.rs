//! One engine, several policies: what executions share stays shared.

use decision_schema::{Action, FinalDecision};
use failstop::{
    BuildError, Engine, Request,
    core::{
        model::ReasonCode,
        stop::{Level, Scope},
    },
    executor::noop::Noop,
};

use crate::support::{object, policy};

#[tokio::test(start_paused = true)]
async fn another_policy_runs_behind_the_same_gate() {
    let engine = Engine::builder(policy(|_| {})).executor(Noop).build().unwrap();
    engine.gate().engage(Scope::Global, Level::Stop, "maintenance");
    let (decision, context, other) =
        (FinalDecision::new(Action::Act), object([]), policy(|spec| spec.retry.max_retries = 9));
    let request = Request::new(&decision, &context);
    let report = engine.execute_under(&other, &request, &Noop).unwrap().await;
    assert_eq!(report.conclusion.reason_code, Some(ReasonCode::GateStopped));
}

#[test]
fn a_policy_that_wants_keys_is_refused_where_there_is_no_ledger() {
    let engine = Engine::builder(policy(|_| {})).executor(Noop).build().unwrap();
    let (decision, context, keyed) =
        (FinalDecision::new(Action::Act), object([]), policy(|spec| spec.idempotency.enabled = true));
    let request = Request::new(&decision, &context);
    let refused = engine.execute_under(&keyed, &request, &Noop).err();
    assert_eq!(refused, Some(BuildError::LedgerMissing));
}
