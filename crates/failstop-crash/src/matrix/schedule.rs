//! Which deaths are died in which round: all of them in turn, whatever the number of rounds.

use std::{collections::BTreeMap, fmt, time::Duration};

use failstop::core::model::EffectClass;

use crate::{
    decision::{Conduct, Decision, Kind, names},
    dice::Dice,
    strike::{Moment, Strike},
    vfs::{Fault, FaultPlan},
    victim::MAX_RETRIES,
};

/// How a victim dies, or what it lives through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mode {
    /// Just before a write of the ledger.
    Kill,
    /// Just after it.
    KillAfter,
    /// In the middle of it.
    Torn,
    /// In the middle of it, between two sectors.
    TornSector,
    /// With the loss of some of what was not synced.
    Power,
    /// Not at all: the disk is full at a write, for some or for good.
    Full,
    /// Not at all: a write fails, and some or all that follow.
    IoError,
    /// When the executor is called.
    Entered,
    /// Just before the effect.
    BeforeAct,
    /// Just after it.
    AfterAct,
    /// When the executor has its answer.
    Answered,
    /// When a report was written.
    Reported,
    /// At any moment, from outside.
    Outside,
}

names!(Mode {
    Kill => "kill",
    KillAfter => "kill after",
    Torn => "torn",
    TornSector => "torn sector",
    Power => "power loss",
    Full => "disk full",
    IoError => "io error",
    Entered => "entered",
    BeforeAct => "before act",
    AfterAct => "after act",
    Answered => "answered",
    Reported => "reported",
    Outside => "outside",
});

/// What strikes one life.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Blow {
    /// Writes of the ledger.
    Faults(FaultPlan),
    /// A moment of an attempt.
    Strike(Strike),
    /// SIGKILL from outside, so long after the start.
    Outside(Duration),
}

impl Blow {
    /// Whether a life goes on under it.
    pub fn is_survivable(&self) -> bool {
        let Self::Faults(plan) = self else { return false };
        plan.faults().iter().all(|fault| matches!(fault, Fault::Full(_) | Fault::IoError(_)))
    }
}

impl fmt::Display for Blow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Faults(plan) => plan.fmt(f),
            Self::Strike(strike) => strike.fmt(f),
            Self::Outside(after) => write!(f, "outside after {} us", after.as_micros()),
        }
    }
}

/// What lives are like that nothing strikes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Dry {
    /// Writes of the ledger, and how long it takes.
    pub lives: BTreeMap<Kind, (u64, Duration)>,
}

impl Dry {
    fn of(&self, kind: Kind) -> (u64, Duration) {
        self.lives.get(&kind).copied().unwrap_or((1, Duration::from_millis(50)))
    }
}

/// One round: the same for the same seed and number, as long as victims write as often as they did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Round {
    /// Which one, from 0.
    pub number: u64,
    /// What carries the decisions out.
    pub kind: Kind,
    /// What that promises.
    pub class: EffectClass,
    /// What is to be done.
    pub decisions: Vec<Decision>,
    /// What strikes the first lives, one each; the last life, after these, is struck by nothing.
    pub blows: Vec<(Mode, Blow)>,
}

const CLASSES: [EffectClass; 6] = [
    EffectClass::NonIdempotent,
    EffectClass::ReadOnly,
    EffectClass::NonIdempotent,
    EffectClass::NaturallyIdempotent,
    EffectClass::NonIdempotent,
    EffectClass::KeyedIdempotent,
];

/// One after the other, every mode meets every kind; each time round, the next write is struck.
impl Round {
    /// The round of this number.
    pub fn draw(seed: u64, number: u64, dry: &Dry) -> Self {
        let mut dice = Dice::new(seed, number);
        let (modes, kinds) = (Mode::ALL.len() as u64, Kind::ALL.len() as u64);
        let mode = nth(Mode::ALL, number);
        let kind = nth(Kind::ALL, number / modes);
        let turn = number / (modes * kinds);
        let class = dice.pick(&CLASSES);
        let decisions = Self::decisions(kind, class, number);
        let (points, time) = dry.of(kind);
        let mut drawing = Drawing { dice, decisions: &decisions, class, time };
        let point = in_turn(seed, write_turn(number, turn, points), points);
        let mut blows = vec![(mode, drawing.blow(mode, point))];
        // Recovery is struck too, and the recovery from that.
        while blows.len() < 3 && drawing.dice.below(3) == 0 {
            let mode = drawing.dice.pick(Mode::ALL);
            let point = 1 + drawing.dice.below(points.div_ceil(2));
            blows.push((mode, drawing.blow(mode, point)));
        }
        Self { number, kind, class, decisions, blows }
    }
}

impl Round {
    /// One decision of each conduct, and some more that apply; each number begins with another.
    pub fn decisions(kind: Kind, class: EffectClass, number: u64) -> Vec<Decision> {
        let conducts = conducts();
        let first = usize::try_from(number % conducts.len() as u64).unwrap_or(0);
        let turned = conducts.iter().cycle().skip(first).take(conducts.len());
        let decision = |(index, conduct): (usize, &Conduct)| Decision {
            key: format!("key-{index}"),
            kind,
            class,
            conduct: *conduct,
        };
        turned.enumerate().map(decision).collect()
    }
}

fn nth<T: Copy>(all: &[T], n: u64) -> T {
    all[usize::try_from(n % all.len() as u64).unwrap_or(0)]
}

/// How many of the modes strike writes; they come first.
const WRITE_MODES: u64 = 7;

/// Each mode strikes another write in the same turn, so that few turns strike every write somehow, and many every write
/// in every way.
fn write_turn(number: u64, turn: u64, points: u64) -> u64 {
    let taken = turn * WRITE_MODES;
    taken + number % Mode::ALL.len() as u64 + taken / points.max(1)
}

/// A point from 1 to `points`; as many turns meet every one of them, neighbours far apart.
fn in_turn(seed: u64, turn: u64, points: u64) -> u64 {
    let points = points.max(1);
    let is_coprime = |stride: &u64| {
        let (mut a, mut b) = (*stride, points);
        while b > 0 {
            (a, b) = (b, a % b);
        }
        a == 1
    };
    let stride = (points * 5 / 8 + 1..=points * 2 + 1).find(is_coprime).unwrap_or(1);
    1 + (seed % points + turn % points * (stride % points)) % points
}

/// What the decisions of a round are like.
const fn conducts() -> [Conduct; 8] {
    use Conduct::{Applies, AppliesLater, LosesItsAnswer, LosesItsWay, NeverApplies, Rejects};
    [Applies, Rejects, AppliesLater, LosesItsAnswer, Applies, NeverApplies, LosesItsWay, Applies]
}

struct Drawing<'d> {
    dice: Dice,
    decisions: &'d [Decision],
    class: EffectClass,
    time: Duration,
}

impl Drawing<'_> {
    fn blow(&mut self, mode: Mode, at: u64) -> Blow {
        let fault = |fault| Blow::Faults(FaultPlan::from(fault));
        match mode {
            Mode::Kill => fault(Fault::Kill { at }),
            Mode::KillAfter => fault(Fault::KillAfter { at }),
            Mode::Torn => fault(Fault::Torn { at, whole_sectors: false }),
            Mode::TornSector => fault(Fault::Torn { at, whole_sectors: true }),
            Mode::Power => fault(Fault::Power { at, seed: self.dice.roll() }),
            Mode::Full => fault(Fault::Full(at..=self.end(at))),
            Mode::IoError => fault(Fault::IoError(at..=self.end(at))),
            Mode::Entered => self.strike(Moment::Entered),
            Mode::BeforeAct => self.strike(Moment::BeforeAct),
            Mode::AfterAct => self.strike(Moment::AfterAct),
            Mode::Answered => self.strike(Moment::Answered),
            Mode::Reported => self.strike(Moment::Reported),
            Mode::Outside => Blow::Outside(self.time.mul_f64(self.dice.below(1_000) as f64 / 900.0)),
        }
    }

    /// The last write that fails.
    fn end(&mut self, first: u64) -> u64 {
        first.saturating_add(self.dice.pick(&[0, 2, 20, u64::MAX]))
    }

    fn strike(&mut self, moment: Moment) -> Blow {
        let index = usize::try_from(self.dice.below(self.decisions.len() as u64)).unwrap_or(0);
        let decision = &self.decisions[index];
        let attempts = attempts(decision.kind, decision.conduct, self.class);
        let attempt = u32::try_from(self.dice.below(attempts.into())).unwrap_or(0);
        Blow::Strike(Strike { moment, key: decision.key.clone(), attempt })
    }
}

/// How many attempts there are where nothing is struck.
const fn attempts(kind: Kind, conduct: Conduct, class: EffectClass) -> u32 {
    if matches!(kind, Kind::Noop) {
        return 1;
    }
    let repeats = !matches!(class, EffectClass::NonIdempotent);
    match conduct {
        Conduct::Applies | Conduct::Rejects => 1,
        Conduct::AppliesLater => 2,
        Conduct::LosesItsAnswer | Conduct::LosesItsWay if !repeats => 1,
        Conduct::NeverApplies | Conduct::LosesItsAnswer | Conduct::LosesItsWay => MAX_RETRIES + 1,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn as_many_turns_as_there_are_points_strike_every_point() {
        for points in 1..200 {
            let struck: BTreeSet<u64> = (0..points).map(|turn| in_turn(7, turn, points)).collect();
            assert_eq!(struck, (1..=points).collect(), "{points} points");
        }
    }

    #[test]
    fn few_rounds_already_meet_every_mode_and_every_kind() {
        let dry = Dry::default();
        let met: BTreeSet<(Mode, Kind)> = (0..65)
            .map(|number| Round::draw(1, number, &dry))
            .map(|round| (round.blows[0].0, round.kind))
            .collect();
        assert_eq!(met.len(), Mode::ALL.len() * Kind::ALL.len());
    }

    #[test]
    fn a_round_is_the_same_for_the_same_seed() {
        let dry = Dry::default();
        let rounds = |seed| (0..200).map(|number| Round::draw(seed, number, &dry)).collect::<Vec<_>>();
        assert_eq!(rounds(3), rounds(3));
        assert_ne!(rounds(3), rounds(4));
    }
}
