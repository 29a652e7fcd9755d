//! One process: what it has to do, and its writer.

use std::rc::Rc;

use execution_orchestration_core::{
    ledger::{OwnerId, Sight},
    orchestrator::KeyState,
    stop::Level,
};

use super::{bounds::Plan, ledger::Ledger, step::What};

/// In place of a job: the opening of the ledger.
pub(super) const OPENING: u8 = u8::MAX;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Life {
    Unborn,
    /// Recovers what dead owners left, and does nothing else yet.
    Opening,
    Alive,
    /// Killed, or done; its locks are free.
    Gone,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Process {
    pub(super) life: Life,
    pub(super) jobs: Vec<Job>,
    /// What was sent to the writer, in order.
    pub(super) queue: Vec<Command>,
    pub(super) writer: Writer,
    /// The gate's epoch as the watch last saw it.
    pub(super) seen_epoch: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub(super) struct Writer {
    pub(super) phase: WriterPhase,
    pub(super) group: Vec<Command>,
    /// The ledger as it will be if the transaction is committed.
    pub(super) pending: Option<Rc<Ledger>>,
    pub(super) answers: Vec<(u8, Answer)>,
    /// The epoch whose byte is locked, shared.
    pub(super) hold: Option<u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(super) enum WriterPhase {
    #[default]
    Idle,
    /// In a transaction; the gate was read for the first time, or after it had moved on.
    Read {
        seen: u64,
    },
    /// The lock of that epoch was tried.
    Tried {
        seen: u64,
    },
    /// Only where the lock comes too late.
    LockingLate {
        seen: u64,
    },
    Performed,
    Committed,
}

impl WriterPhase {
    pub(super) const fn is_in_transaction(self) -> bool {
        matches!(self, Self::Read { .. } | Self::Tried { .. } | Self::LockingLate { .. } | Self::Performed)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Command {
    /// What opening a ledger does first.
    RecoverDead {
        is_opening: bool,
    },
    Recover {
        job: u8,
        key: u8,
    },
    Start {
        job: u8,
        key: u8,
        attempt: u32,
        is_new_work: bool,
    },
    /// `job` waits for it, if any does.
    Record {
        job: Option<u8>,
        key: u8,
        fence: u64,
        attempt: u32,
        state: KeyState,
    },
    Withdraw {
        key: u8,
        attempt: u32,
    },
    RecordGate {
        job: Option<u8>,
    },
    Announce {
        job: Option<u8>,
        scope: usize,
        expected_epoch: u64,
    },
}

impl Command {
    pub(super) const fn reads_gate(&self) -> bool {
        matches!(self, Self::Start { .. } | Self::RecordGate { .. } | Self::Announce { .. })
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Answer {
    Started { fence: u64 },
    Barred,
    Known(Known),
    Done,
}

/// What an execution makes of what is known of its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Known {
    Fresh,
    Resumable {
        attempts: u32,
        fence: u64,
        is_unknown: bool,
    },
    /// To be recorded as in doubt first.
    Orphaned,
    /// Replayed, in progress elsewhere, in doubt.
    Closed,
}

impl Known {
    pub(super) fn of(sight: Sight, attempts: u32, fence: u64) -> Self {
        match sight {
            Sight::Resumable { unknown } => Self::Resumable { attempts, fence, is_unknown: unknown },
            Sight::Orphaned => Self::Orphaned,
            Sight::Reused | Sight::InProgress | Sight::Finished | Sight::InDoubt => Self::Closed,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Job {
    Execution(Execution),
    Stop { scope: usize, level: Level, phase: StopPhase },
    Release { scope: usize, phase: ReleasePhase },
    Over,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Execution {
    pub(super) key: u8,
    pub(super) phase: ExecutionPhase,
    /// Of its last start, or of the one that it goes on from.
    pub(super) fence: u64,
    /// Whether it has had an attempt of its own.
    pub(super) has_tried: bool,
    /// Whether an attempt so far may have had an effect.
    pub(super) is_unknown: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum ExecutionPhase {
    LookingUp,
    AwaitingRecovery,
    Starting {
        attempt: u32,
    },
    Started {
        attempt: u32,
    },
    /// The executor was entered; whether its request has had its effect.
    Running {
        attempt: u32,
        has_landed: bool,
    },
    Recording,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum StopPhase {
    Waiting,
    /// Alone at the gate, and about to write; the epoch that it read.
    Latching {
        read: u64,
    },
    /// In force from this epoch on.
    Latched {
        epoch: u64,
    },
    Settling {
        epoch: u64,
        below: u64,
    },
    /// Holds all bytes below alone.
    Settled {
        epoch: u64,
        below: u64,
    },
    Recording,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum ReleasePhase {
    Waiting,
    Announcing(Prepared),
    Announced(Prepared),
    /// Alone at the gate, and about to write.
    Lowering(Prepared),
    Recording,
}

/// What a release has seen of the gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Prepared {
    pub(super) expected_epoch: u64,
    pub(super) gate_epoch: u64,
}

impl Process {
    pub(super) fn new(plans: &[Plan], life: Life, seen_epoch: u64) -> Self {
        let jobs = plans.iter().map(|plan| Job::new(*plan)).collect();
        Self { life, jobs, queue: Vec::new(), writer: Writer::default(), seen_epoch }
    }

    /// What is left of a process.
    pub(super) fn gone() -> Self {
        Self::new(&[], Life::Gone, 0)
    }

    pub(super) const fn is_living(&self) -> bool {
        matches!(self.life, Life::Opening | Life::Alive)
    }

    /// Whether it has nothing left to do.
    pub(super) fn is_done(&self) -> bool {
        self.life == Life::Alive
            && self.jobs.iter().all(|job| *job == Job::Over)
            && self.queue.is_empty()
            && self.writer.phase == WriterPhase::Idle
    }

    pub(super) fn has_executions(&self) -> bool {
        self.jobs.iter().any(|job| matches!(job, Job::Execution(_)))
    }

    /// The write of a change of the gate, from which it keeps all others.
    pub(super) fn write_under_way(&self) -> Option<What> {
        self.jobs.iter().enumerate().find_map(|(at, job)| match job {
            Job::Stop { phase: StopPhase::Latching { .. }, .. } => Some(What::WriteLatch(at)),
            Job::Release { phase: ReleasePhase::Lowering(_), .. } => Some(What::WriteRelease(at)),
            Job::Execution(_) | Job::Stop { .. } | Job::Release { .. } | Job::Over => None,
        })
    }

    /// The epoch below which it holds all bytes alone.
    pub(super) fn settled_below(&self) -> Option<u64> {
        self.jobs.iter().find_map(|job| match job {
            Job::Stop { phase: StopPhase::Settled { below, .. }, .. } => Some(*below),
            Job::Execution(_) | Job::Stop { .. } | Job::Release { .. } | Job::Over => None,
        })
    }
}

impl Writer {
    /// What nobody can tell apart from the step before it.
    pub(super) fn private_step(&self) -> Option<What> {
        match self.phase {
            // The group has not read the gate.
            WriterPhase::Performed if self.hold.is_none() => Some(What::Commit),
            WriterPhase::Committed if self.answers.is_empty() => Some(What::LetGo),
            WriterPhase::Committed => Some(What::Answer),
            WriterPhase::Idle
            | WriterPhase::Read { .. }
            | WriterPhase::Tried { .. }
            | WriterPhase::LockingLate { .. }
            | WriterPhase::Performed => None,
        }
    }
}

impl Job {
    fn new(plan: Plan) -> Self {
        match plan {
            Plan::Execute(key) => Self::Execution(Execution {
                key,
                phase: ExecutionPhase::LookingUp,
                fence: 0,
                has_tried: false,
                is_unknown: false,
            }),
            Plan::Stop(scope, level) => {
                Self::Stop { scope: super::gate::index(scope), level, phase: StopPhase::Waiting }
            }
            Plan::Release(scope) => {
                Self::Release { scope: super::gate::index(scope), phase: ReleasePhase::Waiting }
            }
        }
    }
}

/// The name by which the process at this place owns keys.
pub(super) const fn owner_id(process: usize) -> OwnerId {
    OwnerId(process as u128 + 1)
}
