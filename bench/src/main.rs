//! Measures what the project promises, each figure beside its peer in the same run on the same machine.
//!
//! `cargo run --release -p bench` measures everything; names of sections (`calls`, `memory`, `redaction`, `run`, `ledger`, `ledger-latency`, `ledger-life`,
//! `stop`) measure only those, and `ledger-tuning`, which is no promise, is measured only where it is named. Figures go to standard output, progress to standard error.
#![forbid(unsafe_code)]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a table is what this program is for")]

mod calls;
mod command_line;
mod documents;
mod ledger;
mod ledger_bare;
mod ledger_latency;
mod ledger_life;
mod ledger_subject;
mod ledger_tuning;
mod machine;
mod memory;
mod redaction;
mod rounds;
mod stop;
mod table;

use std::process::ExitCode;

use table::Row;

/// A section: its name, and what measures it.
type Section = (&'static str, fn() -> Vec<Row>);

const SECTIONS: [Section; 9] = [
    ("calls", calls::measure),
    ("memory", memory::measure),
    ("redaction", redaction::measure),
    ("run", command_line::measure),
    ("ledger", ledger::measure),
    ("ledger-latency", ledger_latency::measure),
    ("ledger-life", ledger_life::measure),
    (ledger_tuning::NAME, ledger_tuning::measure),
    ("stop", stop::measure),
];

fn main() -> ExitCode {
    if cfg!(debug_assertions) {
        eprintln!("figures of a debug build mean nothing: cargo run --release -p bench");
        return ExitCode::from(2);
    }
    let asked: Vec<String> = std::env::args().skip(1).collect();
    match asked.first().map(String::as_str) {
        Some(memory::PROBE) => {
            memory::probe();
            ExitCode::SUCCESS
        }
        Some(calls::LOOP) => {
            calls::endless(asked.get(1).is_some_and(|what| what == "refusal"));
            ExitCode::SUCCESS
        }
        Some(ledger::LOOP) => {
            ledger::endless(asked.get(1).and_then(|count| count.parse().ok()).unwrap_or(256));
            ExitCode::SUCCESS
        }
        Some(stop::OWNER) => {
            stop::own(asked.get(1).map_or("", String::as_str));
            ExitCode::SUCCESS
        }
        _ => measure(&asked),
    }
}

fn measure(asked: &[String]) -> ExitCode {
    let names = SECTIONS.map(|(name, _)| name);
    if let Some(unknown) =
        asked.iter().find(|name| !names.contains(&name.as_str()) && *name != ledger_life::LONG)
    {
        eprintln!("no section {unknown:?}; there are: {}", names.join(" "));
        return ExitCode::from(2);
    }
    let names_none = asked.iter().all(|name| name == ledger_life::LONG);
    let mut rows = Vec::new();
    for (name, section) in SECTIONS {
        if names_none && name != ledger_tuning::NAME || asked.iter().any(|asked| asked == name) {
            eprintln!("measuring {name} ...");
            rows.extend(section());
        }
    }
    println!("machine: {}", machine::line());
    table::print(&rows);
    ExitCode::SUCCESS
}
