//! The writer, step by step: a group is taken and its transaction begun, the gate is read, locked and read again, the
//! commands are done, the transaction is committed, the answers are given, and the gate's lock is let go.
//!
//! Waiting for the write lock and the first thing done under it are one step: nobody can tell them apart.

use std::rc::Rc;

use super::{
    Moment,
    bounds::Mutation,
    gate::Gate,
    ledger::{Reading, Steps, Told, action_of},
    process::{Answer, Command, Life, OPENING, WriterPhase},
    promise::Broken,
    step::What,
};

impl Moment<'_> {
    /// What the writer of `process` can do next.
    pub(super) fn writer_steps(&self, process: usize, out: &mut Vec<What>) {
        let writer = &self.world.processes[process].writer;
        let answers_early = self.mutates(Mutation::AnswerBeforeCommit) && !writer.answers.is_empty();
        match writer.phase {
            WriterPhase::Idle if self.world.is_write_locked() => {}
            WriterPhase::Idle => {
                let queued = self.world.processes[process].queue.len();
                out.extend((1..=queued).map(|count| What::Begin { count }));
            }
            WriterPhase::Read { .. } | WriterPhase::LockingLate { .. } => out.push(What::TryLock),
            WriterPhase::Tried { .. } => out.push(What::ReadAgain),
            WriterPhase::Performed if answers_early => out.push(What::Answer),
            WriterPhase::Performed => out.push(What::Commit),
            WriterPhase::Committed if writer.answers.is_empty() => out.push(What::LetGo),
            WriterPhase::Committed => out.push(What::Answer),
        }
    }

    /// Takes the first commands of the queue: those that came before the group was formed.
    pub(super) fn begin(&mut self, process: usize, count: usize) {
        let seen = self.world.gate.epoch();
        let me = self.process(process);
        me.writer.group = me.queue.drain(..count).collect();
        if me.writer.group.iter().any(Command::reads_gate) {
            me.writer.phase = WriterPhase::Read { seen };
        } else {
            self.perform(process, Reading::NotRead);
        }
    }

    /// Never waits: refused only while somebody holds that byte alone.
    pub(super) fn try_lock(&mut self, process: usize) {
        let is_late = self.mutates(Mutation::LockAfterReading);
        let phase = self.world.processes[process].writer.phase;
        match phase {
            WriterPhase::Read { seen } if is_late => self.read_again_unlocked(process, seen),
            WriterPhase::Read { seen } => {
                let is_free = !self.world.is_settled_over(seen);
                let writer = &mut self.process(process).writer;
                writer.hold = is_free.then_some(seen);
                writer.phase = WriterPhase::Tried { seen };
            }
            WriterPhase::LockingLate { seen } => {
                let is_free = !self.world.is_settled_over(seen);
                let writer = &mut self.process(process).writer;
                writer.hold = is_free.then_some(seen);
                writer.phase = WriterPhase::Performed;
            }
            WriterPhase::Idle
            | WriterPhase::Tried { .. }
            | WriterPhase::Performed
            | WriterPhase::Committed => {}
        }
    }

    fn read_again_unlocked(&mut self, process: usize, seen: u64) {
        let gate = self.world.gate;
        if gate.epoch() == seen {
            self.perform(process, Reading::Held(gate));
            self.process(process).writer.phase = WriterPhase::LockingLate { seen };
        } else {
            self.process(process).writer.phase = WriterPhase::Read { seen: gate.epoch() };
        }
    }

    pub(super) fn read_again(&mut self, process: usize, seen: u64) {
        let gate = self.world.gate;
        if self.world.processes[process].writer.hold == Some(seen) && gate.epoch() == seen {
            return self.perform(process, Reading::Held(gate));
        }
        let writer = &mut self.process(process).writer;
        writer.hold = None;
        writer.phase = WriterPhase::Read { seen: gate.epoch() };
    }

    /// Does the commands of the group. Nobody sees it before the commit.
    fn perform(&mut self, process: usize, reading: Reading) {
        let reading = match reading {
            Reading::Held(gate) => Reading::Held(without_ghosts(gate)),
            Reading::NotRead => Reading::NotRead,
        };
        let group = std::mem::take(&mut self.process(process).writer.group);
        let mut steps = Steps {
            bounds: self.bounds,
            mutation: self.mutation,
            ledger: (*self.world.ledger).clone(),
            reading,
            process,
            living: self.world.processes.iter().map(|process| process.is_living()).collect(),
            answers: Vec::new(),
        };
        steps.perform(&group);
        let Steps { ledger, answers, .. } = steps;
        let lets_go = self.mutates(Mutation::LetGoBeforeCommit);
        let writer = &mut self.process(process).writer;
        writer.pending = Some(Rc::new(ledger));
        writer.answers = answers;
        writer.phase = WriterPhase::Performed;
        if lets_go {
            writer.hold = None;
        }
    }

    pub(super) fn commit(&mut self, process: usize) {
        let writer = &mut self.process(process).writer;
        writer.phase = WriterPhase::Committed;
        let Some(ledger) = writer.pending.take() else { return };
        let news = ledger.told[self.world.ledger.told.len()..].to_vec();
        self.world.ledger = ledger;
        let is_late = news.into_iter().any(|told| self.is_start_after_stop(told));
        self.broken.extend(is_late.then_some(Broken::StartedAfterStop));
        self.end_group(process);
    }

    /// Whether it is a start that is made durable behind an acknowledged stop.
    fn is_start_after_stop(&self, told: Told) -> bool {
        let Told::Started { key, gate_epoch, is_new_work, .. } = told else { return false };
        let in_force = self.world.gate.acknowledged_verdict(action_of(self.bounds, key));
        gate_epoch < self.world.settled_epoch || in_force.bars_start(is_new_work)
    }

    pub(super) fn answer(&mut self, process: usize) {
        let answers = std::mem::take(&mut self.process(process).writer.answers);
        for (job, answer) in answers {
            if job == OPENING {
                self.process(process).life = Life::Alive;
            } else {
                self.hear(process, job, answer);
            }
        }
        self.end_group(process);
    }

    /// Where no lock is left to be let go, the group is over with its last answer.
    fn end_group(&mut self, process: usize) {
        let writer = &mut self.process(process).writer;
        if writer.phase == WriterPhase::Committed && writer.answers.is_empty() && writer.hold.is_none() {
            writer.phase = WriterPhase::Idle;
        }
    }

    pub(super) fn let_go(&mut self, process: usize) {
        let writer = &mut self.process(process).writer;
        writer.hold = None;
        writer.phase = WriterPhase::Idle;
    }

    fn hear(&mut self, process: usize, job: u8, answer: Answer) {
        use super::process::Job;
        let at = usize::from(job);
        match self.world.processes[process].jobs[at] {
            Job::Execution(execution) => self.hear_execution(process, at, execution, answer),
            Job::Stop { .. } | Job::Release { .. } => self.hear_operator(process, at),
            // Nobody waits any more.
            Job::Over => {}
        }
    }
}

fn without_ghosts(mut gate: Gate) -> Gate {
    for slot in &mut gate.slots {
        slot.is_acknowledged = false;
    }
    gate
}
