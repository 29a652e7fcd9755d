//! One state machine per execution: pure, driven by [`Machine::handle`] and [`Machine::poll_timeout`].
//!
//! The machine decides what happens next and when; a driver does it. Layers come in a fixed order:
//! gate, allowed, policy, throttle and cooldown, key, and then, for each attempt: wait, rate, concurrency, gate and
//! STARTED in one step, the attempt under its timeout, classification, record.
//!
//! Read [`Phase`] first, then `transitions.rs`, where every phase meets every input.

mod phase;
mod signals;
mod transitions;

use alloc::{vec, vec::Vec};

pub use phase::{Phase, StopCause};
pub use signals::{
    Admission, Ended, Input, KeyState, Lookup, Manner, Note, Output, Outputs, PermitRefusal, Prior,
    StartRefusal, Wake,
};

use crate::{
    idempotency::Digest,
    model::{
        Code, Conclusion, Effect, ExecutionAttempt, ExecutionStatus, Outcome, ReasonCode, Stopped, WaitReason,
    },
    plan::Plan,
    policies::{ExecutionPolicy, OnInProgress, RetryUnknown},
    stop::{GateStamp, Level, Verdict},
    time::Timestamp,
};

/// A hint to wait longer than this ends the execution instead, milliseconds.
pub const LONGEST_HINT_MS: u64 = 60_000;

/// The part of the grace kept for killing, milliseconds: long enough for a process group to die.
const KILL_RESERVE_MS: u64 = 250;

/// The part of the last grace kept for making the outcome durable, milliseconds. Without it an attempt that is given up
/// at the very bound would leave a ledger no time, and its report would always say `ledger_unavailable`.
const RECORD_RESERVE_MS: u64 = 100;

/// One execution.
#[derive(Debug)]
pub struct Machine<'p> {
    plan: Plan<'p>,
    takes_permits: bool,
    phase: Phase,
    verdict: Verdict,
    admitted_at: Timestamp,
    /// Since when the next attempt has been waiting: admission, or the end of the attempt before it.
    idle_since: Timestamp,
    waits_for: Option<WaitReason>,
    started_at: Timestamp,
    prior: Prior,
    attempts: Vec<ExecutionAttempt>,
    last_error: Option<ReasonCode>,
    conclusion: Option<Conclusion>,
    gate: Option<GateStamp>,
    throttle_ms: u64,
    is_cancelled: bool,
}

impl<'p> Machine<'p> {
    /// A machine that waits for [`Input::Admit`]. Where it `takes_permits`, it asks for them before each attempt.
    pub const fn new(plan: Plan<'p>, takes_permits: bool) -> Self {
        Self {
            plan,
            takes_permits,
            phase: Phase::New,
            verdict: Verdict::RUN,
            admitted_at: Timestamp::from_nanos(0),
            idle_since: Timestamp::from_nanos(0),
            waits_for: None,
            started_at: Timestamp::from_nanos(0),
            prior: Prior { attempts: 0, unknown: false },
            attempts: Vec::new(),
            last_error: None,
            conclusion: None,
            gate: None,
            throttle_ms: 0,
            is_cancelled: false,
        }
    }

    /// The plan that is being carried out.
    pub const fn plan(&self) -> &Plan<'p> {
        &self.plan
    }

    /// Puts the key in force into the plan; for the driver, on [`Output::LookUp`].
    pub fn set_key(&mut self, key: alloc::string::String) {
        self.plan.set_key(key);
    }

    /// Where the machine stands.
    pub const fn phase(&self) -> Phase {
        self.phase
    }

    /// The gate as the machine was last told.
    pub const fn verdict(&self) -> Verdict {
        self.verdict
    }

    /// When the execution was admitted.
    pub const fn admitted_at(&self) -> Timestamp {
        self.admitted_at
    }

    /// When every attempt must have been told to stop.
    pub fn total_deadline(&self) -> Timestamp {
        self.admitted_at.plus_ms(self.policy().timeout().max_total_time_ms)
    }

    /// When the report must be out (INV-EXE-2).
    pub fn report_deadline(&self) -> Timestamp {
        self.total_deadline().plus_ms(self.policy().timeout().grace_ms)
    }

    /// When no attempt's end is waited for any more.
    fn give_up_deadline(&self) -> Timestamp {
        let grace_ms = self.policy().timeout().grace_ms;
        let reserve_ms = if self.is_keyed() { RECORD_RESERVE_MS.min(grace_ms / 4) } else { 0 };
        self.total_deadline().plus_ms(grace_ms - reserve_ms)
    }

    /// The attempts so far, without those of earlier owners.
    pub fn attempts(&self) -> &[ExecutionAttempt] {
        &self.attempts
    }

    /// What the last attempt that ended came to, as the code that the execution would end with; `None` where it applied
    /// or none has ended.
    pub const fn last_error(&self) -> Option<ReasonCode> {
        self.last_error
    }

    /// How it ended; `Some` from [`Output::Done`] on, and `None` for a replay, whose report is the stored one.
    pub const fn conclusion(&self) -> Option<Conclusion> {
        self.conclusion
    }

    /// The gate entry that refused or stopped it.
    pub const fn gate(&self) -> Option<GateStamp> {
        self.gate
    }

    /// The attempts, for the report; the machine has none afterwards.
    pub fn take_attempts(&mut self) -> Vec<ExecutionAttempt> {
        core::mem::take(&mut self.attempts)
    }

    /// The digest of the plan, with the key that is in force.
    pub fn plan_digest(&mut self) -> Digest {
        self.plan.digest()
    }

    const fn policy(&self) -> &'p ExecutionPolicy {
        self.plan.policy()
    }

    /// When the machine wants to be called again if nothing else happens.
    pub fn poll_timeout(&self) -> Wake {
        match self.phase {
            Phase::New | Phase::Done => None,
            Phase::LookingUp | Phase::AwaitingKey | Phase::Acquiring { .. } => Some(self.total_deadline()),
            Phase::Starting { .. } | Phase::Recording { .. } => Some(self.report_deadline()),
            Phase::Waiting { until, .. } => Some(until),
            Phase::Running { deadline, .. } => Some(deadline),
            Phase::Stopping { kill_at, .. } => Some(kill_at),
            Phase::Killing { give_up_at, .. } => Some(give_up_at),
        }
    }

    /// How long an attempt needs at least to be worth a start: less where the policy's own bounds are tighter.
    fn needed_ms(&self) -> u64 {
        let timeout = self.policy().timeout();
        timeout.min_attempt_ms.min(timeout.timeout_per_action_ms).min(timeout.max_total_time_ms / 2)
    }

    /// The last moment at which an attempt would still have room before the deadline.
    pub fn latest_start(&self) -> Timestamp {
        self.admitted_at.plus_ms(self.policy().timeout().max_total_time_ms - self.needed_ms())
    }

    /// Whether an attempt started at `at` would still have room before the deadline.
    fn has_room(&self, at: Timestamp) -> bool {
        at <= self.latest_start()
    }

    fn has_tried(&self) -> bool {
        !self.attempts.is_empty()
    }

    fn next_attempt(&self) -> u32 {
        // Somebody else's attempts count too, also where a race was lost between two of ours (INV-EXE-2).
        let own = self.attempts.last().map_or(0, |last| last.attempt_number + 1);
        own.max(self.prior.attempts)
    }

    fn may_retry_unknown(&self) -> bool {
        match self.policy().retry().retry_unknown {
            RetryUnknown::Always => true,
            RetryUnknown::Never => false,
            RetryUnknown::Auto => !self.is_keyed() || self.plan.may_repeat_effect(),
        }
    }

    fn waits_for_key(&self) -> bool {
        self.policy().idempotency().on_in_progress == OnInProgress::Wait
    }

    /// Whether the key layer is on. If not, there is no ledger traffic at all.
    const fn is_keyed(&self) -> bool {
        self.policy().idempotency().enabled
    }

    /// With one slot, it is kept over the waits, so that effects come in the order of decisions.
    fn keeps_slot(&self) -> bool {
        self.policy().max_concurrency() == 1
    }

    fn outcome(&self) -> Outcome {
        if self.attempts.iter().any(|attempt| attempt.effect == Effect::Applied) {
            Outcome::Executed
        } else if self.prior.unknown || self.attempts.iter().any(|attempt| attempt.effect == Effect::Unknown)
        {
            Outcome::Unknown
        } else {
            Outcome::NotExecuted
        }
    }

    fn note(out: &mut Outputs, note: Note) {
        out.push(Output::Note(note));
    }

    /// Goes on to attempt `attempt` without a planned wait.
    fn acquire(&mut self, now: Timestamp, attempt: u32, out: &mut Outputs) {
        if !self.has_room(now) {
            return self.conclude(Some(self.out_of_time()), out);
        }
        if self.takes_permits {
            self.phase = Phase::Acquiring { attempt };
            out.push(Output::AskPermits);
        } else {
            self.start(attempt, out);
        }
    }

    fn start(&mut self, attempt: u32, out: &mut Outputs) {
        self.phase = Phase::Starting { attempt };
        out.push(Output::Start { attempt });
    }

    /// The code for "no time left for an attempt".
    fn out_of_time(&self) -> ReasonCode {
        if self.has_tried() { ReasonCode::TotalTimeout } else { ReasonCode::DeadlineExceeded }
    }

    /// The executor has been entered.
    fn run(&mut self, now: Timestamp, attempt: u32, at_ms: i64, out: &mut Outputs) {
        self.started_at = now;
        let waited_ms = now.ms_since(self.idle_since);
        let planned = self.waits_for.take();
        let attempt_deadline = now.plus_ms(self.policy().timeout().timeout_per_action_ms);
        let deadline = attempt_deadline.min(self.total_deadline());
        let action = self.plan.action();
        let begun = || ExecutionAttempt {
            action,
            status: ExecutionStatus::Failed,
            attempt_number: attempt,
            latency_ms: 0,
            error_type: None,
            error_code: None,
            effect: Effect::Unknown,
            stopped: None,
            started_at_ms: at_ms,
            waited_ms,
            wait_reason: planned,
        };
        // Mostly there is one: it gets the room it needs, and is written there rather than moved there.
        if self.attempts.is_empty() {
            self.attempts = vec![begun()];
        } else {
            self.attempts.push(begun());
        }
        self.phase = Phase::Running { attempt, deadline, is_last: attempt_deadline > self.total_deadline() };
        // A stop that came while the start step was under way is obeyed now.
        if self.verdict.bars_retries() {
            self.interrupt(now, attempt, StopCause::Gate, out);
        } else if self.is_cancelled {
            self.interrupt(now, attempt, StopCause::Cancelled, out);
        }
    }

    /// Tells a running attempt to stop: the signal, or force at once where the gate says `halt`.
    fn interrupt(&mut self, now: Timestamp, attempt: u32, cause: StopCause, out: &mut Outputs) {
        // Told late, it has less grace: the report is due all the same (INV-EXE-2).
        let give_up_at = now.plus_ms(self.policy().timeout().grace_ms).min(self.give_up_deadline());
        let answers_until = match (cause, self.phase) {
            (StopCause::Gate | StopCause::Cancelled, Phase::Running { deadline, .. }) => deadline,
            _ => now,
        };
        if cause == StopCause::Gate && self.verdict.level == Level::Halt {
            self.gate = Some(self.verdict.stamp);
            self.phase = Phase::Killing { attempt, give_up_at, cause };
            out.push(Output::Kill { attempt });
            return;
        }
        if cause == StopCause::Gate {
            self.gate = Some(self.verdict.stamp);
        }
        let grace_ms = give_up_at.ms_since(now);
        let kill_at = now.plus_ms(grace_ms - KILL_RESERVE_MS.min(grace_ms / 4));
        self.phase = Phase::Stopping { attempt, kill_at, give_up_at, answers_until, cause };
        out.push(Output::Signal { attempt });
    }

    /// Writes down how the attempt ended, and decides what follows.
    fn settle(
        &mut self,
        now: Timestamp,
        ended: Ended,
        stop: Option<(StopCause, Stopped)>,
        out: &mut Outputs,
    ) {
        let started_at = self.started_at;
        let record = self.attempts.last_mut().expect("an attempt that ends has been started");
        record.latency_ms = now.ms_since(started_at);
        record.effect = ended.effect;
        record.stopped = stop.map(|(_, stopped)| stopped);
        record.error_type = ended.error_type;
        record.error_code = ended.error_code;
        if ended.effect == Effect::Applied {
            record.status = ExecutionStatus::Success;
        }
        let attempt = record.attempt_number;
        self.idle_since = now;

        let follow = retry_verdict(ended.effect, ended.manner, stop);
        self.last_error = follow.error();
        match follow {
            Follow::Succeed => self.conclude(None, out),
            Follow::End(code) => self.conclude(Some(code), out),
            Follow::RetryElse(code) => {
                let spent = attempt >= self.policy().retry().max_retries;
                let barred = ended.effect == Effect::Unknown && !self.may_retry_unknown();
                if spent || barred {
                    self.conclude(Some(code), out);
                } else {
                    self.retry(now, attempt, ended.retry_after_ms, out);
                }
            }
        }
    }

    /// Plans the wait before the next attempt, or ends where no attempt could follow it.
    fn retry(&mut self, now: Timestamp, attempt: u32, hint_ms: Option<u64>, out: &mut Outputs) {
        if self.verdict.bars_retries() {
            return self.conclude_by_gate(out);
        }
        if self.is_cancelled {
            return self.conclude(Some(ReasonCode::Cancelled), out);
        }
        let backoff_ms = self.plan.delay_ms(attempt + 1);
        let hint_ms = hint_ms.unwrap_or(0);
        let until = now.plus_ms(backoff_ms.max(hint_ms));
        let is_hinted = hint_ms > backoff_ms;
        if !self.has_room(until) || hint_ms > LONGEST_HINT_MS {
            let hint_is_too_long = hint_ms > LONGEST_HINT_MS || !self.has_room(now.plus_ms(hint_ms));
            let code = if hint_is_too_long && hint_ms > 0 {
                ReasonCode::RetryAfterExceedsDeadline
            } else {
                ReasonCode::TotalTimeout
            };
            return self.conclude(Some(code), out);
        }
        // An open key says that nothing has happened under it, so after any unknown it stays started (INV-FS-3).
        if self.is_keyed() && self.outcome() == Outcome::NotExecuted {
            out.push(Output::Record { attempt, state: KeyState::Open });
        }
        if !self.keeps_slot() {
            out.push(Output::Release);
        }
        if until == now {
            return self.acquire(now, attempt + 1, out);
        }
        self.waits_for = Some(if is_hinted { WaitReason::RetryAfter } else { WaitReason::Backoff });
        self.phase = Phase::Waiting { attempt: attempt + 1, until };
    }

    fn conclude_by_gate(&mut self, out: &mut Outputs) {
        self.gate = Some(self.verdict.stamp);
        let code =
            if self.has_tried() { ReasonCode::StoppedInFlight } else { ReasonCode::from(self.verdict.code) };
        self.conclude(Some(code), out);
    }

    fn conclusion_of(&self, code: Option<ReasonCode>) -> Conclusion {
        match code {
            None => Conclusion {
                status: ExecutionStatus::Success,
                outcome: Outcome::Executed,
                reason_code: None,
                fail_closed: false,
            },
            Some(code) => Conclusion {
                status: code.status(self.has_tried()),
                outcome: if code.is_unknown_elsewhere() {
                    Outcome::Unknown
                } else if code == ReasonCode::IdempotencyKeyReused {
                    Outcome::NotExecuted
                } else {
                    self.outcome()
                },
                reason_code: Some(code),
                fail_closed: code.is_fail_closed() || self.ended_unknown(),
            },
        }
    }

    /// Whether the last attempt under the key ended unknown, as far as this execution can tell.
    fn ended_unknown(&self) -> bool {
        match self.attempts.last() {
            Some(last) => last.effect == Effect::Unknown,
            None => self.prior.attempts > 0 && self.prior.unknown,
        }
    }

    /// Ends the execution: at once where no ledger waits for the outcome, else when it is durable.
    fn conclude(&mut self, code: Option<ReasonCode>, out: &mut Outputs) {
        let conclusion = self.conclusion_of(code);
        self.conclusion = Some(conclusion);
        match self.attempts.last() {
            Some(last) if self.is_keyed() => self.record(last.attempt_number, conclusion.outcome, out),
            _ => self.finish(out),
        }
    }

    fn record(&mut self, attempt: u32, outcome: Outcome, out: &mut Outputs) {
        let state = match outcome {
            Outcome::Executed => KeyState::Succeeded,
            Outcome::NotExecuted => KeyState::Failed,
            Outcome::Unknown => KeyState::InDoubt,
        };
        self.phase = Phase::Recording { attempt };
        out.push(Output::Record { attempt, state });
    }

    /// Dead owners have used up every attempt: the key ends here, or it would stay open for ever (INV-FS-2).
    fn conclude_spent(&mut self, code: ReasonCode, out: &mut Outputs) {
        let conclusion = self.conclusion_of(Some(code));
        self.conclusion = Some(conclusion);
        self.record(self.next_attempt().saturating_sub(1), conclusion.outcome, out);
    }

    /// Nothing is known of the key, since the ledger cannot be read: an earlier execution may have applied (INV-FS-3).
    fn conclude_unread(&mut self, out: &mut Outputs) {
        let code = ReasonCode::LedgerUnavailable;
        if self.has_tried() {
            return self.conclude(Some(code), out);
        }
        let mut conclusion = self.conclusion_of(Some(code));
        if conclusion.outcome == Outcome::NotExecuted {
            conclusion.outcome = Outcome::Unknown;
        }
        self.conclusion = Some(conclusion);
        self.finish(out);
    }

    /// Ends the execution without touching the key, which stays as its last record left it.
    fn conclude_without_record(&mut self, code: ReasonCode, out: &mut Outputs) {
        self.conclusion = Some(self.conclusion_of(Some(code)));
        self.finish(out);
    }

    /// The outcome could not be made durable: what ran is reported with what is known (INV-EXE-3).
    fn conclude_unrecorded(&mut self, out: &mut Outputs) {
        let was_tried = self.next_attempt() > 0;
        if let Some(conclusion) = &mut self.conclusion {
            let code = ReasonCode::LedgerUnavailable;
            conclusion.status = code.status(was_tried);
            conclusion.reason_code = Some(code);
            conclusion.fail_closed = code.is_fail_closed();
        }
        self.finish(out);
    }

    fn finish(&mut self, out: &mut Outputs) {
        self.phase = Phase::Done;
        out.push(Output::Release);
        out.push(Output::Done);
    }
}

/// What follows an attempt's end, as far as the end itself decides it.
enum Follow {
    Succeed,
    End(ReasonCode),
    RetryElse(ReasonCode),
}

impl Follow {
    const fn error(&self) -> Option<ReasonCode> {
        match *self {
            Self::Succeed => None,
            Self::End(code) | Self::RetryElse(code) => Some(code),
        }
    }
}

fn retry_verdict(effect: Effect, manner: Manner, stop: Option<(StopCause, Stopped)>) -> Follow {
    match (effect, stop) {
        (Effect::Applied, _) => Follow::Succeed,
        (_, Some((cause @ (StopCause::Gate | StopCause::Cancelled | StopCause::TotalTime), _))) => {
            Follow::End(cause.code())
        }
        (_, Some((StopCause::Timeout, Stopped::Unconfirmed))) => Follow::End(ReasonCode::Timeout),
        (_, Some((StopCause::Timeout, Stopped::Confirmed))) => Follow::RetryElse(ReasonCode::Timeout),
        (Effect::Rejected, None) => Follow::End(ReasonCode::Rejected),
        (Effect::NotApplied, None) => Follow::RetryElse(ReasonCode::ExecutorFailed),
        (Effect::Unknown, None) => Follow::RetryElse(match manner {
            Manner::Broke => ReasonCode::ExecutionException,
            Manner::Answered => ReasonCode::UnknownOutcome,
        }),
    }
}

/// The end of an attempt that gave no answer in time.
fn unanswered(cause: StopCause) -> Ended {
    let code = Code::Borrowed(cause.code().as_str());
    Ended {
        effect: Effect::Unknown,
        manner: Manner::Answered,
        retry_after_ms: None,
        error_type: Some(code.clone()),
        error_code: Some(code),
    }
}
