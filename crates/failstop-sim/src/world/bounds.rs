//! How large a world is, and how it may be wrong.

use decision_schema::Action;
use execution_orchestration_core::stop::{Level, Scope};

/// How large a world is.
#[derive(Debug, Clone)]
pub struct Bounds {
    /// The keys that there are.
    pub keys: Vec<KeyPlan>,
    /// Each living process from the beginning, as what it has to do, all at once; one execution a key.
    pub processes: Vec<Vec<Plan>>,
    /// One more process with this work, which opens the ledger once somebody was killed; none if empty.
    pub heir: Vec<Plan>,
    /// How many attempts each key has.
    pub attempts: u32,
    /// How many processes are killed, at any moment.
    pub deaths: u8,
    /// Whether processes watch the gate and have its changes recorded.
    pub has_watch: bool,
    /// Whether callers may drop an execution that waits for its start.
    pub has_withdrawals: bool,
}

/// What a key stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyPlan {
    /// Under which scope of the gate it starts.
    pub action: Action,
    /// Whether the executor's class allows its effect to happen more than once.
    pub may_repeat: bool,
}

/// One thing that a process has to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plan {
    /// To execute the decision of this key.
    Execute(u8),
    /// To stop this scope, at this level.
    Stop(Scope, Level),
    /// To release this scope once it is stopped.
    Release(Scope),
}

/// One thing that the code does and the world leaves out: what it is there for is what then goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mutation {
    /// A start reads the gate for the second time, and takes its shared lock after that.
    LockAfterReading,
    /// The shared lock is let go before the commit.
    LetGoBeforeCommit,
    /// A stop is acknowledged without waiting for the starts under way.
    SettleWithoutWaiting,
    /// A stop waits for the starts below the epoch from before its own latch.
    SettleBelowTheOldEpoch,
    /// The gate is changed without excluding others who change it.
    LatchWithoutWriterLock,
    /// A start is answered before it is durable.
    AnswerBeforeCommit,
    /// The gate's changes are recorded behind the starts of the group that found them.
    RecordGateBehindStarts,
    /// A start writes its record without asking the one that is there.
    StartUnasked,
    /// Nobody looks at the lock by which an owner is known to live.
    SkipOwnerLock,
    /// An attempt that died with its owner is taken for one without effect.
    ReopenOrphans,
    /// An unknown end is taken for a refusal.
    TakeUnknownForRefused,
    /// A release is in force first, and announced then.
    ReleaseBeforeAnnounced,
    /// A release does not look whether the gate changed since it was prepared.
    ReleaseWithoutComparing,
    /// A withdrawal does not look whether the attempt is the one that was withdrawn.
    WithdrawUnasked,
}
