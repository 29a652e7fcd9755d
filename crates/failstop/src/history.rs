//! What became of executions lately, as guards ask for it.
//!
//! Counts stand in the slices of a sliding window, so that memory does not grow with the work: a count covers the
//! whole window, and at most one slice more.

use decision_modulation_core::GuardPolicy;
use parking_lot::Mutex;

use crate::clock::Clock;

/// How many slices a window has.
const SLICES: usize = 64;

/// How an execution that tried something ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StepEnd {
    Succeeded,
    Failed,
}

/// What happened in a window. A step is an execution that tried something; what was refused is none, for it says nothing
/// of how well things go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Lately {
    pub(crate) steps: u64,
    pub(crate) errors: u64,
    /// Attempts that came too often.
    pub(crate) rate_limit_events: u64,
    /// Errors since the last success.
    pub(crate) recent_failures: u64,
    /// How long the cooldown goes on that errors one after the other have started, milliseconds.
    pub(crate) cooldown_left_ms: Option<u64>,
}

/// The executions of one engine.
#[derive(Debug)]
pub(crate) struct History {
    clock: Clock,
    slice_ms: u64,
    circuit_breaker_failures: u64,
    cooldown_ms: u64,
    told: Mutex<Told>,
}

#[derive(Debug)]
struct Told {
    /// By number of the slice, modulo their count.
    slices: [Slice; SLICES],
    /// Whether any slice has failures since the last success, so that mostly nobody needs to look.
    has_recent_failures: bool,
    cooldown_until_ms: u64,
}

#[derive(Debug, Clone, Copy, Default)]
struct Slice {
    number: u64,
    steps: u64,
    errors: u64,
    rate_limit_events: u64,
    recent_failures: u64,
}

impl History {
    /// Nothing happened so far.
    pub(crate) fn new(guards: &GuardPolicy) -> Self {
        Self {
            clock: Clock::new(),
            slice_ms: guards.rate_limit_window_ms().div_ceil(SLICES as u64 - 1),
            circuit_breaker_failures: guards.circuit_breaker_failures(),
            cooldown_ms: guards.cooldown_ms(),
            told: Mutex::new(Told {
                slices: [Slice::default(); SLICES],
                has_recent_failures: false,
                cooldown_until_ms: 0,
            }),
        }
    }

    /// Notes that a target was asked too often.
    pub(crate) fn note_rate_limit(&self) {
        let number = self.now_ms() / self.slice_ms;
        self.told.lock().slice(number).rate_limit_events += 1;
    }

    /// Notes how an execution ended.
    pub(crate) fn note_step(&self, end: StepEnd) {
        let now_ms = self.now_ms();
        let number = now_ms / self.slice_ms;
        let mut told = self.told.lock();
        told.slice(number).steps += 1;
        match end {
            StepEnd::Succeeded => told.forgive(),
            StepEnd::Failed => {
                told.has_recent_failures = true;
                let slice = told.slice(number);
                slice.errors += 1;
                slice.recent_failures += 1;
                if told.sum(number).recent_failures >= self.circuit_breaker_failures {
                    told.cooldown_until_ms = now_ms + self.cooldown_ms;
                }
            }
        }
    }

    /// What happened in the window that ends now.
    pub(crate) fn lately(&self) -> Lately {
        let now_ms = self.now_ms();
        let told = self.told.lock();
        let left_ms = told.cooldown_until_ms.checked_sub(now_ms).filter(|left_ms| *left_ms > 0);
        Lately { cooldown_left_ms: left_ms, ..told.sum(now_ms / self.slice_ms) }
    }

    fn now_ms(&self) -> u64 {
        self.clock.now().as_nanos() / 1_000_000
    }
}

impl Told {
    /// The slice with this number, emptied if its place held an older one.
    fn slice(&mut self, number: u64) -> &mut Slice {
        let slice = &mut self.slices[place(number)];
        if slice.number < number {
            *slice = Slice { number, ..Slice::default() };
        }
        slice
    }

    /// A success: failures before it were not the last.
    fn forgive(&mut self) {
        if std::mem::take(&mut self.has_recent_failures) {
            self.slices.iter_mut().for_each(|slice| slice.recent_failures = 0);
        }
    }

    /// All slices of the window whose last one has this number.
    fn sum(&self, last: u64) -> Lately {
        let is_in_window = |slice: &&Slice| last - slice.number.min(last) < SLICES as u64;
        self.slices.iter().filter(is_in_window).fold(Lately::default(), |sum, slice| Lately {
            steps: sum.steps + slice.steps,
            errors: sum.errors + slice.errors,
            rate_limit_events: sum.rate_limit_events + slice.rate_limit_events,
            recent_failures: sum.recent_failures + slice.recent_failures,
            ..sum
        })
    }
}

#[expect(clippy::cast_possible_truncation, reason = "less than the number of slices")]
const fn place(number: u64) -> usize {
    (number % SLICES as u64) as usize
}
