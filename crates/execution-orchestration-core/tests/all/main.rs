//! The rules, tested from outside, one module a subject.

#![allow(clippy::unwrap_used)]

use decision_schema::{Value, json};

mod audit;
mod backoff;
mod canonical_json;
mod invariants;
mod keys;
mod machine_driver;
mod machine_properties;
mod machine_table;
mod plans;
mod policies;
mod redaction;
mod report_reading;
mod reports;
mod stop_rule;
mod trace;

/// The reference's answers in `failstop-testkit/vectors/NAME.jsonl`: what it was given, and what it gave.
fn vectors(name: &str) -> Vec<(Value, Value)> {
    let path = format!("{}/../failstop-testkit/vectors/{name}.jsonl", env!("CARGO_MANIFEST_DIR"));
    let lines = std::fs::read_to_string(path).unwrap();
    let pair = |line: &str| {
        let line = json::parse(line.as_bytes()).unwrap();
        (line.get("in").unwrap().clone(), line.get("out").unwrap().clone())
    };
    lines.lines().map(pair).collect()
}
