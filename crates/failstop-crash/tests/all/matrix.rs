//! The crash matrix in its short mode.

use std::path::{Path, PathBuf};

use failstop_crash::{
    decision::Kind,
    matrix::{BadRound, Mode, Played, Round, Sweep, measure, sweep},
};

/// The program that is killed.
pub fn victim() -> PathBuf {
    PathBuf::from(env!("CARGO_BIN_EXE_crash-victim"))
}

const SEED: u64 = 20_261;

/// Twice every mode with every kind of executor.
const ROUNDS: u64 = 130;

/// INV-FS-1, INV-FS-2, INV-FS-3 and INV-EXE-2 across deaths; `cargo xtask crash` is the same with more of them.
#[test]
fn more_than_a_hundred_deaths_repeat_nothing_lose_nothing_and_leave_no_false_word() {
    let wanted = Sweep { victim: victim(), seed: SEED, first: 0, rounds: ROUNDS, at_once: 2 };
    let dry = measure(&wanted.victim).unwrap();
    let tally = sweep(&wanted, &dry, tell).unwrap();
    println!("{tally}");
    assert!(tally.is_clean(), "see above");
    assert!(tally.kills() >= 100, "only {} kills", tally.kills());
    for mode in Mode::ALL.iter().filter(|mode| !matches!(mode, Mode::Full | Mode::IoError)) {
        assert!(tally.has_killed(*mode), "never killed: {mode}");
    }
    for kind in Kind::ALL {
        assert!(tally.has_killed_under(*kind), "never killed under: {kind}");
    }
}

#[expect(clippy::print_stdout, reason = "what went wrong must be told in full")]
fn tell(round: &Round, played: &Played, kept: Option<&Path>) {
    if let Some(kept) = kept {
        print!("{}", BadRound { seed: SEED, round, played, kept });
    }
}
