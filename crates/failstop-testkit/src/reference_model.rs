//! What one execution must come to, told a second time and in another way.
//!
//! The machine reacts to one input after another. This model knows the whole story beforehand (when the gate will
//! change, how long each attempt will run, what the ledger will answer) and walks through it once, in a straight line,
//! with the semantics of the design's sections 3 to 8 and no word of the machine's code. Times are milliseconds since
//! admission.
//!
//! Things that happen in the same millisecond come in this order: gate, cancel, answers from outside (an attempt's own
//! end before the news that it was stopped), timers.

mod told;
mod world;

pub use told::{Prediction, ToldAttempt};
pub use world::{
    Attempt, Effect, Ending, Key, Level, Permits, Prior, Recording, RetryUnknown, Rules, Start, World,
};

use told::End;

/// A hint to wait longer than this ends the execution.
const LONGEST_HINT_MS: u64 = 60_000;
/// What is kept of the grace for killing.
const KILL_RESERVE_MS: u64 = 250;
/// What is kept of the last grace for the ledger.
const RECORD_RESERVE_MS: u64 = 100;

/// What the execution of `world` under `rules` must come to.
pub fn predict(rules: &Rules, world: &World) -> Prediction {
    let mut teller = Teller { rules, world, prior: Prior::default(), attempts: Vec::new(), last_code: None };
    let end = teller.tell().unwrap_or_else(|end| end);
    teller.close(end)
}

struct Teller<'w> {
    rules: &'w Rules,
    world: &'w World,
    prior: Prior,
    attempts: Vec<ToldAttempt>,
    /// What the last attempt came to, where another may follow it.
    last_code: Option<&'static str>,
}

/// Why a running attempt is told to stop.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Cause {
    Timeout,
    Total,
    Gate,
    Cancel,
}

impl Cause {
    fn code(self) -> &'static str {
        match self {
            Self::Timeout => "timeout",
            Self::Total => "total_timeout",
            Self::Gate => "stopped_in_flight",
            Self::Cancel => "cancelled",
        }
    }
}

impl Teller<'_> {
    /// The whole story; it always ends in an [`End`], on either side of the result.
    fn tell(&mut self) -> Result<End, End> {
        if self.world.gate_at_admission >= Level::Drain {
            return Err(End::plain("gate_stopped", 0));
        }
        if !self.world.allowed {
            return Err(End::plain("not_allowed", 0));
        }
        let mut now = self.look_up()?;
        if self.prior.attempts > self.rules.max_retries {
            let code = if self.prior.unknown { "unknown_outcome" } else { "executor_failed" };
            return Err(End::spent(code, now));
        }
        if self.rules.throttle_ms > 0 {
            let until = now + self.rules.throttle_ms;
            if !self.has_room(until) {
                return Err(End::plain("deadline_exceeded", now));
            }
            now = self.pause(now, until)?;
        }
        for (number, attempt) in (self.prior.attempts..).zip(&self.world.attempts) {
            now = self.get_permits(now, attempt)?;
            now = self.start(now, attempt)?;
            let cause = self.run(now, number, attempt);
            now = self.after(number, attempt, cause)?;
        }
        unreachable!("a world has an attempt for every retry")
    }

    fn look_up(&mut self) -> Result<u64, End> {
        if !self.rules.keyed {
            return Ok(0);
        }
        let now = self.world.key_after_ms;
        if self.world.key == Key::Silent || now > self.rules.total_ms {
            self.pause(0, self.rules.total_ms)?;
            return Err(End::unread(self.rules.total_ms));
        }
        self.pause(0, now)?;
        match self.world.key {
            Key::Fresh => {}
            Key::Resumable(prior) => self.prior = prior,
            Key::InProgress => return Err(End::plain("idempotency_in_progress", now)),
            Key::InDoubt => return Err(End::plain("in_doubt", now)),
            Key::Reused => return Err(End::plain("idempotency_key_reused", now)),
            Key::Finished => return Err(End::replay(now)),
            Key::Unavailable | Key::Silent => return Err(End::unread(now)),
        }
        Ok(now)
    }

    fn get_permits(&self, now: u64, attempt: &Attempt) -> Result<u64, End> {
        if !self.has_room(now) {
            return Err(self.out_of_time(now));
        }
        if !self.rules.asks_permits {
            return Ok(now);
        }
        let (after_ms, refusal) = match attempt.permits {
            Permits::Granted(ms) => (ms, None),
            Permits::RateLimited(ms) => (ms, Some("rate_limited")),
            Permits::Stuck(ms) => (ms, Some("executor_stuck")),
            Permits::NoRetry(ms) => (ms, Some(self.last_code.unwrap_or("rate_limited"))),
            Permits::Never => (u64::MAX, None),
        };
        let answered = now.saturating_add(after_ms);
        if answered > self.rules.total_ms {
            self.pause(now, self.rules.total_ms)?;
            return Err(self.out_of_time(self.rules.total_ms));
        }
        self.pause(now, answered)?;
        match refusal {
            Some(code) => Err(End::plain(code, answered)),
            None if self.has_room(answered) => Ok(answered),
            None => Err(self.out_of_time(answered)),
        }
    }

    /// The start step looks at the gate first and cannot be called off; a stop that comes meanwhile is obeyed after it.
    fn start(&self, now: u64, attempt: &Attempt) -> Result<u64, End> {
        let bar = if self.attempts.is_empty() { Level::Drain } else { Level::Stop };
        if self.level_at(now) >= bar {
            let code = if self.attempts.is_empty() { "gate_stopped" } else { "stopped_in_flight" };
            return Err(End::plain(code, now));
        }
        match attempt.start {
            Start::Begins(ms) if now + ms <= self.bound() => Ok(now + ms),
            Start::LedgerLost(ms) if now + ms <= self.bound() => {
                Err(End::unrecorded("ledger_unavailable", now + ms))
            }
            Start::Begins(_) | Start::LedgerLost(_) | Start::Hangs => {
                Err(End::unrecorded("ledger_unavailable", self.bound()))
            }
        }
    }

    /// Runs one attempt to its end, its own or a forced one, and writes it down.
    fn run(&mut self, from: u64, number: u32, attempt: &Attempt) -> Option<Cause> {
        let deadline = (from + self.rules.per_action_ms).min(self.rules.total_ms);
        let own_end = from + attempt.runs_ms;
        let timer =
            if from + self.rules.per_action_ms > self.rules.total_ms { Cause::Total } else { Cause::Timeout };
        let (told_at, cause) = self.told_to_stop(from, deadline.max(from), timer);
        let told = if own_end <= deadline && own_end < told_at
            || (own_end == told_at && own_end <= deadline && cause == timer)
        {
            ToldAttempt::ended(number, from, own_end, attempt.ending.effect)
        } else {
            self.stop(from, number, attempt, (told_at, cause, deadline))
        };
        let was_stopped = told.stopped.is_some();
        self.attempts.push(told);
        was_stopped.then_some(cause)
    }

    /// When the attempt is told to stop, if it has not ended by then, and why.
    fn told_to_stop(&self, from: u64, deadline: u64, timer: Cause) -> (u64, Cause) {
        // What came during the start step is obeyed as soon as the attempt runs.
        if self.level_at(from) >= Level::Stop {
            return (from, Cause::Gate);
        }
        if self.world.cancel_at.is_some_and(|at| at <= from) {
            return (from, Cause::Cancel);
        }
        let gate = self.first_gate(from, deadline, Level::Stop);
        let cancel = self.world.cancel_at.filter(|at| *at > from && *at <= deadline);
        match (gate, cancel) {
            (Some(gate), cancel) if cancel.is_none_or(|cancel| gate <= cancel) => (gate, Cause::Gate),
            (_, Some(cancel)) => (cancel, Cause::Cancel),
            (_, None) => (deadline, timer),
        }
    }

    /// From the signal to the end: what came first of the attempt's own end, its obedience, its death and our patience.
    fn stop(
        &self,
        from: u64,
        number: u32,
        attempt: &Attempt,
        (told_at, cause, deadline): (u64, Cause, u64),
    ) -> ToldAttempt {
        let for_record = if self.rules.keyed { RECORD_RESERVE_MS.min(self.rules.grace_ms / 4) } else { 0 };
        // Told past the time that is left, it is given up at once.
        let give_up = (told_at + self.rules.grace_ms).min(self.bound() - for_record).max(told_at);
        let left = give_up - told_at;
        let kill_timer = told_at + left - KILL_RESERVE_MS.min(left / 4);
        let is_halted_at_once = cause == Cause::Gate && self.level_at(told_at) == Level::Halt;
        let halt =
            if is_halted_at_once { Some(told_at) } else { self.first_gate(told_at, kill_timer, Level::Halt) };
        let killed_at = halt.unwrap_or(kill_timer);

        let own_end = from + attempt.runs_ms;
        let obeys = attempt.ends_on_signal_ms.filter(|_| !is_halted_at_once).map(|ms| told_at + ms);
        let dies = attempt.ends_on_kill_ms.map(|ms| killed_at + ms);
        // Obedience after the kill is death by the kill or not at all.
        let obeys = obeys.filter(|at| *at < killed_at || (*at == killed_at && halt.is_none()));
        let ended_at = [Some(own_end), obeys, dies].into_iter().flatten().min().unwrap_or(u64::MAX);
        if ended_at > give_up {
            return ToldAttempt::stopped(number, from, give_up, "unconfirmed");
        }
        let answers =
            matches!(cause, Cause::Gate | Cause::Cancel) && own_end < deadline && !attempt.ending.broke;
        let before_kill = own_end < killed_at || (own_end == killed_at && halt.is_none());
        let mut told = ToldAttempt::stopped(number, from, ended_at, "confirmed");
        if own_end == ended_at && answers && before_kill {
            told.effect = attempt.ending.effect;
        }
        told
    }

    /// What follows an attempt: the moment of the next one's turn, or the end.
    fn after(&mut self, number: u32, attempt: &Attempt, cause: Option<Cause>) -> Result<u64, End> {
        let last = self.attempts.last_mut().expect("an attempt was just written down");
        let (now, effect) = (last.ended_at_ms, last.effect);
        let is_confirmed = last.stopped != Some("unconfirmed");
        if effect == Effect::Applied {
            return Err(End::success(now));
        }
        let code = match (cause, effect) {
            (Some(cause @ (Cause::Gate | Cause::Cancel | Cause::Total)), _) => {
                return Err(End::plain(cause.code(), now));
            }
            (Some(Cause::Timeout), _) => "timeout",
            (None, Effect::Rejected) => return Err(End::plain("rejected", now)),
            (None, Effect::NotApplied) => "executor_failed",
            (None, Effect::Unknown | Effect::Applied) if attempt.ending.broke => "execution_exception",
            (None, Effect::Unknown | Effect::Applied) => "unknown_outcome",
        };
        let may_repeat = effect == Effect::NotApplied || self.rules.may_retry_unknown();
        if !is_confirmed || number >= self.rules.max_retries || !may_repeat {
            return Err(End::plain(code, now));
        }
        self.last_code = Some(code);
        self.wait_for_retry(number + 1, now, if cause.is_none() { attempt.ending.hint_ms } else { 0 })
    }

    fn wait_for_retry(&mut self, number: u32, now: u64, hint_ms: u64) -> Result<u64, End> {
        if self.level_at(now) >= Level::Stop {
            return Err(End::plain("stopped_in_flight", now));
        }
        if self.world.cancel_at.is_some_and(|at| at <= now) {
            return Err(End::plain("cancelled", now));
        }
        if hint_ms > LONGEST_HINT_MS || (hint_ms > 0 && !self.has_room(now + hint_ms)) {
            return Err(End::plain("retry_after_exceeds_deadline", now));
        }
        let until = now + self.rules.backoff_ms(number).max(hint_ms);
        if !self.has_room(until) {
            return Err(End::plain("total_timeout", now));
        }
        self.open_key();
        self.pause(now, until)
    }

    /// Between attempts the key is open, if it is certain that nothing has happened under it.
    fn open_key(&mut self) {
        let is_clean =
            !self.prior.unknown && self.attempts.iter().all(|told| told.effect == Effect::NotApplied);
        if let Some(last) = self.attempts.last_mut() {
            last.opened_key = is_clean;
        }
    }

    /// Waits, unless the gate or the caller ends it; both are heard up to and in the last millisecond.
    fn pause(&self, from: u64, until: u64) -> Result<u64, End> {
        let tried = !self.attempts.is_empty();
        let gate = self.first_gate(from, until, if tried { Level::Stop } else { Level::Drain });
        let cancel = self.world.cancel_at.filter(|at| *at > from && *at <= until);
        match (gate, cancel) {
            (Some(gate), cancel) if cancel.is_none_or(|cancel| gate <= cancel) => {
                Err(End::plain(if tried { "stopped_in_flight" } else { "gate_stopped" }, gate))
            }
            (_, Some(cancel)) => Err(End::plain("cancelled", cancel)),
            (_, None) => Ok(until),
        }
    }

    /// The first change to `level` or above in `(from, until]`.
    fn first_gate(&self, from: u64, until: u64, level: Level) -> Option<u64> {
        let changes = self.world.gate.iter();
        changes.filter(|(at, to)| *at > from && *at <= until && *to >= level).map(|(at, _)| *at).min()
    }

    fn level_at(&self, now: u64) -> Level {
        let past = self.world.gate.iter().rev().find(|(at, _)| *at <= now);
        past.map_or(self.world.gate_at_admission, |(_, level)| *level)
    }

    fn out_of_time(&self, now: u64) -> End {
        End::plain(if self.attempts.is_empty() { "deadline_exceeded" } else { "total_timeout" }, now)
    }

    fn has_room(&self, at: u64) -> bool {
        let rules = self.rules;
        let needed = rules.min_attempt_ms.min(rules.per_action_ms).min(rules.total_ms / 2);
        at + needed <= rules.total_ms
    }

    fn bound(&self) -> u64 {
        self.rules.total_ms + self.rules.grace_ms
    }

    /// The outcome becomes durable, or does not, and the report is handed out.
    fn close(self, end: End) -> Prediction {
        let bound = self.bound();
        let mut prediction = end.judge(self.prior, self.attempts);
        let has_something_to_record = end.is_spent || !prediction.attempts.is_empty();
        if !self.rules.keyed || !has_something_to_record || !end.is_recorded {
            return prediction;
        }
        match self.world.recording {
            Recording::Durable(ms) if end.at + ms <= bound => {
                prediction.report_at_ms = end.at + ms;
                prediction.terminal_at_ms = Some(end.at + ms);
            }
            Recording::Lost(ms) if end.at + ms <= bound => prediction.lose_ledger(end.at + ms),
            Recording::Durable(_) | Recording::Lost(_) | Recording::Hangs => {
                prediction.lose_ledger(bound);
            }
        }
        prediction
    }
}
