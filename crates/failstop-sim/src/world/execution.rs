//! One execution of a decision, as the driver and the machine carry it out, and the world that its effect is in.
//!
//! A request, once made, has its effect at some moment or is refused; it does not end with whoever made it.

use execution_orchestration_core::orchestrator::KeyState;

use super::{
    Moment,
    bounds::Mutation,
    ledger::fingerprint,
    process::{Answer, Command, Execution, ExecutionPhase as Phase, Job, Known, owner_id},
    promise::Broken,
    step::{End, What},
};

impl Moment<'_> {
    pub(super) fn execution_steps(&self, at: usize, execution: &Execution, out: &mut Vec<What>) {
        match execution.phase {
            Phase::LookingUp => out.push(What::LookUp(at)),
            Phase::Starting { .. } if self.bounds.has_withdrawals => out.push(What::Withdraw(at)),
            Phase::Starting { .. } | Phase::AwaitingRecovery | Phase::Recording => {}
            Phase::Started { .. } => out.push(What::Enter(at)),
            Phase::Running { has_landed: true, .. } => {
                out.extend([What::Learn(at, End::Applied), What::Learn(at, End::Unknown)]);
            }
            Phase::Running { has_landed: false, .. } => {
                let ends = [End::Refused, End::Unknown].map(|end| What::Learn(at, end));
                out.extend([What::Land(at)].into_iter().chain(ends));
            }
        }
    }

    /// Reads the key's record without a transaction.
    pub(super) fn look_up(&mut self, process: usize, at: usize, execution: Execution) {
        let Some(row) = self.world.ledger.record(execution.key) else {
            return self.follow(process, at, execution, Known::Fresh);
        };
        let is_living = |other: usize| {
            self.world.processes[other].is_living() && row.owner == owner_id(other) && other != process
        };
        let is_alive = !self.mutates(Mutation::SkipOwnerLock)
            && !row.is_terminal()
            && (0..self.world.processes.len()).any(is_living);
        let may_repeat = self.bounds.keys[usize::from(execution.key)].may_repeat;
        let known = Known::of(row.sight(fingerprint(), may_repeat, is_alive), row.attempts, row.fence);
        self.follow(process, at, execution, known);
    }

    fn follow(&mut self, process: usize, at: usize, execution: Execution, known: Known) {
        match known {
            Known::Fresh => self.ask_to_start(process, at, execution, 0),
            Known::Resumable { attempts, fence, is_unknown } => {
                let execution = Execution { fence, is_unknown, ..execution };
                if attempts < self.bounds.attempts {
                    self.ask_to_start(process, at, execution, attempts);
                } else {
                    // Dead owners have used up every attempt: the key ends here.
                    self.conclude(process, at, execution, attempts - 1);
                }
            }
            Known::Orphaned => {
                self.send(process, Command::Recover { job: name(at), key: execution.key });
                self.put(process, at, Execution { phase: Phase::AwaitingRecovery, ..execution });
            }
            Known::Closed => self.process(process).jobs[at] = Job::Over,
        }
    }

    fn ask_to_start(&mut self, process: usize, at: usize, execution: Execution, attempt: u32) {
        let is_new_work = !execution.has_tried;
        let start = Command::Start { job: name(at), key: execution.key, attempt, is_new_work };
        self.send(process, start);
        self.put(process, at, Execution { phase: Phase::Starting { attempt }, ..execution });
    }

    /// Records the end of the execution, its last attempt having been refused or given up.
    fn conclude(&mut self, process: usize, at: usize, execution: Execution, attempt: u32) {
        let state = if execution.is_unknown { KeyState::InDoubt } else { KeyState::Failed };
        self.conclude_as(process, at, execution, (attempt, state));
    }

    fn conclude_as(
        &mut self,
        process: usize,
        at: usize,
        execution: Execution,
        (attempt, state): (u32, KeyState),
    ) {
        let Execution { key, fence, .. } = execution;
        self.send(process, Command::Record { job: Some(name(at)), key, fence, attempt, state });
        self.put(process, at, Execution { phase: Phase::Recording, ..execution });
    }

    /// The caller does not wait for the start any more.
    pub(super) fn withdraw(&mut self, process: usize, at: usize, execution: Execution) {
        if let Phase::Starting { attempt } = execution.phase {
            self.send(process, Command::Withdraw { key: execution.key, attempt });
        }
        self.process(process).jobs[at] = Job::Over;
    }

    pub(super) fn enter(&mut self, process: usize, at: usize, execution: Execution) {
        let Phase::Started { attempt } = execution.phase else { return };
        if !self.world.ledger.has_started(execution.key, execution.fence) {
            self.broken.push(Broken::EnteredUnrecorded);
        }
        let phase = Phase::Running { attempt, has_landed: false };
        self.put(process, at, Execution { phase, has_tried: true, ..execution });
    }

    pub(super) fn land(&mut self, process: usize, at: usize, execution: Execution) {
        let Phase::Running { attempt, .. } = execution.phase else { return };
        self.world.effects[usize::from(execution.key)].happened += 1;
        self.put(process, at, Execution { phase: Phase::Running { attempt, has_landed: true }, ..execution });
    }

    /// A request that nobody waits for any more may still have its effect.
    pub(super) fn give_up(&mut self, execution: &Execution) {
        if let Phase::Running { has_landed: false, .. } = execution.phase {
            self.world.effects[usize::from(execution.key)].may_happen += 1;
        }
    }

    pub(super) fn learn(&mut self, process: usize, at: usize, execution: Execution, end: End) {
        let Phase::Running { attempt, .. } = execution.phase else { return };
        let next = Some(attempt + 1).filter(|next| *next < self.bounds.attempts);
        if end == End::Unknown {
            self.give_up(&execution);
        }
        let is_mistaken = end == End::Unknown && self.mutates(Mutation::TakeUnknownForRefused);
        match (if is_mistaken { End::Refused } else { end }, next) {
            (End::Applied, _) => {
                self.conclude_as(process, at, execution, (attempt, KeyState::Succeeded));
            }
            (End::Refused, Some(next)) => self.retry_refused(process, at, execution, next),
            (End::Refused, None) => self.conclude(process, at, execution, attempt),
            (End::Unknown, next) => {
                let may_repeat = self.bounds.keys[usize::from(execution.key)].may_repeat;
                let execution = Execution { is_unknown: true, ..execution };
                match next.filter(|_| may_repeat) {
                    Some(next) => self.ask_to_start(process, at, execution, next),
                    None => self.conclude(process, at, execution, attempt),
                }
            }
        }
    }

    /// An open key says that nothing has happened under it, so after any unknown it stays started. Nobody waits for it
    /// to be recorded.
    fn retry_refused(&mut self, process: usize, at: usize, execution: Execution, next: u32) {
        if !execution.is_unknown {
            let Execution { key, fence, .. } = execution;
            let (attempt, state) = (next - 1, KeyState::Open);
            self.send(process, Command::Record { job: None, key, fence, attempt, state });
        }
        self.ask_to_start(process, at, execution, next);
    }

    pub(super) fn hear_execution(&mut self, process: usize, at: usize, execution: Execution, answer: Answer) {
        match (execution.phase, answer) {
            (Phase::Starting { attempt }, Answer::Started { fence }) => {
                self.put(process, at, Execution { phase: Phase::Started { attempt }, fence, ..execution });
            }
            // What has not tried yet is denied, and leaves its key as it is.
            (Phase::Starting { attempt }, Answer::Barred) if execution.has_tried => {
                self.conclude(process, at, execution, attempt - 1);
            }
            (Phase::Starting { .. } | Phase::AwaitingRecovery, Answer::Known(known)) => {
                self.follow(process, at, execution, known);
            }
            (
                Phase::LookingUp
                | Phase::AwaitingRecovery
                | Phase::Starting { .. }
                | Phase::Started { .. }
                | Phase::Running { .. }
                | Phase::Recording,
                Answer::Started { .. } | Answer::Barred | Answer::Known(_) | Answer::Done,
            ) => self.process(process).jobs[at] = Job::Over,
        }
    }

    fn put(&mut self, process: usize, at: usize, execution: Execution) {
        self.process(process).jobs[at] = Job::Execution(execution);
    }
}

/// The name under which a job is answered.
pub(super) fn name(at: usize) -> u8 {
    u8::try_from(at).unwrap_or(u8::MAX - 1)
}
