//! What all rounds together have shown, as tables.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use super::{Blow, Fault, Mode, Played, Round};
use crate::{decision::Kind, vfs};

/// What rounds have shown.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    by_mode: BTreeMap<Mode, Line>,
    by_kind: BTreeMap<Kind, Line>,
    /// The writes that were struck, of each kind of executor.
    struck: BTreeMap<Kind, BTreeSet<u64>>,
    total: Line,
}

#[derive(Debug, Clone, Copy, Default)]
struct Line {
    rounds: u64,
    kills: u64,
    effects: u64,
    duplicates: u64,
    in_doubt: u64,
    false_outcomes: u64,
    unaccounted: u64,
    attempts: u64,
    ledgers: u64,
}

impl Line {
    fn add(&mut self, played: &Played) {
        let check = &played.check;
        self.rounds += 1;
        self.effects += check.effects;
        self.in_doubt += check.in_doubt;
        self.duplicates += check.count(Fault::Duplicate);
        self.false_outcomes += check.count(Fault::FalseOutcome);
        self.unaccounted += check.count(Fault::Unaccounted);
        self.attempts += check.count(Fault::Attempts);
        self.ledgers += check.count(Fault::Ledger);
    }

    const fn is_clean(&self) -> bool {
        self.duplicates + self.false_outcomes + self.unaccounted + self.attempts + self.ledgers == 0
    }
}

impl Tally {
    /// Adds a round. It counts for what struck its first life; each kill counts for what struck.
    pub fn add(&mut self, round: &Round, played: &Played) {
        if let Some((mode, _)) = round.blows.first() {
            self.by_mode.entry(*mode).or_default().add(played);
        }
        self.by_kind.entry(round.kind).or_default().add(played);
        self.total.add(played);
        for (mode, blow) in &played.kills {
            self.by_mode.entry(*mode).or_default().kills += 1;
            self.by_kind.entry(round.kind).or_default().kills += 1;
            self.total.kills += 1;
            self.struck.entry(round.kind).or_default().extend(point(blow));
        }
    }

    /// How often a victim was killed.
    pub const fn kills(&self) -> u64 {
        self.total.kills
    }

    /// Whether nothing is wrong.
    pub const fn is_clean(&self) -> bool {
        self.total.is_clean()
    }

    /// How many different writes were struck under this kind of executor.
    pub fn struck(&self, kind: Kind) -> usize {
        self.struck.get(&kind).map_or(0, BTreeSet::len)
    }

    /// Whether this mode has killed at all.
    pub fn has_killed(&self, mode: Mode) -> bool {
        self.by_mode.get(&mode).is_some_and(|line| line.kills > 0)
    }

    /// Whether anything has killed under this kind of executor.
    pub fn has_killed_under(&self, kind: Kind) -> bool {
        self.by_kind.get(&kind).is_some_and(|line| line.kills > 0)
    }
}

/// The write that was struck.
fn point(blow: &Blow) -> Option<u64> {
    let Blow::Faults(plan) = blow else { return None };
    plan.faults().first().and_then(|fault| match fault {
        vfs::Fault::Kill { at }
        | vfs::Fault::KillAfter { at }
        | vfs::Fault::Torn { at, .. }
        | vfs::Fault::Power { at, .. } => Some(*at),
        vfs::Fault::Full(_) | vfs::Fault::IoError(_) | vfs::Fault::Hang { .. } => None,
    })
}

const HEAD: [&str; 9] = [
    "rounds",
    "kills",
    "effects",
    "duplicates",
    "in doubt",
    "false outcomes",
    "unaccounted",
    "attempts over",
    "bad ledgers",
];

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let numbers = [
            self.rounds,
            self.kills,
            self.effects,
            self.duplicates,
            self.in_doubt,
            self.false_outcomes,
            self.unaccounted,
            self.attempts,
            self.ledgers,
        ];
        HEAD.iter().zip(numbers).try_for_each(|(head, number)| write!(f, "  {number:>0$}", head.len()))
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let heads = |f: &mut fmt::Formatter<'_>, name: &str| {
            writeln!(f, "{name:<12}{}", HEAD.map(|head| format!("  {head}")).concat())
        };
        heads(f, "struck")?;
        for (mode, line) in &self.by_mode {
            writeln!(f, "{mode:<12}{line}")?;
        }
        writeln!(f)?;
        heads(f, "executor")?;
        for (kind, line) in &self.by_kind {
            writeln!(f, "{kind:<12}{line}")?;
        }
        writeln!(f, "{:<12}{}", "all", self.total)
    }
}
