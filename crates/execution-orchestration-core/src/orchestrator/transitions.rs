//! Every phase meets every input, in full and without a wildcard: a new variant on either side does not compile until
//! someone decides its rows. Late and repeated inputs are noted and change nothing.

use super::{
    Admission, Ended, Input, Lookup, Machine, Note, Output, Outputs, PermitRefusal, Phase, Prior,
    StartRefusal, StopCause, unanswered,
};
use crate::{
    model::{Effect, ReasonCode, Stopped, WaitReason},
    stop::{Level, Verdict},
    time::Timestamp,
};

impl Machine<'_> {
    /// Takes one input and appends what must now be done to `out`. Never blocks, never panics on outside data.
    pub fn handle(&mut self, now: Timestamp, input: Input, out: &mut Outputs) {
        match input {
            Input::Admit(admission) => self.on_admit(now, admission, out),
            Input::LookedUp(lookup) => self.on_looked_up(now, lookup, out),
            Input::KeyFreed => self.on_key_freed(out),
            Input::Granted(waited_for) => self.on_granted(now, waited_for, out),
            Input::NotGranted(refusal) => self.on_not_granted(refusal, out),
            Input::Started { at_ms } => self.on_started(now, at_ms, out),
            Input::NotStarted(refusal) => self.on_not_started(now, refusal, out),
            Input::Finished { attempt, ended } => self.on_finished(now, attempt, ended, out),
            Input::Halted { attempt, stopped } => self.on_halted(now, attempt, stopped, out),
            Input::Recorded => self.on_recorded(out),
            Input::RecordLost => self.on_record_lost(out),
            Input::GateChanged(verdict) => self.on_gate(now, verdict, out),
            Input::Cancel => self.on_cancel(now, out),
            Input::Tick => self.on_tick(now, out),
        }
    }

    fn on_admit(&mut self, now: Timestamp, admission: Admission, out: &mut Outputs) {
        match self.phase {
            Phase::New => {
                self.admitted_at = now;
                self.idle_since = now;
                self.verdict = admission.verdict;
                self.throttle_ms = admission.throttle_ms;
                if admission.verdict.bars_new_work() {
                    self.conclude_by_gate(out);
                } else if !admission.allowed {
                    self.conclude(Some(ReasonCode::NotAllowed), out);
                } else if let Some(code) = admission.refusal {
                    self.conclude(Some(code), out);
                } else if self.is_keyed() {
                    self.phase = Phase::LookingUp;
                    out.push(Output::LookUp);
                } else {
                    self.approach_first(now, out);
                }
            }
            Phase::LookingUp
            | Phase::AwaitingKey
            | Phase::Waiting { .. }
            | Phase::Acquiring { .. }
            | Phase::Starting { .. }
            | Phase::Running { .. }
            | Phase::Stopping { .. }
            | Phase::Killing { .. }
            | Phase::Recording { .. }
            | Phase::Done => Self::note(out, Note::Ignored),
        }
    }

    /// Goes on to the first attempt of this execution, through the decision's throttle.
    fn approach_first(&mut self, now: Timestamp, out: &mut Outputs) {
        let attempt = self.next_attempt();
        let until = now.plus_ms(self.throttle_ms);
        if attempt > self.policy().retry().max_retries {
            // Attempts are counted for ever: a dead owner may have used them all (INV-EXE-2).
            let code =
                if self.prior.unknown { ReasonCode::UnknownOutcome } else { ReasonCode::ExecutorFailed };
            self.conclude_spent(code, out);
        } else if self.throttle_ms == 0 {
            self.acquire(now, attempt, out);
        } else if self.has_room(until) {
            self.waits_for = Some(WaitReason::Throttle);
            self.phase = Phase::Waiting { attempt, until };
        } else {
            self.conclude(Some(ReasonCode::DeadlineExceeded), out);
        }
    }

    fn on_looked_up(&mut self, now: Timestamp, lookup: Lookup, out: &mut Outputs) {
        match self.phase {
            Phase::LookingUp => self.follow_lookup(now, lookup, out),
            Phase::New
            | Phase::AwaitingKey
            | Phase::Waiting { .. }
            | Phase::Acquiring { .. }
            | Phase::Starting { .. }
            | Phase::Running { .. }
            | Phase::Stopping { .. }
            | Phase::Killing { .. }
            | Phase::Recording { .. }
            | Phase::Done => Self::note(out, Note::Ignored),
        }
    }

    fn follow_lookup(&mut self, now: Timestamp, lookup: Lookup, out: &mut Outputs) {
        match lookup {
            Lookup::Fresh => {
                self.prior = Prior::default();
                self.approach_first(now, out);
            }
            Lookup::Resumable(prior) => {
                self.prior = prior;
                self.approach_first(now, out);
            }
            Lookup::InProgress if self.waits_for_key() => {
                // Until the ledger says more, whoever holds the key may be having its effect (INV-FS-3).
                self.prior.unknown = true;
                self.phase = Phase::AwaitingKey;
                out.push(Output::AwaitKey);
            }
            Lookup::InProgress => self.conclude(Some(ReasonCode::IdempotencyInProgress), out),
            Lookup::InDoubt => self.conclude(Some(ReasonCode::InDoubt), out),
            Lookup::Finished => self.finish(out),
            Lookup::Refused(code) => self.conclude(Some(code), out),
            Lookup::Unavailable => self.conclude_unread(out),
        }
    }

    /// What was heard during the start step counts before anything is begun again (INV-EXE-4).
    fn follow_race(&mut self, now: Timestamp, lookup: Lookup, out: &mut Outputs) {
        let goes_on = match lookup {
            Lookup::Fresh | Lookup::Resumable(_) => true,
            Lookup::InProgress => self.waits_for_key(),
            Lookup::Finished | Lookup::InDoubt | Lookup::Refused(_) | Lookup::Unavailable => false,
        };
        if goes_on && self.verdict.bars_start(!self.has_tried()) {
            self.conclude_by_gate(out);
        } else if goes_on && self.is_cancelled {
            self.conclude(Some(ReasonCode::Cancelled), out);
        } else {
            self.follow_lookup(now, lookup, out);
        }
    }

    fn on_key_freed(&mut self, out: &mut Outputs) {
        match self.phase {
            Phase::AwaitingKey => {
                self.phase = Phase::LookingUp;
                out.push(Output::LookUp);
            }
            Phase::New
            | Phase::LookingUp
            | Phase::Waiting { .. }
            | Phase::Acquiring { .. }
            | Phase::Starting { .. }
            | Phase::Running { .. }
            | Phase::Stopping { .. }
            | Phase::Killing { .. }
            | Phase::Recording { .. }
            | Phase::Done => Self::note(out, Note::Ignored),
        }
    }

    fn on_granted(&mut self, now: Timestamp, waited_for: Option<WaitReason>, out: &mut Outputs) {
        match self.phase {
            Phase::Acquiring { attempt } => {
                self.waits_for = self.waits_for.or(waited_for);
                if self.has_room(now) {
                    self.start(attempt, out);
                } else {
                    self.conclude(Some(self.out_of_time()), out);
                }
            }
            Phase::New
            | Phase::LookingUp
            | Phase::AwaitingKey
            | Phase::Waiting { .. }
            | Phase::Starting { .. }
            | Phase::Running { .. }
            | Phase::Stopping { .. }
            | Phase::Killing { .. }
            | Phase::Recording { .. }
            | Phase::Done => Self::note(out, Note::Ignored),
        }
    }

    fn on_not_granted(&mut self, refusal: PermitRefusal, out: &mut Outputs) {
        match self.phase {
            Phase::Acquiring { .. } => self.conclude(
                Some(match refusal {
                    PermitRefusal::RateLimited => ReasonCode::RateLimited,
                    PermitRefusal::ExecutorStuck => ReasonCode::ExecutorStuck,
                    // Before any attempt of its own there is no error to end with.
                    PermitRefusal::NoRetry => self.last_error.unwrap_or(ReasonCode::RateLimited),
                }),
                out,
            ),
            Phase::New
            | Phase::LookingUp
            | Phase::AwaitingKey
            | Phase::Waiting { .. }
            | Phase::Starting { .. }
            | Phase::Running { .. }
            | Phase::Stopping { .. }
            | Phase::Killing { .. }
            | Phase::Recording { .. }
            | Phase::Done => Self::note(out, Note::Ignored),
        }
    }

    fn on_started(&mut self, now: Timestamp, at_ms: i64, out: &mut Outputs) {
        match self.phase {
            Phase::Starting { attempt } => self.run(now, attempt, at_ms, out),
            Phase::New
            | Phase::LookingUp
            | Phase::AwaitingKey
            | Phase::Waiting { .. }
            | Phase::Acquiring { .. }
            | Phase::Running { .. }
            | Phase::Stopping { .. }
            | Phase::Killing { .. }
            | Phase::Recording { .. }
            | Phase::Done => Self::note(out, Note::Ignored),
        }
    }

    fn on_not_started(&mut self, now: Timestamp, refusal: StartRefusal, out: &mut Outputs) {
        match (self.phase, refusal) {
            (Phase::Starting { .. }, StartRefusal::Gate(verdict)) => {
                self.verdict = verdict;
                self.conclude_by_gate(out);
            }
            (Phase::Starting { .. }, StartRefusal::Race(lookup)) => {
                // Whoever won has the key; this execution has started nothing under it.
                self.phase = Phase::LookingUp;
                out.push(Output::Release);
                self.follow_race(now, lookup, out);
            }
            (Phase::Starting { .. }, StartRefusal::LedgerUnavailable) => {
                self.conclude_without_record(ReasonCode::LedgerUnavailable, out);
            }
            (
                Phase::New
                | Phase::LookingUp
                | Phase::AwaitingKey
                | Phase::Waiting { .. }
                | Phase::Acquiring { .. }
                | Phase::Running { .. }
                | Phase::Stopping { .. }
                | Phase::Killing { .. }
                | Phase::Recording { .. }
                | Phase::Done,
                StartRefusal::Gate(_) | StartRefusal::Race(_) | StartRefusal::LedgerUnavailable,
            ) => Self::note(out, Note::Ignored),
        }
    }

    fn on_finished(&mut self, now: Timestamp, attempt: u32, ended: Ended, out: &mut Outputs) {
        match self.phase {
            Phase::Running { attempt: running, deadline, is_last } if running == attempt => {
                if now <= deadline {
                    self.settle(now, ended, None, out);
                } else {
                    let cause = if is_last { StopCause::TotalTime } else { StopCause::Timeout };
                    self.settle_late(now, attempt, &ended, cause, out);
                }
            }
            Phase::Stopping { attempt: running, answers_until, cause, .. } if running == attempt => {
                if now < answers_until && ended.manner == super::Manner::Answered {
                    self.settle(now, ended, Some((cause, Stopped::Confirmed)), out);
                } else {
                    self.settle_late(now, attempt, &ended, cause, out);
                }
            }
            Phase::Killing { attempt: running, cause, .. } if running == attempt => {
                self.settle_late(now, attempt, &ended, cause, out);
            }
            Phase::New
            | Phase::LookingUp
            | Phase::AwaitingKey
            | Phase::Waiting { .. }
            | Phase::Acquiring { .. }
            | Phase::Starting { .. }
            | Phase::Running { .. }
            | Phase::Stopping { .. }
            | Phase::Killing { .. }
            | Phase::Recording { .. }
            | Phase::Done => Self::note(out, Note::LateResult { attempt, effect: ended.effect }),
        }
    }

    /// The attempt has ended, but its answer came too late to count: it is evidence, and the effect is unknown.
    fn settle_late(
        &mut self,
        now: Timestamp,
        attempt: u32,
        ended: &Ended,
        cause: StopCause,
        out: &mut Outputs,
    ) {
        Self::note(out, Note::LateResult { attempt, effect: ended.effect });
        self.settle(now, unanswered(cause), Some((cause, Stopped::Confirmed)), out);
    }

    fn on_halted(&mut self, now: Timestamp, attempt: u32, stopped: Stopped, out: &mut Outputs) {
        match self.phase {
            Phase::Stopping { attempt: running, cause, .. }
            | Phase::Killing { attempt: running, cause, .. }
                if running == attempt =>
            {
                self.settle(now, unanswered(cause), Some((cause, stopped)), out);
            }
            Phase::New
            | Phase::LookingUp
            | Phase::AwaitingKey
            | Phase::Waiting { .. }
            | Phase::Acquiring { .. }
            | Phase::Starting { .. }
            | Phase::Running { .. }
            | Phase::Stopping { .. }
            | Phase::Killing { .. }
            | Phase::Recording { .. }
            | Phase::Done => Self::note(out, Note::LateResult { attempt, effect: Effect::Unknown }),
        }
    }

    fn on_recorded(&mut self, out: &mut Outputs) {
        match self.phase {
            Phase::Recording { .. } => self.finish(out),
            Phase::New
            | Phase::LookingUp
            | Phase::AwaitingKey
            | Phase::Waiting { .. }
            | Phase::Acquiring { .. }
            | Phase::Starting { .. }
            | Phase::Running { .. }
            | Phase::Stopping { .. }
            | Phase::Killing { .. }
            | Phase::Done => Self::note(out, Note::Ignored),
        }
    }

    fn on_record_lost(&mut self, out: &mut Outputs) {
        match self.phase {
            Phase::Recording { .. } => self.conclude_unrecorded(out),
            // The record of an attempt without effect is lost, and with it the ledger: nothing new starts.
            Phase::Waiting { .. } | Phase::Acquiring { .. } => {
                self.conclude_without_record(ReasonCode::LedgerUnavailable, out);
            }
            Phase::New
            | Phase::LookingUp
            | Phase::AwaitingKey
            | Phase::Starting { .. }
            | Phase::Running { .. }
            | Phase::Stopping { .. }
            | Phase::Killing { .. }
            | Phase::Done => Self::note(out, Note::Ignored),
        }
    }

    fn on_gate(&mut self, now: Timestamp, verdict: Verdict, out: &mut Outputs) {
        self.verdict = verdict;
        match self.phase {
            Phase::LookingUp | Phase::AwaitingKey | Phase::Waiting { .. } | Phase::Acquiring { .. } => {
                if verdict.bars_start(!self.has_tried()) {
                    self.conclude_by_gate(out);
                }
            }
            Phase::Running { attempt, .. } => {
                if verdict.bars_retries() {
                    self.interrupt(now, attempt, StopCause::Gate, out);
                }
            }
            Phase::Stopping { attempt, give_up_at, cause, .. } => {
                if verdict.level == Level::Halt {
                    self.gate = Some(verdict.stamp);
                    self.phase = Phase::Killing { attempt, give_up_at, cause };
                    out.push(Output::Kill { attempt });
                }
            }
            // The start step reads the gate itself; what is killed or over is past stopping.
            Phase::New
            | Phase::Starting { .. }
            | Phase::Killing { .. }
            | Phase::Recording { .. }
            | Phase::Done => {}
        }
    }

    fn on_cancel(&mut self, now: Timestamp, out: &mut Outputs) {
        self.is_cancelled = true;
        match self.phase {
            Phase::New
            | Phase::LookingUp
            | Phase::AwaitingKey
            | Phase::Waiting { .. }
            | Phase::Acquiring { .. } => self.conclude(Some(ReasonCode::Cancelled), out),
            Phase::Running { attempt, .. } => self.interrupt(now, attempt, StopCause::Cancelled, out),
            // Obeyed as soon as the start step is over, or the attempt that is being stopped has ended.
            Phase::Starting { .. } | Phase::Stopping { .. } | Phase::Killing { .. } => {}
            Phase::Recording { .. } | Phase::Done => Self::note(out, Note::Ignored),
        }
    }

    fn on_tick(&mut self, now: Timestamp, out: &mut Outputs) {
        if self.poll_timeout().is_none_or(|due| now < due) {
            return Self::note(out, Note::Ignored);
        }
        match self.phase {
            Phase::LookingUp => self.conclude_unread(out),
            Phase::AwaitingKey => self.conclude(Some(ReasonCode::IdempotencyInProgress), out),
            Phase::Waiting { attempt, .. } => self.acquire(now, attempt, out),
            Phase::Acquiring { .. } => self.conclude(Some(self.out_of_time()), out),
            Phase::Starting { .. } => self.conclude_without_record(ReasonCode::LedgerUnavailable, out),
            Phase::Running { attempt, is_last, .. } => {
                let cause = if is_last { StopCause::TotalTime } else { StopCause::Timeout };
                self.interrupt(now, attempt, cause, out);
            }
            Phase::Stopping { attempt, give_up_at, cause, .. } => {
                self.phase = Phase::Killing { attempt, give_up_at, cause };
                out.push(Output::Kill { attempt });
            }
            Phase::Killing { cause, .. } => {
                self.settle(now, unanswered(cause), Some((cause, Stopped::Unconfirmed)), out);
            }
            Phase::Recording { .. } => self.conclude_unrecorded(out),
            Phase::New | Phase::Done => Self::note(out, Note::Ignored),
        }
    }
}
