//! An engine of a configuration, with executors that its caller adds.

use std::sync::Arc;

use decision_schema::{Action, FinalDecision, Object};
use failstop::{
    Request,
    executor::{AnyExecutor, from_fn, noop::Noop},
    ledger::MemoryLedger,
    pipeline::Pipeline,
};
use failstop_config::{Config, InvalidConfig};

use crate::of;

/// The pipeline of a configuration with an executor of the caller's for `ACT`.
fn routed(config: &Config, executor: AnyExecutor) -> Result<Pipeline, InvalidConfig> {
    config.pipeline_of(config.builder_on(Arc::new(MemoryLedger::new()))?.route(Action::Act, executor))
}

fn unrepeatable() -> AnyExecutor {
    AnyExecutor::new(from_fn(|_| async { (true, None) }).named("own"))
}

fn plan(pipeline: &Pipeline, action: Action) -> String {
    let (decision, context) = (FinalDecision::new(action), Object::new());
    pipeline.engine().plan(&Request::new(&decision, &context)).to_canonical_json()
}

#[test]
fn executors_of_the_caller_take_the_place_of_the_configured_ones() {
    let config = of(r#"{"executors": {"ACT": {"kind": "noop"}, "HOLD": {"kind": "noop"}}}"#);
    let pipeline = routed(&config, unrepeatable()).unwrap();
    assert!(plan(&pipeline, Action::Act).contains("\"own\""));
    assert!(plan(&pipeline, Action::Hold).contains("\"noop\""));
}

#[test]
fn parts_that_contradict_each_other_are_placed_at_their_value() {
    let config = of(r#"{"policy": {"retry": {"retry_unknown": "always"}}}"#);
    assert!(routed(&config, AnyExecutor::new(Noop)).is_ok());
    let said = routed(&config, unrepeatable()).unwrap_err().to_string();
    assert!(said.starts_with("policy.retry.retry_unknown: "), "{said}");
    assert!(said.ends_with(" (config_retries_unknown_effects)"), "{said}");
}

#[test]
fn parts_that_cannot_be_made_are_placed_at_their_value() {
    let config = of(
        r#"{"gate": {"file": "no/such/place/STOP"}, "executor": {"kind": "http", "url": "http://ada:hunter22@host/"}}"#,
    );
    let said = config.builder_on(Arc::new(MemoryLedger::new())).unwrap_err();
    let codes: Vec<_> = said.faults.iter().map(|fault| fault.code).collect();
    assert_eq!(codes, ["http_url_credentials", "config_gate_unwatchable"]);
    assert!(
        said.to_string().starts_with("executor.url: [executor] ") && !said.to_string().contains("hunter22")
    );
}
