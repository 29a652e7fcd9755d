//! What a ledger keeps: any key's text, any report's bytes.

use decision_schema::{Object, Value};
use failstop::{
    core::{orchestrator::KeyState, stop::GateStamp, stop::Level, stop::Scope},
    ledger::Known,
};

use super::finished;
use crate::{
    Bench,
    execution::{Execution, bytes},
};

/// The largest output that a report carries, in bytes of JSON.
const LARGEST_OUTPUT_BYTES: usize = 64 * 1024;

fn odd_keys() -> Vec<String> {
    let mut keys: Vec<String> =
        ["'", "\"", "k'; DROP TABLE executions; --", "a  b", "%", "_", "\\", "{}", "k\u{0301}"]
            .map(str::to_owned)
            .to_vec();
    keys.extend(
        ["é", "e\u{301}", "鍵", "🔑", "K", "k", "ſ", "0", "00", "1e1", "null", "\u{202e}rtl"]
            .map(str::to_owned),
    );
    keys.extend(["k".repeat(255), "é".repeat(127), format!("{}x", "k".repeat(254)), "k".repeat(254)]);
    keys
}

/// 1 to 255 bytes without control characters, whatever else they are.
pub async fn keys_may_have_any_text<B: Bench>() {
    let bench = B::new();
    let ledger = bench.open().await;
    let mut executions: Vec<Execution> = odd_keys().iter().map(|key| Execution::of(key)).collect();
    for execution in &mut executions {
        assert_eq!(execution.look_up(&*ledger).await, Known::Fresh, "{}", execution.key);
        execution.carry_out(&*ledger, KeyState::Open).await;
        execution.carry_out(&*ledger, KeyState::Succeeded).await;
    }
    bench.kill(ledger).await;
    let ledger = bench.open().await;
    for execution in &executions {
        let report = finished(execution.again().look_up(&*ledger).await);
        assert_eq!(bytes(&report), bytes(&execution.report), "{}", execution.key);
    }
}

/// No case folding, no normal form, no trimming, no pattern.
pub async fn a_key_is_told_from_others_by_every_byte<B: Bench>() {
    let bench = B::new();
    let ledger = bench.open().await;
    Execution::of("key").carry_out(&*ledger, KeyState::Succeeded).await;
    Execution::of("caf\u{e9}").carry_out(&*ledger, KeyState::Succeeded).await;
    for key in
        ["KEY", "Key", "ke", "keyy", "k_y", "k%", "%", "key\u{200b}", "cafe\u{301}", "cafe", "CAF\u{c9}"]
    {
        assert_eq!(Execution::of(key).look_up(&*ledger).await, Known::Fresh, "{key}");
    }
}

/// Numbers at the ends of their range, the largest output, the gate, everything that may be absent.
pub async fn reports_keep_their_extremes<B: Bench>() {
    let bench = B::new();
    let ledger = bench.open().await;
    let mut executions: Vec<Execution> = extremes();
    for execution in &mut executions {
        execution.carry_out(&*ledger, KeyState::Succeeded).await;
    }
    bench.kill(ledger).await;
    let ledger = bench.open().await;
    for execution in &executions {
        let report = finished(execution.again().look_up(&*ledger).await);
        assert_eq!(bytes(&report), bytes(&execution.report), "{}", execution.key);
    }
}

fn extremes() -> Vec<Execution> {
    let mut executions = Vec::new();
    for (at, step) in [Some(i64::MIN), Some(i64::MAX), Some(0), None].into_iter().enumerate() {
        let mut execution = Execution::of(&format!("step {at}"));
        execution.report.step = step;
        execution.report.run_id = step.map(|step| format!("run \"{step}\"\n\u{0}é"));
        executions.push(execution);
    }
    for (at, output) in outputs().into_iter().enumerate() {
        let mut execution = Execution::of(&format!("output {at}"));
        execution.report.output = Some(output);
        executions.push(execution);
    }
    let mut stopped = Execution::of("stopped");
    stopped.report.gate = Some(GateStamp { scope: Scope::Context, level: Level::Halt, epoch: 1 << 53 });
    stopped.report.total_latency_ms = 1 << 53;
    stopped.report.plan_digest = None;
    executions.push(stopped);
    executions
}

fn outputs() -> Vec<Value> {
    let large = "x".repeat(LARGEST_OUTPUT_BYTES - 2);
    let escaped = "\u{1}\"\\".repeat(4000);
    let wide = "鍵".repeat(LARGEST_OUTPUT_BYTES / 3 - 1);
    let numbers: Vec<Value> = vec![Value::from(i64::MIN), Value::from(i64::MAX), Value::from(u64::MAX)];
    let nested: Object =
        [("", Value::from(false)), ("a'b", Value::Null), ("é", Value::from(numbers))].into_iter().collect();
    vec![Value::from(large), Value::from(escaped), Value::from(wide), nested.into(), Value::from("")]
}
