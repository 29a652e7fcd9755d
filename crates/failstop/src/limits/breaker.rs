//! A circuit breaker of one target, told the time: closed, open for a while, half open for its probes.
//!
//! It counts failures in a row, not a rate: a target that is down fails everything, so that a run of failures is
//! certain and quick, and a closed breaker needs neither a clock nor a window. What fails now and then is bounded by
//! the retry budget.
//!
//! Each state has a generation, and each admission carries the one it was made under. The end of an attempt changes the
//! state only while that generation lasts: what was begun before the breaker opened says nothing of the target now.

use execution_orchestration_core::{policies::CircuitBreakerPolicy, time::Timestamp};

/// What is known of one target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Breaker {
    generation: Generation,
    state: State,
}

/// Which state an attempt was admitted under; each transition begins a later one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(super) struct Generation(u64);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Closed { failures: u32 },
    Open { until: Timestamp },
    HalfOpen { running: u32, succeeded: u32 },
}

/// Why no attempt is admitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Barred {
    /// It is open for so long.
    Until(Timestamp),
    /// All probes are out.
    Probed,
}

/// How an admitted attempt ended, as far as it speaks of the target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Succeeded,
    Failed,
    /// It says nothing: it never began, was stopped, or was refused for good.
    Neither,
}

/// What an end changed, for those who wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    Opened,
    Closed,
    /// There is a probe to be made again.
    ProbeFreed,
}

impl Breaker {
    /// Closed, without failures.
    pub(super) const fn closed(generation: Generation) -> Self {
        Self { generation, state: State::Closed { failures: 0 } }
    }

    pub(super) const fn generation(&self) -> Generation {
        self.generation
    }

    /// Whether it is closed and without failures, as one that nothing is known of.
    pub(super) const fn is_idle(&self) -> bool {
        matches!(self.state, State::Closed { failures: 0 })
    }

    /// Why no attempt would be admitted now.
    pub(super) fn bar(&self, now: Timestamp, rules: &CircuitBreakerPolicy) -> Option<Barred> {
        match self.state {
            State::Open { until } if now < until => Some(Barred::Until(until)),
            State::HalfOpen { running, succeeded } if running + succeeded >= rules.probes => {
                Some(Barred::Probed)
            }
            State::Closed { .. } | State::Open { .. } | State::HalfOpen { .. } => None,
        }
    }

    /// Admits an attempt, or says why not.
    pub(super) fn admit(
        &mut self,
        now: Timestamp,
        rules: &CircuitBreakerPolicy,
    ) -> Result<Generation, Barred> {
        if let Some(barred) = self.bar(now, rules) {
            return Err(barred);
        }
        match &mut self.state {
            State::Closed { .. } => {}
            State::Open { .. } => self.enter(State::HalfOpen { running: 1, succeeded: 0 }),
            State::HalfOpen { running, .. } => *running += 1,
        }
        Ok(self.generation)
    }

    /// An attempt admitted under `admitted` has ended.
    pub(super) fn end(
        &mut self,
        now: Timestamp,
        rules: &CircuitBreakerPolicy,
        admitted: Generation,
        end: End,
    ) -> Option<Change> {
        if admitted != self.generation {
            return None;
        }
        match &mut self.state {
            State::Closed { failures } => {
                *failures = match end {
                    End::Succeeded => 0,
                    End::Failed => *failures + 1,
                    End::Neither => *failures,
                };
                let is_enough = *failures >= rules.failures;
                is_enough.then(|| self.open(now, rules))
            }
            // Whoever was admitted under this generation was admitted before it began.
            State::Open { .. } => None,
            State::HalfOpen { running, succeeded } => {
                *running -= 1;
                *succeeded += u32::from(end == End::Succeeded);
                let is_over = *succeeded >= rules.probes;
                match end {
                    End::Failed => Some(self.open(now, rules)),
                    End::Neither => Some(Change::ProbeFreed),
                    End::Succeeded => is_over.then(|| self.close()),
                }
            }
        }
    }

    fn open(&mut self, now: Timestamp, rules: &CircuitBreakerPolicy) -> Change {
        self.enter(State::Open { until: now.plus_ms(rules.open_ms) });
        Change::Opened
    }

    fn close(&mut self) -> Change {
        self.enter(State::Closed { failures: 0 });
        Change::Closed
    }

    fn enter(&mut self, state: State) {
        self.generation = Generation(self.generation.0 + 1);
        self.state = state;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The same, told naively: the whole history is kept, and every question is answered from it.
    struct Model {
        rules: CircuitBreakerPolicy,
        eras: Vec<Era>,
    }

    #[derive(Default)]
    struct Era {
        kind: Kind,
        until_ms: u64,
        admitted: usize,
        ends: Vec<End>,
    }

    #[derive(Clone, Copy, PartialEq, Eq, Default)]
    enum Kind {
        #[default]
        Closed,
        Open,
        HalfOpen,
    }

    impl Model {
        fn is_barred(&self, now_ms: u64) -> bool {
            let era = self.eras.last().unwrap();
            let given_back = era.ends.iter().filter(|end| **end == End::Neither).count();
            match era.kind {
                Kind::Closed => false,
                Kind::Open => now_ms < era.until_ms,
                Kind::HalfOpen => era.admitted - given_back == self.rules.probes as usize,
            }
        }

        /// The era of the admission.
        fn admit(&mut self, now_ms: u64) -> Option<usize> {
            if self.is_barred(now_ms) {
                return None;
            }
            if self.eras.last().unwrap().kind == Kind::Open {
                self.eras.push(Era { kind: Kind::HalfOpen, ..Era::default() });
            }
            self.eras.last_mut().unwrap().admitted += 1;
            Some(self.eras.len() - 1)
        }

        fn end(&mut self, now_ms: u64, era: usize, end: End) {
            self.eras[era].ends.push(end);
            if era + 1 < self.eras.len() {
                return;
            }
            let Era { kind, ends, .. } = &self.eras[era];
            let telling = ends.iter().filter(|end| **end != End::Neither);
            let in_a_row = telling.clone().rev().take_while(|end| **end == End::Failed).count();
            let opens = match kind {
                Kind::Closed => in_a_row == self.rules.failures as usize,
                Kind::HalfOpen => in_a_row > 0,
                Kind::Open => false,
            };
            if opens {
                let until_ms = now_ms + self.rules.open_ms;
                self.eras.push(Era { kind: Kind::Open, until_ms, ..Era::default() });
            } else if *kind == Kind::HalfOpen && telling.count() == self.rules.probes as usize {
                self.eras.push(Era::default());
            }
        }
    }

    #[derive(Debug, Clone)]
    enum Step {
        Wait(u64),
        Admit,
        /// Ends one of those that run: which, and how.
        End(prop::sample::Index, End),
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let end = prop_oneof![4 => Just(End::Failed), 2 => Just(End::Succeeded), 1 => Just(End::Neither)];
        let step = prop_oneof![
            1 => (0..60_u64).prop_map(Step::Wait),
            3 => Just(Step::Admit),
            3 => (any::<prop::sample::Index>(), end).prop_map(|(which, end)| Step::End(which, end)),
        ];
        prop::collection::vec(step, 0..200)
    }

    proptest! {
        #[test]
        fn a_breaker_does_what_its_history_says(
            failures in 1..5_u32, open_ms in 1..100_u64, probes in 1..4_u32, steps in steps(),
        ) {
            let rules = CircuitBreakerPolicy { failures, open_ms, probes };
            let mut model = Model { rules, eras: vec![Era::default()] };
            let mut breaker = Breaker::closed(Generation::default());
            let (mut now_ms, mut running) = (0, Vec::new());
            for step in steps {
                let now = Timestamp::from_ms(now_ms);
                match step {
                    Step::Wait(ms) => now_ms += ms,
                    Step::Admit => {
                        prop_assert_eq!(breaker.bar(now, &rules).is_some(), model.is_barred(now_ms));
                        let (ours, theirs) = (breaker.admit(now, &rules), model.admit(now_ms));
                        prop_assert_eq!(ours.is_ok(), theirs.is_some());
                        running.extend(ours.ok().zip(theirs));
                    }
                    Step::End(which, end) if !running.is_empty() => {
                        let (generation, era) = running.swap_remove(which.index(running.len()));
                        let eras = model.eras.len();
                        let change = breaker.end(now, &rules, generation, end);
                        model.end(now_ms, era, end);
                        let turned = matches!(change, Some(Change::Opened | Change::Closed));
                        prop_assert_eq!(turned, model.eras.len() > eras);
                    }
                    Step::End(..) => {}
                }
            }
        }
    }

    const RULES: CircuitBreakerPolicy = CircuitBreakerPolicy { failures: 1, open_ms: 10, probes: 2 };

    fn at(ms: u64) -> Timestamp {
        Timestamp::from_ms(ms)
    }

    #[test]
    fn a_late_end_of_an_older_generation_changes_nothing() {
        let mut breaker = Breaker::closed(Generation::default());
        let slow = breaker.admit(at(0), &RULES).unwrap();
        let failing = breaker.admit(at(0), &RULES).unwrap();
        assert_eq!(breaker.end(at(1), &RULES, failing, End::Failed), Some(Change::Opened));
        let hung_probe = breaker.admit(at(11), &RULES).unwrap();
        let probe = breaker.admit(at(11), &RULES).unwrap();
        assert_eq!(breaker.bar(at(11), &RULES), Some(Barred::Probed));
        assert_eq!(breaker.end(at(12), &RULES, probe, End::Failed), Some(Change::Opened));
        for (late, end) in [(slow, End::Succeeded), (hung_probe, End::Succeeded), (slow, End::Failed)] {
            let before = breaker.clone();
            assert_eq!(breaker.end(at(30), &RULES, late, end), None);
            assert_eq!(breaker, before);
        }
    }

    #[test]
    fn a_probe_that_says_nothing_gives_its_place_to_another() {
        let mut breaker = Breaker::closed(Generation::default());
        let failing = breaker.admit(at(0), &RULES).unwrap();
        breaker.end(at(0), &RULES, failing, End::Failed);
        assert_eq!(breaker.bar(at(9), &RULES), Some(Barred::Until(at(10))));
        for _ in 0..5 {
            let probe = breaker.admit(at(10), &RULES).unwrap();
            assert_eq!(breaker.end(at(10), &RULES, probe, End::Neither), Some(Change::ProbeFreed));
        }
        for change in [None, Some(Change::Closed)] {
            let probe = breaker.admit(at(10), &RULES).unwrap();
            assert_eq!(breaker.end(at(10), &RULES, probe, End::Succeeded), change);
        }
        assert!(breaker.is_idle());
    }
}
