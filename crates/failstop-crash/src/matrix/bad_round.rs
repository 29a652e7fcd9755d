//! A round that went wrong, as people read it.

use std::{fmt, path::Path};

use super::{Played, Round};

/// What went wrong in one round, where it can be looked at, and how to have it once more.
#[derive(Debug, Clone, Copy)]
pub struct BadRound<'r> {
    /// The seed of all rounds.
    pub seed: u64,
    /// The round.
    pub round: &'r Round,
    /// What became of it.
    pub played: &'r Played,
    /// The directory of the round.
    pub kept: &'r Path,
}

impl fmt::Display for BadRound<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seed, round, played, kept } = self;
        write!(f, "round {}: {}, {}", round.number, round.kind, round.class.as_str())?;
        round.blows.iter().try_for_each(|(_, blow)| write!(f, ", {blow}"))?;
        played.check.findings.iter().try_for_each(|finding| write!(f, "\n  {finding}"))?;
        writeln!(f, "\n  kept in {}", kept.display())?;
        writeln!(f, "  again: cargo xtask crash --seed {seed} --only {}", round.number)
    }
}
