//! Where an execution can stand. Deadlines live inside the phase that needs them, so they cannot go stale.

use crate::{model::ReasonCode, time::Timestamp};

/// Where an execution stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Not admitted yet.
    New,
    /// The ledger is being asked about the key.
    LookingUp,
    /// Somebody else is at the key, and the policy says to wait.
    AwaitingKey,
    /// Waiting before an attempt: backoff, a hint, or the decision's throttle.
    Waiting {
        /// The attempt to come.
        attempt: u32,
        /// When it may go on.
        until: Timestamp,
    },
    /// Rate limits and a slot have been asked for.
    Acquiring {
        /// The attempt to come.
        attempt: u32,
    },
    /// The start step is under way: gate, STARTED, executor.
    Starting {
        /// The attempt to come.
        attempt: u32,
    },
    /// The executor has been entered.
    Running {
        /// The attempt that runs.
        attempt: u32,
        /// When it is told to stop.
        deadline: Timestamp,
        /// Whether `deadline` is the execution's rather than the attempt's own.
        is_last: bool,
    },
    /// The attempt has been told to stop.
    Stopping {
        /// The attempt that runs.
        attempt: u32,
        /// When it is ended by force.
        kill_at: Timestamp,
        /// When its end is no longer waited for.
        give_up_at: Timestamp,
        /// Until when its own answer still counts.
        answers_until: Timestamp,
        /// Why it was told.
        cause: StopCause,
    },
    /// The attempt is being ended by force.
    Killing {
        /// The attempt that runs.
        attempt: u32,
        /// When its end is no longer waited for.
        give_up_at: Timestamp,
        /// Why it is ended.
        cause: StopCause,
    },
    /// The outcome is being made durable.
    Recording {
        /// The last attempt.
        attempt: u32,
    },
    /// The report is ready.
    Done,
}

/// Why an attempt is told to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StopCause {
    /// The attempt's own time is up.
    Timeout,
    /// The execution's time is up.
    TotalTime,
    /// The gate.
    Gate,
    /// The caller.
    Cancelled,
}

impl StopCause {
    /// The reason code of an execution that ends so.
    pub const fn code(self) -> ReasonCode {
        match self {
            Self::Timeout => ReasonCode::Timeout,
            Self::TotalTime => ReasonCode::TotalTimeout,
            Self::Gate => ReasonCode::StoppedInFlight,
            Self::Cancelled => ReasonCode::Cancelled,
        }
    }
}
