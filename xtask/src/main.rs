//! What one types while working on the project: `cargo xtask test`, `demo`, `example`, `bench`, `crash`, `fuzz`,
//! `wheel`.
//!
//! Needs a Rust toolchain; what has to do with Python needs CPython 3.11 or newer as well, and nothing else.
#![forbid(unsafe_code)]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "these commands talk to people")]

mod checks;
mod crash;
mod examples;
mod fuzz;
mod python;
mod reports;
mod steps;
mod workspace;

use std::process::ExitCode;

const HELP: &str = "\
cargo xtask COMMAND

  test                           everything that must hold: format, lints, no_std, tests, docs, Python
  python                         the last of these alone
  wheel                          build the Python wheel into target/wheels
  demo                           build failstop and watch decisions being executed
  example ops-automation|http    one of the demo's two parts
  example day                    a day of 115,000 proposals with an error storm in it, in some seconds
  bench [--long] [calls|memory|redaction|run|ledger|ledger-latency|ledger-life|ledger-tuning]...
                                 measure, each figure beside its peer
  bench python [NAME]...         the same from Python, with bench/python/NAME.py
  crash [--rounds N] [--seed S] [--only ROUND]
                                 kill the ledger at every write, and count effects
  fuzz [TARGET [INPUT]] [--seconds N]
                                 bytes from outside, each target for N seconds (60), or one input again
  help                           this text
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let succeeded = match words.as_slice() {
        ["test"] => checks::run(),
        ["demo"] => examples::demo(),
        ["example", "ops-automation"] => examples::ops_automation(),
        ["example", "http"] => examples::http(),
        ["example", "day"] => examples::day(),
        ["python"] => python::test(),
        ["wheel"] => python::wheel(),
        ["bench", "python", names @ ..] => python::bench(names),
        ["bench", sections @ ..] => bench(sections),
        ["crash", options @ ..] => crash::matrix(options),
        ["fuzz", options @ ..] => fuzz::run(options),
        [] | ["help" | "--help" | "-h"] => {
            print!("{HELP}");
            true
        }
        _ => {
            eprint!("{HELP}");
            return ExitCode::from(2);
        }
    };
    if succeeded { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn bench(sections: &[&str]) -> bool {
    let mut command = workspace::cargo(&["run", "--release", "-p", "bench", "--"]);
    steps::succeeds(command.args(sections))
}
