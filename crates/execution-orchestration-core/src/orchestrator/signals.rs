//! What the machine is told and what it orders.

use crate::{
    model::{Code, Effect, ReasonCode, Stopped, WaitReason},
    stop::Verdict,
    time::Timestamp,
};

/// One thing that happened.
#[derive(Debug, Clone, PartialEq)]
pub enum Input {
    /// The decision asks to be executed. Always the first input.
    Admit(Admission),
    /// The answer to [`Output::LookUp`].
    LookedUp(Lookup),
    /// The answer to [`Output::AwaitKey`]: whoever held the key has let go of it.
    KeyFreed,
    /// The answer to [`Output::AskPermits`]: all of them, and which limit it had to wait for, if any.
    Granted(Option<WaitReason>),
    /// The answer to [`Output::AskPermits`]: no.
    NotGranted(PermitRefusal),
    /// The answer to [`Output::Start`]: the gate was open, STARTED is durable, and the executor was entered.
    Started {
        /// Unix wall time, milliseconds.
        at_ms: i64,
    },
    /// The answer to [`Output::Start`]: the executor was not and will not be entered.
    NotStarted(StartRefusal),
    /// An attempt came to its own end.
    Finished {
        /// Which attempt.
        attempt: u32,
        /// How.
        ended: Ended,
    },
    /// The answer to [`Output::Signal`] or [`Output::Kill`], where the attempt gave no answer of its own.
    Halted {
        /// Which attempt.
        attempt: u32,
        /// Whether it is known to have ended.
        stopped: Stopped,
    },
    /// The answer to [`Output::Record`].
    Recorded,
    /// The answer to [`Output::Record`]: the ledger could not be written.
    RecordLost,
    /// The gate changed for this execution's action.
    GateChanged(Verdict),
    /// The caller wants no more of it.
    Cancel,
    /// The moment of [`super::Machine::poll_timeout`] may have come.
    Tick,
}

/// What is known when a decision is admitted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Admission {
    /// The gate for this action, the execution's own context included.
    pub verdict: Verdict,
    /// The decision's `allowed`.
    pub allowed: bool,
    /// What the policy, throttle and cooldown layers refuse.
    pub refusal: Option<ReasonCode>,
    /// The decision's `throttle_ms`.
    pub throttle_ms: u64,
}

/// What the ledger knows of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lookup {
    /// Nothing: it is reserved for this execution.
    Fresh,
    /// Attempts of a dead owner: it is reserved for this execution, which goes on with those that are left.
    Resumable(Prior),
    /// Somebody alive is at it.
    InProgress,
    /// It ended; the stored report is to be replayed.
    Finished,
    /// Its effect is unknown; the stored report is to be shown.
    InDoubt,
    /// The key itself is refused: missing, reused, expired, conflicting.
    Refused(ReasonCode),
    /// The ledger cannot be read.
    Unavailable,
}

/// What earlier owners of a key have used up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Prior {
    /// Attempts started, each counted for ever.
    pub attempts: u32,
    /// Whether one of them may have had an effect.
    pub unknown: bool,
}

/// Why permits are refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PermitRefusal {
    /// The rate limit's `max_wait_ms` is not enough.
    RateLimited,
    /// Abandoned work holds every slot.
    ExecutorStuck,
    /// No further attempt: the execution ends with what its last one came to.
    NoRetry,
}

/// Why an attempt was not started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StartRefusal {
    /// The gate said no in the start step.
    Gate(Verdict),
    /// Somebody else was first at the key.
    Race(Lookup),
    /// STARTED could not be made durable.
    LedgerUnavailable,
}

/// How an attempt ended by itself.
#[derive(Debug, Clone, PartialEq)]
pub struct Ended {
    /// What it did to the world.
    pub effect: Effect,
    /// Whether it says so itself or broke.
    pub manner: Manner,
    /// How long the target asks to be left alone, milliseconds.
    pub retry_after_ms: Option<u64>,
    /// The kind of fault; `None` on success.
    pub error_type: Option<Code>,
    /// The fault's code; `None` on success.
    pub error_code: Option<Code>,
}

/// In what manner an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Manner {
    /// It gave an answer.
    Answered,
    /// It panicked or raised.
    Broke,
}

impl Ended {
    /// It worked.
    pub const fn applied() -> Self {
        Self {
            effect: Effect::Applied,
            manner: Manner::Answered,
            retry_after_ms: None,
            error_type: None,
            error_code: None,
        }
    }

    /// It answered something else than success; the kind and code default by `effect`.
    pub fn answered(effect: Effect, error_type: Option<Code>, error_code: Option<Code>) -> Self {
        let (kind, code) = match effect {
            Effect::Applied => return Self::applied(),
            Effect::NotApplied => ("executor_rejected", "executor_failed"),
            Effect::Rejected => ("executor_rejected", "rejected"),
            Effect::Unknown => ("unknown_outcome", "unknown_outcome"),
        };
        Self {
            effect,
            manner: Manner::Answered,
            retry_after_ms: None,
            error_type: Some(error_type.unwrap_or(Code::Borrowed(kind))),
            error_code: Some(error_code.unwrap_or(Code::Borrowed(code))),
        }
    }

    /// It panicked or raised; `error_type` is the kind of the exception.
    pub const fn broke(error_type: Code) -> Self {
        Self {
            effect: Effect::Unknown,
            manner: Manner::Broke,
            retry_after_ms: None,
            error_type: Some(error_type),
            error_code: Some(Code::Borrowed("execution_exception")),
        }
    }
}

/// One thing to be done now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Output {
    /// Make the key and look it up, reserving it in this process.
    LookUp,
    /// Tell when the key is free.
    AwaitKey,
    /// Get a slot and pass every limit, or say which refuses.
    AskPermits,
    /// In one step: look at the gate, make STARTED durable, enter the executor.
    Start {
        /// Which attempt.
        attempt: u32,
    },
    /// Tell the attempt to stop, and say when it has.
    Signal {
        /// Which attempt.
        attempt: u32,
    },
    /// End the attempt by force, and say whether it has.
    Kill {
        /// Which attempt.
        attempt: u32,
    },
    /// Make the key's new state durable. The answer is awaited only for terminal states.
    Record {
        /// The last attempt.
        attempt: u32,
        /// The new state.
        state: KeyState,
    },
    /// Give the permits back; the slot of an attempt that may still be running stays with it.
    Release,
    /// Something late or repeated, kept as evidence.
    Note(Note),
    /// The report is ready.
    Done,
}

/// The state of a key that an execution can leave behind (STARTED is written by the start step itself).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyState {
    /// Attempts used, nothing running, no effect.
    Open,
    /// An attempt applied.
    Succeeded,
    /// It ended, and no attempt can have had an effect.
    Failed,
    /// It ended, and an attempt may have had an effect.
    InDoubt,
}

/// What came late or twice and changed nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Note {
    /// An attempt's own end, after it was given up or after its time.
    LateResult {
        /// Which attempt.
        attempt: u32,
        /// What it claims.
        effect: Effect,
    },
    /// An input that this phase has no use for.
    Ignored,
}

/// The outputs of one call, in order. Small and without allocation; the driver empties it after each call.
#[derive(Debug, Clone, Default)]
pub struct Outputs {
    queue: [Option<Output>; Self::CAPACITY],
    head: u8,
    tail: u8,
}

impl Outputs {
    /// The most outputs one call can order, with room to spare.
    const CAPACITY: usize = 6;

    /// Nothing ordered.
    pub const fn new() -> Self {
        Self { queue: [None; Self::CAPACITY], head: 0, tail: 0 }
    }

    pub(super) fn push(&mut self, output: Output) {
        assert!((self.tail as usize) < Self::CAPACITY, "outputs are drained after each call");
        self.queue[self.tail as usize] = Some(output);
        self.tail += 1;
    }

    /// How many things there are to do; notes are none.
    pub fn orders(&self) -> usize {
        let queued = &self.queue[usize::from(self.head)..usize::from(self.tail)];
        queued.iter().filter(|output| !matches!(output, Some(Output::Note(_)))).count()
    }

    /// The next thing to do.
    #[allow(clippy::should_implement_trait)] // a queue being drained, not an iterator to adapt
    pub fn next(&mut self) -> Option<Output> {
        if self.head == self.tail {
            return None;
        }
        let output = self.queue[self.head as usize].take();
        self.head += 1;
        if self.head == self.tail {
            (self.head, self.tail) = (0, 0);
        }
        output
    }
}

/// When the machine wants a [`Input::Tick`], if nothing else happens before.
pub type Wake = Option<Timestamp>;
