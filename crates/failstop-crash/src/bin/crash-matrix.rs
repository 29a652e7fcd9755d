//! The crash matrix in its long mode: `crash-matrix [--rounds N] [--seed S] [--only ROUND]`.
//!
//! Ends with 1 where anything was found, with 2 where it was called wrongly or could not run.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "it talks to people")]

use std::{io, process::ExitCode};

use failstop_crash::{
    decision::Kind,
    matrix::{BadRound, Sweep, measure, outlive, sweep},
};
use indicatif::{ProgressBar, ProgressStyle};

const USAGE: &str = "crash-matrix [--rounds N] [--seed S] [--only ROUND]";

/// Enough for more than 2,000 kills.
const ROUNDS: u64 = 2_000;

/// How long after its parent's death an orphaned program acts, milliseconds.
const ORPHAN_MS: u64 = 10_000;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let Some(wanted) = wanted(&words) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    match run(&wanted) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("the matrix broke off: {error}");
            ExitCode::from(2)
        }
    }
}

fn wanted(words: &[String]) -> Option<Sweep> {
    let victim = std::env::current_exe().ok()?.with_file_name("crash-victim");
    let at_once = std::thread::available_parallelism().map_or(1, usize::from);
    let mut wanted = Sweep { victim, seed: 1, first: 0, rounds: ROUNDS, at_once };
    for pair in words.chunks(2) {
        let [name, number] = pair else { return None };
        let number = number.parse().ok()?;
        match name.as_str() {
            "--rounds" => wanted.rounds = number,
            "--seed" => wanted.seed = number,
            "--only" => (wanted.first, wanted.rounds) = (number, 1),
            _ => return None,
        }
    }
    Some(wanted)
}

fn run(wanted: &Sweep) -> io::Result<bool> {
    let dry = measure(&wanted.victim)?;
    println!("seed {}, {} rounds", wanted.seed, wanted.rounds);
    for (kind, (points, time)) in &dry.lives {
        println!("{kind:<12}  {points} writes a life, {} ms", time.as_millis());
    }
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} {elapsed} {msg}");
    let bar =
        ProgressBar::new(wanted.rounds).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    let tally = sweep(wanted, &dry, |round, played, kept| {
        bar.inc(1);
        if let Some(kept) = kept {
            let bad = BadRound { seed: wanted.seed, round, played, kept };
            bar.suspend(|| print!("{bad}"));
        }
    })?;
    bar.finish_and_clear();
    println!("\n{tally}");
    let struck = |kind: &Kind| format!("{kind} {} of {}", tally.struck(*kind), dry.lives[kind].0);
    println!("writes struck: {}", Kind::ALL.iter().map(struck).collect::<Vec<_>>().join(", "));
    let outlived = wanted.rounds == 1 || an_orphan_acts_late(wanted);
    Ok(tally.is_clean() && outlived)
}

/// The same as in the tests, with a program that takes its time.
fn an_orphan_acts_late(wanted: &Sweep) -> bool {
    match outlive(&wanted.victim, ORPHAN_MS) {
        Ok(refused) => {
            println!(
                "an orphan that acted {ORPHAN_MS} ms after its parent's death: the key refused {refused} times"
            );
            refused > 0
        }
        Err(error) => {
            println!("an orphan that acted {ORPHAN_MS} ms after its parent's death: {error}");
            false
        }
    }
}
