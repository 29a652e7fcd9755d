//! The reference's answers to `execute`: `vectors/execute.jsonl`, as its README says. `failed_count` is not compared,
//! since every attempt is recorded here.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicU32, Ordering},
};

use decision_schema::{FinalDecision, Object, Value, json};
use failstop::{
    core::{
        model::{ExecutionAttempt, ExecutionReport},
        trace::add_execution_trace,
    },
    execute,
    executor::{Answer, Executor, from_fn},
};

use crate::support::{object, policy};

const VECTORS: &str =
    include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../failstop-testkit/vectors/execute.jsonl"));

/// An executor that follows the script of a vector, and the count of its calls.
fn scripted(script: &[Value]) -> (impl Executor, Arc<AtomicU32>) {
    let steps: Vec<String> = script.iter().filter_map(Value::as_str).map(str::to_owned).collect();
    let steps = Arc::new(Mutex::new(steps.into_iter()));
    let calls = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&calls);
    let executor = from_fn(move |_| {
        counted.fetch_add(1, Ordering::SeqCst);
        let step = steps.lock().unwrap().next();
        async move {
            match step.as_deref() {
                Some("reject") => Answer::from((false, Some("no".to_owned()))),
                Some("raise") => Answer::broke("RuntimeError".into()),
                _ => Answer::applied(),
            }
        }
    });
    (executor, calls)
}

fn last_attempt(report: &ExecutionReport) -> Value {
    let Some(ExecutionAttempt { action, status, attempt_number, error_type, error_code, .. }) =
        report.attempts.last()
    else {
        return Value::Null;
    };
    object([
        ("action", action.as_str().into()),
        ("status", status.as_str().into()),
        ("attempt_number", (*attempt_number).into()),
        ("error_type", error_type.as_deref().into()),
        ("error_code", error_code.as_deref().into()),
    ])
    .into()
}

fn trace_keys(report: &ExecutionReport) -> Value {
    let given = object([("now_ms", Value::from(1))]);
    let mut keys: Vec<String> = add_execution_trace(&given, report).keys().map(str::to_owned).collect();
    keys.sort();
    keys.into()
}

#[tokio::test(start_paused = true)]
async fn execute_agrees_with_the_reference() {
    let mut compared = 0;
    for line in VECTORS.lines() {
        let vector = json::parse(line.as_bytes()).unwrap();
        let (given, expected) = (vector.get("in").unwrap(), vector.get("out").unwrap());
        let number = |key| given.get(key).and_then(Value::as_i64).unwrap();
        let policy = policy(|spec| {
            spec.retry.max_retries = u32::try_from(number("max_retries")).unwrap();
            spec.retry.initial_backoff_ms = u64::try_from(number("initial_backoff_ms")).unwrap();
        });
        let decision = FinalDecision::from_value(given.get("decision").unwrap().clone()).unwrap();
        let context: &Object = given.get("context").and_then(Value::as_object).unwrap();
        let (executor, calls) = scripted(given.get("executor_script").and_then(Value::as_array).unwrap());
        let report = execute(&decision, context, &policy, &executor).await;
        let answer = object([
            ("executor_calls", calls.load(Ordering::SeqCst).into()),
            ("success_count", report.success_count().into()),
            ("skipped_count", report.skipped_count().into()),
            ("denied_count", report.denied_count().into()),
            ("fail_closed", report.conclusion.fail_closed.into()),
            ("last_attempt", last_attempt(&report)),
            ("trace_keys", trace_keys(&report)),
        ]);
        assert_eq!(&Value::from(answer), expected, "{line}");
        compared += 1;
    }
    assert_eq!(compared, 80);
}
