//! Random histories of a few keys, held against a plain model that is written from the design.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use failstop::{
    core::{
        orchestrator::{KeyState, Prior},
        stop::{Level, Scope},
    },
    gate::Gate,
    ledger::{Known, NotStarted, Resumption, StartGate},
};
use proptest::{
    prelude::*,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};

use super::assert_same;
use crate::{
    Bench,
    execution::{ACTION, Asked, Execution, settle},
};

const KEYS: usize = 3;

/// How many histories are tried. They are the same in each run, so that a failure repeats itself.
const HISTORIES: u32 = 96;

/// One thing that is done to the ledger, rightly or wrongly.
#[derive(Debug, Clone, Copy)]
enum Step {
    LookUp { who: Who },
    Start { who: Who, attempt: Count, level: Level },
    Record { key: usize, fence: Count, state: KeyState },
    Die,
}

/// Who brings a decision.
#[derive(Debug, Clone, Copy)]
struct Who {
    key: usize,
    may_repeat: bool,
    is_other_decision: bool,
}

/// A number, given by its distance from the right one.
#[derive(Debug, Clone, Copy)]
enum Count {
    Right,
    OneLess,
    OneMore,
    Zero,
}

impl Count {
    fn of(self, right: u64) -> u64 {
        match self {
            Self::Right => right,
            Self::OneLess => right.saturating_sub(1),
            Self::OneMore => right + 1,
            Self::Zero => 0,
        }
    }
}

fn count() -> impl Strategy<Value = Count> {
    prop_oneof![7 => Just(Count::Right), 1 => Just(Count::OneLess), 1 => Just(Count::OneMore), 1 => Just(Count::Zero)]
}

fn who() -> impl Strategy<Value = Who> {
    let is_other_decision = prop::bool::weighted(0.1);
    (0..KEYS, prop::bool::weighted(0.7), is_other_decision)
        .prop_map(|(key, may_repeat, is_other_decision)| Who { key, may_repeat, is_other_decision })
}

fn step() -> impl Strategy<Value = Step> {
    let level = prop_oneof![8 => Just(Level::Run), 1 => Just(Level::Drain), 1 => Just(Level::Stop)];
    let states = [KeyState::Open, KeyState::Open, KeyState::Succeeded, KeyState::Failed, KeyState::InDoubt];
    prop_oneof![
        3 => who().prop_map(|who| Step::LookUp { who }),
        6 => (who(), count(), level).prop_map(|(who, attempt, level)| Step::Start { who, attempt, level }),
        5 => (0..KEYS, count(), prop::sample::select(states.to_vec()))
            .prop_map(|(key, fence, state)| Step::Record { key, fence, state }),
        1 => Just(Step::Die),
    ]
}

/// What the design says of one key.
#[derive(Debug, Clone)]
struct Told {
    execution: Execution,
    /// The fence of the last start; 0 where there was none.
    fence: u64,
    stands: Stands,
    /// Whether an attempt that was given up may have had its effect.
    is_unknown: bool,
    /// Whether the executor of the last start may repeat its effect.
    may_repeat: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stands {
    Fresh,
    Started,
    Open,
    Finished,
    InDoubt,
}

impl Told {
    fn of(key: &str) -> Self {
        Self {
            execution: Execution::of(key),
            fence: 0,
            stands: Stands::Fresh,
            is_unknown: false,
            may_repeat: false,
        }
    }

    fn brought_by(&self, who: Who) -> Execution {
        let this = self.execution.of_class(who.may_repeat);
        if who.is_other_decision { this.of_another_decision() } else { this }
    }

    /// Whether the effect, if an attempt had it, may be had again.
    fn may_go_on(&self, who: Who) -> bool {
        match self.stands {
            Stands::Fresh => true,
            Stands::Open => !self.is_unknown || who.may_repeat,
            Stands::Started => self.may_repeat && who.may_repeat,
            Stands::Finished | Stands::InDoubt => false,
        }
    }

    /// What somebody is told who looks; what cannot go on is in doubt from then on.
    fn look(&mut self, who: Who) -> Known {
        let report = || Box::new(self.execution.report.clone());
        if who.is_other_decision && self.stands != Stands::Fresh {
            return Known::Reused;
        }
        match self.stands {
            Stands::Fresh => Known::Fresh,
            Stands::Finished => Known::Finished(report()),
            Stands::Open | Stands::Started if self.may_go_on(who) => {
                let unknown = self.is_unknown || self.stands == Stands::Started;
                let prior = Prior { attempts: self.execution.attempts(), unknown };
                let report = self.execution.report.clone();
                Known::Resumable(Box::new(Resumption { prior, fence: self.fence, report }))
            }
            Stands::Open | Stands::Started | Stands::InDoubt => {
                let known = Known::InDoubt(report());
                self.stands = Stands::InDoubt;
                known
            }
        }
    }

    fn may_start(&self, who: Who, attempt: u32) -> bool {
        let is_other = who.is_other_decision && self.stands != Stands::Fresh;
        !is_other && attempt == self.execution.attempts() && self.may_go_on(who)
    }

    fn may_record(&self, fence: u64, state: KeyState) -> bool {
        let is_step = match self.stands {
            Stands::Started => true,
            Stands::Open => matches!(state, KeyState::Failed | KeyState::InDoubt),
            Stands::Fresh | Stands::Finished | Stands::InDoubt => false,
        };
        is_step && fence == self.fence && (state != KeyState::Failed || !self.is_unknown)
    }
}

/// A ledger, and what the model says of its keys.
struct Play<'a, B: Bench> {
    bench: &'a B,
    ledger: Arc<B::Ledger>,
    keys: Vec<Told>,
    last_fence: u64,
}

impl<B: Bench> Play<'_, B> {
    async fn take(&mut self, step: Step) {
        match step {
            Step::LookUp { who } => {
                let told = &mut self.keys[who.key];
                let found = told.brought_by(who).look_up(&*self.ledger).await;
                assert_same(&found, &told.look(who), "a look");
            }
            Step::Start { who, attempt, level } => self.start(who, attempt, level).await,
            Step::Record { key, fence, state } => self.record(key, fence, state).await,
            Step::Die => self.die().await,
        }
    }

    async fn record(&mut self, key: usize, fence: Count, state: KeyState) {
        let told = &mut self.keys[key];
        let fence = fence.of(told.fence);
        if !told.may_record(fence, state) {
            return told.execution.assert_refused(&*self.ledger, fence, state).await;
        }
        told.execution.end(&*self.ledger, fence, state).await;
        told.stands = match state {
            KeyState::Open => Stands::Open,
            KeyState::Succeeded | KeyState::Failed => Stands::Finished,
            KeyState::InDoubt => Stands::InDoubt,
        };
    }

    async fn start(&mut self, who: Who, attempt: Count, level: Level) {
        let told = &mut self.keys[who.key];
        let attempt = u32::try_from(attempt.of(told.execution.attempts().into())).expect("few attempts");
        let gate = Gate::new();
        gate.engage(Scope::Global, level, "drill");
        let asked = Asked { gate: StartGate::new(gate, ACTION, false), ..Asked::of(attempt) };
        let is_barred = level == Level::Stop || (level == Level::Drain && asked.is_new_work);
        let may = told.may_start(who, attempt);
        let mut execution = told.brought_by(who);
        match execution.ask(&*self.ledger, asked).await {
            Ok(started) => {
                assert!(may && !is_barred, "attempt {attempt} where it is {:?}", told.stands);
                assert!(started.fence > self.last_fence);
                (self.last_fence, told.fence) = (started.fence, started.fence);
                told.is_unknown |= told.stands == Stands::Started;
                (told.stands, told.may_repeat) = (Stands::Started, who.may_repeat);
                (told.execution.fingerprint, told.execution.report) =
                    (execution.fingerprint, execution.report);
            }
            Err(NotStarted::Gate(_)) => assert!(is_barred, "the gate is open"),
            Err(NotStarted::Race(known)) => {
                assert!(!may, "it may start where it is {:?}", told.stands);
                assert_same(&known, &told.look(who), "a race");
            }
            Err(NotStarted::Lost) => panic!("nobody touched the ledger"),
            Err(NotStarted::Unavailable) => {
                assert!(!may && told.stands == Stands::Fresh, "only what is no attempt at all has no answer");
            }
        }
    }

    /// What was recorded before a death is made durable, so that the model need not guess how much of it was.
    async fn die(&mut self) {
        settle(&*self.ledger).await;
        let next = self.bench.open().await;
        self.bench.kill(std::mem::replace(&mut self.ledger, next)).await;
    }
}

/// INV-FS-1, INV-FS-2: whatever is asked in whatever order, the answers are those of the design.
#[expect(clippy::unused_async, reason = "a case is a future")]
pub async fn every_history_agrees_with_the_model<B: Bench>() {
    let bench = B::new();
    let config = Config { cases: HISTORIES, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let histories = prop::collection::vec(step(), 1..40);
    let played = AtomicU32::new(0);
    let outcome = runner.run(&histories, |steps| {
        let history = play(&bench, &steps, played.fetch_add(1, Ordering::Relaxed));
        tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(history));
        Ok(())
    });
    if let Err(failure) = outcome {
        panic!("{failure}");
    }
}

async fn play<B: Bench>(bench: &B, steps: &[Step], history: u32) {
    let keys = (0..KEYS).map(|key| Told::of(&format!("{history} {key}"))).collect();
    let mut play = Play { bench, ledger: bench.open().await, keys, last_fence: 0 };
    for &step in steps {
        play.take(step).await;
    }
    play.die().await;
    for key in 0..KEYS {
        for may_repeat in [true, false] {
            play.take(Step::LookUp { who: Who { key, may_repeat, is_other_decision: false } }).await;
        }
    }
    bench.kill(play.ledger).await;
}
