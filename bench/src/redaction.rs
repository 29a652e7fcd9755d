//! How fast clean JSON is redacted, beside the same walk in Python.

use std::{
    fs,
    hint::black_box,
    io::{self, BufRead, BufReader, Write},
    path::PathBuf,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use decision_schema::{Value, json};
use execution_orchestration_core::redaction::{Profile, Redactor};

use crate::{documents, rounds, table::Row};

const ROUNDS: usize = 21;
/// Our walks in a round; the peer's one takes about as long.
const WALKS: u32 = 10;
const SCRIPT: &str = include_str!("../redact.py");

pub fn measure() -> Vec<Row> {
    let lines = documents::clean();
    let megabytes = lines.iter().map(String::len).sum::<usize>() as f64 / 1e6;
    let walks = Walks::measure(&lines);
    let walk = megabytes / walks.own_s;
    let whole = megabytes / (parse_redact_write_ns(&lines) / 1e9);
    let what = "redaction of clean JSON / Python's walk";
    vec![
        Row::new("redaction of clean JSON, parsed values, strict", format!("{walk:.0} MB/s"))
            .reach(">= 200 MB/s", walk >= 200.0),
        Row::new("  with parsing and writing, as `redact` does", format!("{whole:.0} MB/s")),
        match walks.python {
            Some((seconds, ratio)) => Row::new(what, format!("{walk:.0} MB/s"))
                .peer(format!("{:.1} MB/s", megabytes / seconds), ratio)
                .reach(">= 30x", ratio >= 30.0),
            None => Row::skipped(what, "no python3 here"),
        },
    ]
}

/// What the two sides took for all documents, by turns.
struct Walks {
    own_s: f64,
    /// The peer's seconds, and its seconds / ours, the median over the rounds; if there is a peer.
    python: Option<(f64, f64)>,
}

impl Walks {
    fn measure(lines: &[String]) -> Self {
        let redactor = Redactor::new(Profile::Strict);
        let clean: Vec<Value> = lines.iter().map(|line| parsed(line)).collect();
        let mut values = clean.clone();
        let mut peer = Python::start(lines).ok();
        let (mut own_s, mut peer_s, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            let own = walk_s(&redactor, &mut values);
            own_s.push(own);
            if let Some(peer) = peer.as_mut().and_then(Python::walk_s) {
                peer_s.push(peer);
                ratios.push(peer / own);
            }
        }
        assert!(values == clean, "clean documents were redacted");
        let python = (!ratios.is_empty()).then(|| (rounds::median(peer_s), rounds::median(ratios)));
        Self { own_s: rounds::median(own_s), python }
    }
}

fn walk_s(redactor: &Redactor, values: &mut [Value]) -> f64 {
    let took = rounds::time(|| {
        for _ in 0..WALKS {
            for value in &mut *values {
                redactor.redact(black_box(value));
            }
        }
    });
    took.as_secs_f64() / f64::from(WALKS)
}

/// The peer, in a process of its own that walks when it is told to.
struct Python {
    process: Child,
    turns: ChildStdin,
    answers: BufReader<ChildStdout>,
    file: PathBuf,
}

impl Python {
    fn start(lines: &[String]) -> io::Result<Self> {
        let file = std::env::temp_dir().join(format!("failstop-bench-{}.jsonl", std::process::id()));
        fs::write(&file, lines.join("\n"))?;
        let mut command = Command::new("python3");
        command.args(["-c", SCRIPT]).arg(&file).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn().inspect_err(|_| drop(fs::remove_file(&file)))?;
        let (Some(turns), Some(answers)) = (process.stdin.take(), process.stdout.take()) else {
            return Err(io::Error::other("no pipes"));
        };
        Ok(Self { process, turns, answers: BufReader::new(answers), file })
    }

    fn walk_s(&mut self) -> Option<f64> {
        self.turns.write_all(b"\n").ok()?;
        let mut answer = String::new();
        self.answers.read_line(&mut answer).ok()?;
        answer.trim().parse().ok()
    }
}

impl Drop for Python {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = fs::remove_file(&self.file);
    }
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
