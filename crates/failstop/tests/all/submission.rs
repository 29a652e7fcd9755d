//! An envelope as it is carried out, be it a line of input or a call of a library.

use std::{borrow::Cow, sync::atomic::Ordering};

use decision_schema::{Action, Value};
use failstop::{
    Cancellation,
    core::model::{ExecutionReport, ExecutionStatus, ReasonCode},
    executor::{Answer, Attempt, Executor, from_fn},
    modulation_core::GuardPolicy,
    pipeline::{Pipeline, Submission},
};

use crate::support::{answering, engine, hanging, keyed, while_running};

const DECISION: &str = r#"{"decision": {"action": "ACT"}, "context": {"shop:till": 4}, "run_id": "night", "step": 3,
    "tenant": "acme", "idempotency_key": "k-1", "packet": PACKET}"#;
const PROPOSAL: &str = r#"{"proposal": {"action": "ACT", "confidence": 0.5, "reasons": ["r"], "run_id": "dawn"},
    "context": {"now_ms": 1, "last_event_ts_ms": 1}, "packet": PACKET}"#;
const PACKET: &str = r#"{"run_id": "night", "step": 3, "input": {"seen": 1}, "external": {"model": "m"}, "mdm": {},
    "final_action": {}, "latency_ms": 1, "schema_version": "0.2.2"}"#;

fn submission(line: Option<u64>, text: &str) -> Submission {
    Submission::parse(line, text.replace("PACKET", PACKET).as_bytes()).unwrap()
}

fn pipeline(executor: impl Executor + 'static) -> Pipeline {
    Pipeline::build(engine(keyed(|_| ())).executor(executor), GuardPolicy::default()).unwrap()
}

/// Whether the packet that came along is in the report.
fn has_packet(report: &ExecutionReport) -> bool {
    report.packet.as_ref().unwrap().get("input").unwrap().get("seen") == Some(&Value::from(1))
}

#[tokio::test(start_paused = true)]
async fn a_decision_is_executed_with_all_that_came_with_it() {
    let executor = from_fn(|attempt: Attempt<'_>| {
        assert_eq!((attempt.run_id, attempt.step, attempt.tenant), (Some("night"), Some(3), Some("acme")));
        assert_eq!(attempt.context.get("shop:till"), Some(&Value::from(4)));
        assert!(attempt.idempotency_key.is_some());
        async { Answer::applied() }
    });
    let report = submission(Some(7), DECISION).execute(&pipeline(executor)).await;
    assert_eq!(report.conclusion.status, ExecutionStatus::Success);
    assert_eq!((report.line, report.run_id.as_deref(), report.step), (Some(7), Some("night"), Some(3)));
    assert!(has_packet(&report));
}

#[tokio::test(start_paused = true)]
async fn a_proposal_is_judged_and_its_packet_completed() {
    let (executor, calls) = answering(vec![]);
    let report = submission(None, PROPOSAL).execute(&pipeline(executor)).await;
    assert_eq!(report.conclusion.status, ExecutionStatus::Success);
    assert_eq!((report.line, report.run_id.as_deref()), (None, Some("dawn")));
    assert!(has_packet(&report));
    assert_eq!(calls.load(Ordering::SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn a_key_that_came_along_is_used_and_a_second_call_replays() {
    let (executor, calls) = answering(vec![]);
    let (pipeline, submission) = (pipeline(executor), submission(None, DECISION));
    let first = submission.execute(&pipeline).await;
    let again = submission.execute(&pipeline).await;
    assert!(!first.replayed && again.replayed);
    assert_eq!(calls.load(Ordering::SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn decisions_and_proposals_can_be_cancelled() {
    for text in [DECISION, PROPOSAL] {
        let (executor, calls) = hanging();
        let (pipeline, cancellation) = (pipeline(executor), Cancellation::new());
        let submission = submission(None, text);
        let cancel = async { pipeline.engine().cancel(&cancellation) };
        let (report, ()) =
            while_running(submission.execute_until(&pipeline, Some(&cancellation)), cancel).await;
        assert_eq!(report.conclusion.reason_code, Some(ReasonCode::Cancelled), "{text}");
        assert_eq!(calls.load(Ordering::SeqCst), 1);
    }
}

#[test]
fn what_is_decided_is_known_without_executing_it() {
    let guards = GuardPolicy::default();
    let decision = submission(None, DECISION);
    assert!(matches!(decision.decided(&guards), Cow::Borrowed(decision) if decision.action == Action::Act));
    let proposal = submission(Some(2), PROPOSAL);
    let decided = proposal.decided(&guards);
    assert!(decided.allowed);
    let request = proposal.request(&decided);
    assert_eq!((request.run_id, request.line), (Some("dawn"), Some(2)), "the proposal's own run");
    let stale = submission(None, &PROPOSAL.replace("\"now_ms\": 1", "\"now_ms\": 60000"));
    assert!(!stale.decided(&guards).allowed);
}

#[test]
fn what_is_no_envelope_is_a_fault() {
    let both = br#"{"decision": {"action": "ACT"}, "proposal": {"action": "ACT", "confidence": 0.5, "reasons": []}}"#;
    assert_eq!(Submission::parse(None, both).unwrap_err().code(), "schema_two_payloads");
}
