//! Those who change the gate from outside: a stop latches, waits until no older start can be under way, and is
//! acknowledged; a release looks, is announced, compares and lowers.

use execution_orchestration_core::stop::Level;

use super::{
    Moment,
    bounds::Mutation,
    execution::name,
    gate::Slot,
    process::{Command, Job, Life, Prepared, ReleasePhase, StopPhase},
    promise::Broken,
    step::What,
};

impl Moment<'_> {
    pub(super) fn stop_steps(&self, at: usize, phase: StopPhase, out: &mut Vec<What>) {
        match phase {
            StopPhase::Waiting if self.may_change_gate() => out.push(What::Latch(at)),
            StopPhase::Latching { .. } => out.push(What::WriteLatch(at)),
            StopPhase::Latched { .. } => out.push(What::LookToSettle(at)),
            StopPhase::Settling { below, .. } if self.may_settle(below) => out.push(What::Settle(at)),
            StopPhase::Waiting | StopPhase::Settling { .. } | StopPhase::Recording => {}
            StopPhase::Settled { .. } => out.push(What::Acknowledge(at)),
        }
    }

    pub(super) fn release_steps(&self, at: usize, scope: usize, phase: ReleasePhase, out: &mut Vec<What>) {
        match phase {
            ReleasePhase::Waiting => {
                if self.world.gate.slots[scope].level > Level::Run || !self.world.will_stop() {
                    out.push(What::Prepare(at));
                }
            }
            ReleasePhase::Announced(_) if self.may_change_gate() => out.push(What::Compare(at)),
            ReleasePhase::Announcing(_) | ReleasePhase::Announced(_) | ReleasePhase::Recording => {}
            ReleasePhase::Lowering(_) => out.push(What::WriteRelease(at)),
        }
    }

    fn may_change_gate(&self) -> bool {
        self.mutates(Mutation::LatchWithoutWriterLock)
            || !self.world.processes.iter().any(|process| process.write_under_way().is_some())
    }

    fn may_settle(&self, below: u64) -> bool {
        self.mutates(Mutation::SettleWithoutWaiting)
            || self.world.processes.iter().all(|process| {
                process.settled_below().is_none() && process.writer.hold.is_none_or(|held| held >= below)
            })
    }

    /// One step of a stop.
    pub(super) fn take_stop(&mut self, process: usize, at: usize) {
        let Job::Stop { scope, level, phase } = self.world.processes[process].jobs[at] else { return };
        let next = match phase {
            StopPhase::Waiting if self.world.gate.slots[scope].level >= level => {
                StopPhase::Latched { epoch: self.world.gate.slots[scope].epoch }
            }
            StopPhase::Waiting => StopPhase::Latching { read: self.world.gate.epoch() },
            StopPhase::Latching { read } => {
                self.write_slot(scope, level, read + 1);
                StopPhase::Latched { epoch: read + 1 }
            }
            StopPhase::Latched { epoch } if self.mutates(Mutation::SettleBelowTheOldEpoch) => {
                StopPhase::Settling { epoch, below: epoch - 1 }
            }
            StopPhase::Latched { epoch } => StopPhase::Settling { epoch, below: self.world.gate.epoch() },
            StopPhase::Settling { epoch, below } => StopPhase::Settled { epoch, below },
            StopPhase::Settled { epoch, .. } => {
                return self.acknowledge(process, at, (scope, level), epoch);
            }
            StopPhase::Recording => StopPhase::Recording,
        };
        self.process(process).jobs[at] = Job::Stop { scope, level, phase: next };
    }

    fn acknowledge(&mut self, process: usize, at: usize, (scope, level): (usize, Level), epoch: u64) {
        self.world.settled_epoch = self.world.settled_epoch.max(epoch);
        let slot = &mut self.world.gate.slots[scope];
        // It may have been released, or released and stopped again, since it was latched.
        slot.is_acknowledged |= slot.level >= level && slot.epoch == epoch;
        let has_owners = self
            .world
            .processes
            .iter()
            .any(|process| process.life == Life::Alive && process.has_executions());
        if has_owners {
            self.process(process).jobs[at] = Job::Over;
        } else {
            self.send(process, Command::RecoverDead { is_opening: false });
            self.send(process, Command::RecordGate { job: Some(name(at)) });
            self.process(process).jobs[at] = Job::Stop { scope, level, phase: StopPhase::Recording };
        }
    }

    /// One step of a release.
    pub(super) fn take_release(&mut self, process: usize, at: usize) {
        let Job::Release { scope, phase } = self.world.processes[process].jobs[at] else { return };
        let gate = self.world.gate;
        match phase {
            ReleasePhase::Waiting if gate.slots[scope].level == Level::Run => {
                self.process(process).jobs[at] = Job::Over;
            }
            ReleasePhase::Waiting => {
                let expected_epoch = gate.slots[scope].epoch;
                self.prepare(process, at, scope, Prepared { expected_epoch, gate_epoch: gate.epoch() });
            }
            ReleasePhase::Announced(prepared) => {
                let compares = !self.mutates(Mutation::ReleaseWithoutComparing);
                self.process(process).jobs[at] = if compares && gate.epoch() != prepared.gate_epoch {
                    Job::Over
                } else {
                    Job::Release { scope, phase: ReleasePhase::Lowering(prepared) }
                };
            }
            ReleasePhase::Lowering(prepared) => self.lower(process, at, scope, prepared),
            ReleasePhase::Announcing(_) | ReleasePhase::Recording => {}
        }
    }

    fn prepare(&mut self, process: usize, at: usize, scope: usize, prepared: Prepared) {
        let phase = if self.mutates(Mutation::ReleaseBeforeAnnounced) {
            ReleasePhase::Announced(prepared)
        } else {
            let Prepared { expected_epoch, .. } = prepared;
            self.send(process, Command::RecoverDead { is_opening: false });
            self.send(process, Command::Announce { job: Some(name(at)), scope, expected_epoch });
            ReleasePhase::Announcing(prepared)
        };
        self.process(process).jobs[at] = Job::Release { scope, phase };
    }

    fn lower(&mut self, process: usize, at: usize, scope: usize, prepared: Prepared) {
        let Prepared { expected_epoch, gate_epoch } = prepared;
        if !self.world.ledger.is_announced(scope, expected_epoch) {
            self.broken.push(Broken::ReleasedUnannounced);
        }
        self.write_slot(scope, Level::Run, gate_epoch + 1);
        if self.mutates(Mutation::ReleaseBeforeAnnounced) {
            self.send(process, Command::Announce { job: None, scope, expected_epoch });
        }
        self.send(process, Command::RecordGate { job: Some(name(at)) });
        self.process(process).jobs[at] = Job::Release { scope, phase: ReleasePhase::Recording };
    }

    fn write_slot(&mut self, scope: usize, level: Level, epoch: u64) {
        if epoch <= self.world.gate.epoch() {
            self.broken.push(Broken::EpochReused);
        }
        self.world.gate.slots[scope] = Slot { level, epoch, is_acknowledged: false };
    }

    pub(super) fn hear_operator(&mut self, process: usize, at: usize) {
        let job = &mut self.process(process).jobs[at];
        *job = match *job {
            Job::Release { scope, phase: ReleasePhase::Announcing(prepared) } => {
                Job::Release { scope, phase: ReleasePhase::Announced(prepared) }
            }
            Job::Release { .. } | Job::Stop { .. } | Job::Execution(_) | Job::Over => Job::Over,
        };
    }
}
