//! The story an execution is told in: the rules it runs under and everything that will happen around it.

/// The numbers in force, milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// Attempts after the first.
    pub max_retries: u32,
    /// Before attempt `n >= 1` there is a pause of `initial * 2^(n-1)`, at most `max_backoff_ms`.
    pub initial_backoff_ms: u64,
    /// No pause is longer.
    pub max_backoff_ms: u64,
    /// An attempt may take this long.
    pub per_action_ms: u64,
    /// The execution may take this long.
    pub total_ms: u64,
    /// Afterwards there is this long to stop what runs.
    pub grace_ms: u64,
    /// No attempt starts with less than this left.
    pub min_attempt_ms: u64,
    /// The decision's `throttle_ms`.
    pub throttle_ms: u64,
    /// Whether idempotency is on.
    pub keyed: bool,
    /// Whether the executor's class is other than `non_idempotent`.
    pub repeatable: bool,
    /// Whether unknown effects are tried again.
    pub retry_unknown: RetryUnknown,
    /// Whether attempts pass limits.
    pub asks_permits: bool,
}

impl Rules {
    pub(super) fn backoff_ms(&self, number: u32) -> u64 {
        let mut delay = self.initial_backoff_ms;
        for _ in 1..number {
            delay = (delay * 2).min(1 << 40);
        }
        delay.min(self.max_backoff_ms)
    }

    pub(super) fn may_retry_unknown(&self) -> bool {
        match self.retry_unknown {
            RetryUnknown::Always => true,
            RetryUnknown::Auto => !self.keyed || self.repeatable,
            RetryUnknown::Never => false,
        }
    }
}

/// Whether unknown effects are tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetryUnknown {
    /// Where a second effect is harmless or nothing is guarded.
    Auto,
    /// Yes.
    Always,
    /// No.
    Never,
}

/// Everything that will happen around one execution.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct World {
    /// The gate when the decision is admitted.
    pub gate_at_admission: Level,
    /// Its later changes, by time (at least 1).
    pub gate: Vec<(u64, Level)>,
    /// When the caller gives up (at least 1).
    pub cancel_at: Option<u64>,
    /// The decision's `allowed`.
    pub allowed: bool,
    /// What the ledger says of the key.
    pub key: Key,
    /// After how long.
    pub key_after_ms: u64,
    /// The attempts that could be made, in order; enough of them.
    pub attempts: Vec<Attempt>,
    /// What becomes of the outcome.
    pub recording: Recording,
}

/// How far a stop goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Everything may start.
    Run,
    /// Nothing new starts.
    Drain,
    /// No further attempts.
    Stop,
    /// Everything is killed.
    Halt,
}

/// What the ledger says of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    /// Nothing.
    Fresh,
    /// A dead owner left attempts behind.
    Resumable(Prior),
    /// Somebody is at it.
    InProgress,
    /// It is over; its report is replayed.
    Finished,
    /// Its effect is unknown.
    InDoubt,
    /// It was used for another decision.
    Reused,
    /// The ledger cannot be read.
    Unavailable,
    /// The ledger does not answer.
    Silent,
}

/// What earlier lives have used up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Prior {
    /// Attempts started.
    pub attempts: u32,
    /// Whether one of them may have had an effect.
    pub unknown: bool,
}

/// One attempt: what it takes to start it, how it runs, how it stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attempt {
    /// What the limits say.
    pub permits: Permits,
    /// What the start step comes to, if the gate does not refuse it.
    pub start: Start,
    /// How long it runs if left alone.
    pub runs_ms: u64,
    /// How it ends if left alone.
    pub ending: Ending,
    /// How long after a signal it is known to have ended without an answer; `None`: it is deaf.
    pub ends_on_signal_ms: Option<u64>,
    /// The same after a kill; `None`: nobody can tell.
    pub ends_on_kill_ms: Option<u64>,
}

/// What the limits say, and after how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Permits {
    /// Yes.
    Granted(u64),
    /// The rate is too high.
    RateLimited(u64),
    /// Abandoned work holds every slot.
    Stuck(u64),
    /// There is no further attempt.
    NoRetry(u64),
    /// Nothing, ever.
    Never,
}

/// What a start step comes to, and after how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// The executor is entered.
    Begins(u64),
    /// STARTED could not be written.
    LedgerLost(u64),
    /// Nothing is heard of it.
    Hangs,
}

/// How an attempt ends if left alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ending {
    /// What it did.
    pub effect: Effect,
    /// Whether it panicked or raised; the effect is unknown then.
    pub broke: bool,
    /// How long the target asks to be left alone; 0 for not.
    pub hint_ms: u64,
}

/// What an attempt did to the world.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// It happened.
    Applied,
    /// It did not, and may later.
    NotApplied,
    /// It did not and will not.
    Rejected,
    /// It may have.
    Unknown,
}

impl Effect {
    /// The name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::NotApplied => "not_applied",
            Self::Rejected => "rejected",
            Self::Unknown => "unknown",
        }
    }
}

/// What becomes of the terminal record, and after how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recording {
    /// It is durable.
    Durable(u64),
    /// It is lost.
    Lost(u64),
    /// Nothing is heard of it.
    Hangs,
}
