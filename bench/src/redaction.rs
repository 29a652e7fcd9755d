//! How fast clean JSON is redacted, beside the same walk in Python.

use std::{fs, hint::black_box, path::Path, process::Command};

use decision_schema::{Value, json};
use execution_orchestration_core::redaction::{Profile, Redactor};

use crate::{documents, rounds, table::Row};

const ROUNDS: usize = 21;
const SCRIPT: &str = include_str!("../redact.py");

pub fn measure() -> Vec<Row> {
    let lines = documents::clean();
    let megabytes = lines.iter().map(String::len).sum::<usize>() as f64 / 1e6;
    let walk = megabytes / (walk_ns(&lines) / 1e9);
    let whole = megabytes / (parse_redact_write_ns(&lines) / 1e9);
    let mut rows = vec![
        Row::new("redaction of clean JSON, parsed values, strict", format!("{walk:.0} MB/s"))
            .reach(">= 200 MB/s", walk >= 200.0),
        Row::new("the same with parsing and writing, as `redact` does", format!("{whole:.0} MB/s")),
    ];
    let what = "redaction of clean JSON / Python's walk";
    rows.push(match python_megabytes_per_s(&lines, megabytes) {
        Some(python) => Row::new(what, format!("{walk:.0} MB/s"))
            .peer(format!("{python:.1} MB/s"), walk / python)
            .reach(">= 30x", walk / python >= 30.0),
        None => Row::skipped(what, "no python3 here"),
    });
    rows
}

fn walk_ns(lines: &[String]) -> f64 {
    let redactor = Redactor::new(Profile::Strict);
    let clean: Vec<Value> = lines.iter().map(|line| parsed(line)).collect();
    let mut values = clean.clone();
    let spread = rounds::repeat(ROUNDS, || {
        for value in &mut values {
            redactor.redact(black_box(value));
        }
    });
    assert!(values == clean, "clean documents were redacted");
    spread.median_ns
}

fn parse_redact_write_ns(lines: &[String]) -> f64 {
    let redactor = Redactor::new(Profile::Strict);
    let mut out = String::new();
    let spread = rounds::repeat(ROUNDS, || {
        for line in lines {
            let mut value = parsed(line);
            redactor.redact(&mut value);
            out.clear();
            value.write_to(&mut out);
            black_box(&out);
        }
    });
    spread.median_ns
}

fn parsed(line: &str) -> Value {
    json::parse(line.as_bytes()).expect("the documents are JSON")
}

/// The script parses everything first and prints the seconds of the best of its rounds.
fn python_megabytes_per_s(lines: &[String], megabytes: f64) -> Option<f64> {
    let file = std::env::temp_dir().join(format!("failstop-bench-{}.jsonl", std::process::id()));
    fs::write(&file, lines.join("\n")).ok()?;
    let seconds = python_seconds(&file);
    let _ = fs::remove_file(&file);
    seconds.map(|seconds| megabytes / seconds)
}

fn python_seconds(file: &Path) -> Option<f64> {
    let output = Command::new("python3").args(["-c", SCRIPT]).arg(file).output().ok()?;
    String::from_utf8(output.stdout).ok()?.trim().parse().ok()
}
