//! The words of a report: statuses, effects, outcomes, reason codes, and the records made of them.

use alloc::{borrow::Cow, boxed::Box, string::String, vec::Vec};
use core::{fmt, str::FromStr};

use decision_schema::{Action, Object, Value};

use crate::{
    idempotency::Digest,
    stop::{GateStamp, StopCode},
};

/// How a decision, or one attempt at it, ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ExecutionStatus {
    /// It was carried out.
    Success,
    /// It was tried and did not come to a known good end.
    Failed,
    /// It was not meant to be carried out (`allowed = false`).
    Skipped,
    /// It was refused before anything was tried.
    Denied,
}

/// What is known of the effect under a key, over all its attempts (INV-FS-3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// An attempt applied.
    Executed,
    /// No attempt can have had an effect.
    NotExecuted,
    /// An attempt may have had an effect, or is still running.
    Unknown,
}

/// What one attempt did to the world.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Effect {
    /// The effect happened.
    Applied,
    /// Definitely no effect; it may work later.
    NotApplied,
    /// Definitely no effect, and there never will be one.
    Rejected,
    /// The effect may have happened.
    Unknown,
}

/// What an executor promises about repeating its effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum EffectClass {
    /// It changes nothing.
    ReadOnly,
    /// Doing it twice is doing it once.
    NaturallyIdempotent,
    /// It forwards the key, and the target honours it.
    KeyedIdempotent,
    /// Doing it twice is wrong. The default: nothing is assumed.
    #[default]
    NonIdempotent,
}

/// Whether an attempt that was told to stop is known to have ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Stopped {
    /// Its future is dropped, its process group empty, its thread ended.
    Confirmed,
    /// It was told, and may still be running.
    Unconfirmed,
}

/// Why an attempt had to wait before it started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum WaitReason {
    /// The planned delay between attempts.
    Backoff,
    /// The server asked for it.
    RetryAfter,
    /// The decision's `throttle_ms`.
    Throttle,
    /// A rate limit.
    RateLimit,
    /// All slots were taken.
    Concurrency,
}

/// A short code from a closed set, or one that an executor gave and that was found fit to print.
pub type Code = Cow<'static, str>;

macro_rules! wire_names {
    ($type:ty { $($variant:ident => $name:literal),* $(,)? }) => {
        impl $type {
            /// Every value, in the order of the contract.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The name on the wire.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name),* }
            }

            /// The value with this wire name, exactly as written.
            pub fn from_name(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|value| value.as_str() == name)
            }
        }

        impl core::fmt::Display for $type {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}
pub(crate) use wire_names;

wire_names!(ExecutionStatus { Success => "success", Failed => "failed", Skipped => "skipped", Denied => "denied" });
wire_names!(Outcome { Executed => "executed", NotExecuted => "not_executed", Unknown => "unknown" });
wire_names!(Effect { Applied => "applied", NotApplied => "not_applied", Rejected => "rejected", Unknown => "unknown" });
wire_names!(EffectClass {
    ReadOnly => "read_only",
    NaturallyIdempotent => "naturally_idempotent",
    KeyedIdempotent => "keyed_idempotent",
    NonIdempotent => "non_idempotent",
});
wire_names!(Stopped { Confirmed => "confirmed", Unconfirmed => "unconfirmed" });
wire_names!(WaitReason {
    Backoff => "backoff",
    RetryAfter => "retry_after",
    Throttle => "throttle",
    RateLimit => "rate_limit",
    Concurrency => "concurrency",
});

/// Why an execution did not end in success. Each code has a page under `docs/errors/`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ReasonCode {
    /// The line could not be read as a decision.
    InputInvalid,
    /// The gate is at `drain` or above for this action.
    GateStopped,
    /// The gate could not be read, which means stop.
    GateUnreadable,
    /// The gate was not refreshed in time, which means stop.
    GateStale,
    /// The decision says `allowed = false`.
    NotAllowed,
    /// The policy needs state between calls, which only an engine has.
    PolicyNeedsEngine,
    /// No executor is configured for the action.
    NoExecutor,
    /// An earlier decision's `cooldown_ms` is still running.
    CooldownActive,
    /// A key is required and cannot be made.
    IdempotencyKeyMissing,
    /// The key was used for another decision.
    IdempotencyKeyReused,
    /// The key's execution is still running.
    IdempotencyInProgress,
    /// The key's record has been retired.
    IdempotencyKeyExpired,
    /// Two keys were given and differ.
    IdempotencyKeyConflict,
    /// The key's outcome is unknown and must be resolved first.
    InDoubt,
    /// A rate limit would not let it through in time.
    RateLimited,
    /// The time was up before any attempt.
    DeadlineExceeded,
    /// Abandoned work holds every slot.
    ExecutorStuck,
    /// The ledger could not be read or written.
    LedgerUnavailable,
    /// Every attempt ended without effect.
    ExecutorFailed,
    /// The executor refused for good.
    Rejected,
    /// The executor panicked or raised.
    ExecutionException,
    /// The attempt's time was up.
    Timeout,
    /// The executor could not tell what happened.
    UnknownOutcome,
    /// The execution's time was up.
    TotalTimeout,
    /// The server asked for a wait past the deadline.
    RetryAfterExceedsDeadline,
    /// A stop reached the execution after it had begun.
    StoppedInFlight,
    /// The caller cancelled.
    Cancelled,
}

wire_names!(ReasonCode {
    InputInvalid => "input_invalid",
    GateStopped => "gate_stopped",
    GateUnreadable => "gate_unreadable",
    GateStale => "gate_stale",
    NotAllowed => "not_allowed",
    PolicyNeedsEngine => "policy_needs_engine",
    NoExecutor => "no_executor",
    CooldownActive => "cooldown_active",
    IdempotencyKeyMissing => "idempotency_key_missing",
    IdempotencyKeyReused => "idempotency_key_reused",
    IdempotencyInProgress => "idempotency_in_progress",
    IdempotencyKeyExpired => "idempotency_key_expired",
    IdempotencyKeyConflict => "idempotency_key_conflict",
    InDoubt => "in_doubt",
    RateLimited => "rate_limited",
    DeadlineExceeded => "deadline_exceeded",
    ExecutorStuck => "executor_stuck",
    LedgerUnavailable => "ledger_unavailable",
    ExecutorFailed => "executor_failed",
    Rejected => "rejected",
    ExecutionException => "execution_exception",
    Timeout => "timeout",
    UnknownOutcome => "unknown_outcome",
    TotalTimeout => "total_timeout",
    RetryAfterExceedsDeadline => "retry_after_exceeds_deadline",
    StoppedInFlight => "stopped_in_flight",
    Cancelled => "cancelled",
});

impl ReasonCode {
    /// Whether the code marks its report `fail_closed`; a last attempt that ended unknown marks it under any code.
    pub const fn is_fail_closed(self) -> bool {
        match self {
            Self::InputInvalid
            | Self::GateUnreadable
            | Self::GateStale
            | Self::InDoubt
            | Self::LedgerUnavailable
            | Self::ExecutionException
            | Self::Timeout
            | Self::UnknownOutcome
            | Self::TotalTimeout
            | Self::StoppedInFlight => true,
            Self::GateStopped
            | Self::NotAllowed
            | Self::PolicyNeedsEngine
            | Self::NoExecutor
            | Self::CooldownActive
            | Self::IdempotencyKeyMissing
            | Self::IdempotencyKeyReused
            | Self::IdempotencyInProgress
            | Self::IdempotencyKeyExpired
            | Self::IdempotencyKeyConflict
            | Self::RateLimited
            | Self::DeadlineExceeded
            | Self::ExecutorStuck
            | Self::ExecutorFailed
            | Self::Rejected
            | Self::RetryAfterExceedsDeadline
            | Self::Cancelled => false,
        }
    }

    /// Whether the code itself says that an attempt of somebody else may have had, or be having, its effect. Of an
    /// expired key only a hash is left, which does not say how it ended.
    pub(crate) const fn is_unknown_elsewhere(self) -> bool {
        matches!(self, Self::IdempotencyInProgress | Self::IdempotencyKeyExpired | Self::InDoubt)
    }

    /// The status of a report that ends with this code: what was tried has `failed`, what was not is `denied`
    /// (or `skipped`, where the decision itself said so).
    pub const fn status(self, tried: bool) -> ExecutionStatus {
        match self {
            Self::NotAllowed => ExecutionStatus::Skipped,
            Self::InDoubt
            | Self::ExecutorFailed
            | Self::Rejected
            | Self::ExecutionException
            | Self::Timeout
            | Self::UnknownOutcome
            | Self::TotalTimeout
            | Self::RetryAfterExceedsDeadline
            | Self::StoppedInFlight => ExecutionStatus::Failed,
            Self::InputInvalid
            | Self::GateStopped
            | Self::GateUnreadable
            | Self::GateStale
            | Self::PolicyNeedsEngine
            | Self::NoExecutor
            | Self::CooldownActive
            | Self::IdempotencyKeyMissing
            | Self::IdempotencyKeyReused
            | Self::IdempotencyInProgress
            | Self::IdempotencyKeyExpired
            | Self::IdempotencyKeyConflict
            | Self::RateLimited
            | Self::DeadlineExceeded
            | Self::ExecutorStuck
            | Self::LedgerUnavailable
            | Self::Cancelled => {
                if tried {
                    ExecutionStatus::Failed
                } else {
                    ExecutionStatus::Denied
                }
            }
        }
    }
}

impl From<StopCode> for ReasonCode {
    fn from(code: StopCode) -> Self {
        match code {
            StopCode::Stopped => Self::GateStopped,
            StopCode::Unreadable => Self::GateUnreadable,
            StopCode::Stale => Self::GateStale,
        }
    }
}

/// One call of the executor, as the report tells it (INV-EXE-SEC-1: codes only, never a foreign message).
#[derive(Debug, Clone, PartialEq)]
pub struct ExecutionAttempt {
    /// The decision's action.
    pub action: Action,
    /// `success` or `failed`.
    pub status: ExecutionStatus,
    /// Counted from 0, across crashes and restarts where the ledger is durable.
    pub attempt_number: u32,
    /// From the start of the executor to its end, milliseconds.
    pub latency_ms: u64,
    /// The kind of fault: `executor_rejected`, `panic`, `timeout`, an exception's type name.
    pub error_type: Option<Code>,
    /// The fault's code: `executor_failed`, `execution_exception`, `timeout`, or the executor's own.
    pub error_code: Option<Code>,
    /// What it did to the world.
    pub effect: Effect,
    /// Set where the attempt was told to stop.
    pub stopped: Option<Stopped>,
    /// Unix wall time of the start, milliseconds.
    pub started_at_ms: i64,
    /// How long it waited before the start, since the attempt before it or since admission, milliseconds.
    pub waited_ms: u64,
    /// What it waited for, where it waited.
    pub wait_reason: Option<WaitReason>,
}

/// A 128-bit execution id, printed as a UUID.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct ExecutionId(pub u128);

impl fmt::Display for ExecutionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let n = self.0;
        write!(
            f,
            "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
            n >> 96,
            (n >> 80) & 0xffff,
            (n >> 64) & 0xffff,
            (n >> 48) & 0xffff,
            n & 0xffff_ffff_ffff
        )
    }
}

/// The text is no execution's id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an execution's id is a uuid in lower case, with its hyphens")]
pub struct ParseExecutionIdError;

impl FromStr for ExecutionId {
    type Err = ParseExecutionIdError;

    /// Reads what is displayed and no other spelling, so that an id has one text.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let push_digit = |id: u128, (at, byte): (usize, u8)| match (at, byte) {
            (8 | 13 | 18 | 23, b'-') => Some(id),
            (8 | 13 | 18 | 23, _) => None,
            (_, b'0'..=b'9') => Some(id << 4 | u128::from(byte - b'0')),
            (_, b'a'..=b'f') => Some(id << 4 | u128::from(byte - b'a' + 10)),
            _ => None,
        };
        let id = (text.len() == 36).then(|| text.bytes().enumerate().try_fold(0, push_digit)).flatten();
        id.map(Self).ok_or(ParseExecutionIdError)
    }
}

/// How an execution ended: the part of a report that the machine decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Conclusion {
    /// Over all attempts.
    pub status: ExecutionStatus,
    /// What is known of the effect under the key.
    pub outcome: Outcome,
    /// Null on success.
    pub reason_code: Option<ReasonCode>,
    /// Whether the end was forced by a fault or an unknown.
    pub fail_closed: bool,
}

impl Conclusion {
    /// A refusal before anything was tried.
    pub const fn refused(code: ReasonCode) -> Self {
        Self {
            status: code.status(false),
            outcome: if code.is_unknown_elsewhere() { Outcome::Unknown } else { Outcome::NotExecuted },
            reason_code: Some(code),
            fail_closed: code.is_fail_closed(),
        }
    }
}

/// The report of one execution: the same from Rust, command line, HTTP and Python but for ids and times.
#[derive(Debug, Clone, PartialEq)]
pub struct ExecutionReport {
    /// UUIDv7 of the first admission.
    pub execution_id: ExecutionId,
    /// From the submission.
    pub run_id: Option<String>,
    /// From the submission.
    pub step: Option<i64>,
    /// Line of the input, from 1, blank lines counted.
    pub line: Option<u64>,
    /// `None` where the input could not be read.
    pub action: Option<Action>,
    /// How it ended.
    pub conclusion: Conclusion,
    /// Whether this is the stored report of an earlier execution.
    pub replayed: bool,
    /// The key in force.
    pub idempotency_key: Option<String>,
    /// Digest of the plan, where something asked for it. Boxed: a report without one is copied that much faster.
    pub plan_digest: Option<Box<Digest>>,
    /// Every attempt, in order.
    pub attempts: Vec<ExecutionAttempt>,
    /// From admission to the end, milliseconds.
    pub total_latency_ms: u64,
    /// The gate that refused or stopped it.
    pub gate: Option<GateStamp>,
    /// The executor's redacted, size-capped answer.
    pub output: Option<Value>,
    /// The given `external`, merged with the seven `exec.*` keys when it is written out.
    pub external: Object,
    /// The given packet, redacted.
    pub packet: Option<Object>,
}

impl ExecutionReport {
    /// Attempts that applied.
    pub fn success_count(&self) -> usize {
        self.attempts.iter().filter(|attempt| attempt.status == ExecutionStatus::Success).count()
    }

    /// Attempts that did not apply.
    pub fn failed_count(&self) -> usize {
        self.attempts.len() - self.success_count()
    }

    /// 1 if the decision was skipped.
    pub fn skipped_count(&self) -> usize {
        usize::from(self.conclusion.status == ExecutionStatus::Skipped)
    }

    /// 1 if the decision was denied.
    pub fn denied_count(&self) -> usize {
        usize::from(self.conclusion.status == ExecutionStatus::Denied)
    }
}
