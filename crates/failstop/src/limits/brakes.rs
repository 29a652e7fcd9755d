//! The brakes of an engine: a circuit breaker for each target, and one retry budget for all executions.
//!
//! An attempt gets a [`Pass`] before it starts. The pass sees it begin and end, and what it was given for an attempt
//! that never came to anything goes back when it is dropped.

use std::{collections::HashMap, pin::pin};

use decision_schema::Action;
use execution_orchestration_core::{
    model::ReasonCode,
    orchestrator::PermitRefusal,
    policies::{CircuitBreakerPolicy, ExecutionPolicy},
    time::Timestamp,
};
use parking_lot::Mutex;
use tokio::sync::Notify;

use super::{
    breaker::{Barred, Breaker, Change, End, Generation},
    retry_budget::RetryBudget,
};
use crate::clock::Clock;

/// Past this many targets of one action, those without failures are swept out before another is added.
const SWEEP_AT: usize = 1024;

/// What is held back where too much fails.
#[derive(Debug)]
pub(crate) struct Brakes {
    breakers: Option<Breakers>,
    budget: Option<Mutex<RetryBudget>>,
}

#[derive(Debug)]
struct Breakers {
    rules: CircuitBreakerPolicy,
    targets: Mutex<[Targets; Action::ALL.len()]>,
    changed: Notify,
}

/// The executors of one action that have failed. One that never did is closed, and takes no room.
#[derive(Debug, Default)]
struct Targets {
    by_executor: HashMap<Box<str>, Breaker>,
    /// What is not in the table has this generation: no earlier than any that was swept out.
    forgotten: Generation,
}

/// Who asks to start an attempt, and what it knows.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Applicant<'a> {
    pub(crate) action: Action,
    /// The executor's name.
    pub(crate) executor: &'a str,
    /// Whether it follows another attempt of its key, of this execution or of an earlier one.
    pub(crate) is_retry: bool,
    /// Whether this execution has made an attempt, which an open breaker lets it wait for another of.
    pub(crate) has_tried: bool,
    /// When it must have started, or it has no time left.
    pub(crate) latest_start: Timestamp,
}

impl Brakes {
    /// The brakes of `policy`, if there are any.
    pub(crate) fn new(policy: &ExecutionPolicy) -> Option<Self> {
        let (breaker, budget) = (policy.circuit_breaker(), policy.retry_budget());
        let brakes = Self {
            breakers: breaker.map(Breakers::new),
            budget: budget.map(|rules| Mutex::new(RetryBudget::new(rules))),
        };
        (breaker.is_some() || budget.is_some()).then_some(brakes)
    }

    /// A pass for one attempt, still to be [admitted](Pass::admit). Takes a retry out of the budget.
    pub(crate) fn pass<'a>(
        &'a self,
        now: Timestamp,
        applicant: Applicant<'a>,
    ) -> Result<Pass<'a>, PermitRefusal> {
        let needs_token = applicant.is_retry;
        if needs_token && self.budget.as_ref().is_some_and(|budget| !budget.lock().withdraw(now)) {
            return Err(PermitRefusal::NoRetry);
        }
        Ok(Pass { brakes: self, applicant, has_token: needs_token, admitted: None })
    }

    fn give_back_token(&self) {
        if let Some(budget) = &self.budget {
            budget.lock().give_back();
        }
    }
}

/// What lets one attempt start. Dropped before the attempt ends, it says nothing of the target; before it begins, it
/// gives its retry back.
#[derive(Debug)]
pub(crate) struct Pass<'a> {
    brakes: &'a Brakes,
    applicant: Applicant<'a>,
    /// Whether it holds a retry of the budget that was not made yet.
    has_token: bool,
    admitted: Option<Generation>,
}

impl Pass<'_> {
    /// Waits, if it may, until the breaker would admit the attempt; whether it had to. New work is denied at once, and
    /// a retry for which there will be no time is none.
    pub(crate) async fn clear_way(&self, clock: &Clock) -> Result<bool, PermitRefusal> {
        let Some(breakers) = &self.brakes.breakers else { return Ok(false) };
        let mut has_waited = false;
        loop {
            let mut changed = pin!(breakers.changed.notified());
            // Listening comes before looking, so that no change falls between the two.
            changed.as_mut().enable();
            let Some(barred) = breakers.bar(clock.now(), &self.applicant) else { return Ok(has_waited) };
            if !self.applicant.has_tried {
                return Err(PermitRefusal::RateLimited);
            }
            match barred {
                Barred::Until(at) if at > self.applicant.latest_start => return Err(PermitRefusal::NoRetry),
                Barred::Until(at) => drop(tokio::time::timeout_at(clock.instant(at), changed).await),
                Barred::Probed => changed.await,
            }
            has_waited = true;
        }
    }

    /// Whether the breaker admits the attempt now. Everything else must be in hand: a probe is nothing to queue with.
    pub(crate) fn admit(&mut self, now: Timestamp) -> bool {
        let Some(breakers) = &self.brakes.breakers else { return true };
        self.admitted = breakers.admit(now, &self.applicant).ok();
        self.admitted.is_some()
    }

    /// The attempt has started.
    pub(crate) fn begin(&mut self, now: Timestamp) {
        self.has_token = false;
        if let Some(budget) = self.brakes.budget.as_ref().filter(|_| !self.applicant.is_retry) {
            budget.lock().deposit(now);
        }
    }

    /// The attempt has ended with `error`, or applied.
    pub(crate) fn end(mut self, now: Timestamp, error: Option<ReasonCode>) {
        self.settle(now, meaning(error));
    }

    fn settle(&mut self, now: Timestamp, end: End) {
        if let (Some(breakers), Some(admitted)) = (&self.brakes.breakers, self.admitted.take()) {
            breakers.end(now, &self.applicant, admitted, end);
        }
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        // What says nothing changes nothing that has a time.
        self.settle(Timestamp::default(), End::Neither);
        if self.has_token {
            self.brakes.give_back_token();
        }
    }
}

/// What an attempt's end says of its target. A rejection is a sound answer to a bad question; a stop is ours.
fn meaning(error: Option<ReasonCode>) -> End {
    match error {
        None => End::Succeeded,
        Some(ReasonCode::Rejected | ReasonCode::StoppedInFlight | ReasonCode::Cancelled) => End::Neither,
        Some(_) => End::Failed,
    }
}

impl Breakers {
    fn new(rules: CircuitBreakerPolicy) -> Self {
        Self { rules, targets: Mutex::default(), changed: Notify::new() }
    }

    fn bar(&self, now: Timestamp, target: &Applicant<'_>) -> Option<Barred> {
        let targets = self.targets.lock();
        targets[target.action as usize].by_executor.get(target.executor)?.bar(now, &self.rules)
    }

    fn admit(&self, now: Timestamp, target: &Applicant<'_>) -> Result<Generation, Barred> {
        let targets = &mut self.targets.lock()[target.action as usize];
        match targets.by_executor.get_mut(target.executor) {
            Some(breaker) => breaker.admit(now, &self.rules),
            None => Ok(targets.forgotten),
        }
    }

    fn end(&self, now: Timestamp, target: &Applicant<'_>, admitted: Generation, end: End) {
        let change = self.targets.lock()[target.action as usize]
            .breaker(target.executor, end)
            .and_then(|breaker| breaker.end(now, &self.rules, admitted, end));
        let (action, executor) = (target.action.as_str(), target.executor);
        match change {
            None => return,
            Some(Change::Opened) => {
                let open_ms = self.rules.open_ms;
                tracing::warn!(action, executor, open_ms, "the circuit breaker opens: nothing is started");
            }
            Some(Change::Closed) => tracing::info!(action, executor, "the circuit breaker closes"),
            Some(Change::ProbeFreed) => {}
        }
        self.changed.notify_waiters();
    }
}

impl Targets {
    /// The breaker of `executor`, made where it is the first to fail.
    fn breaker(&mut self, executor: &str, end: End) -> Option<&mut Breaker> {
        if end == End::Failed && !self.by_executor.contains_key(executor) {
            if self.by_executor.len() >= SWEEP_AT {
                self.sweep();
            }
            self.by_executor.insert(executor.into(), Breaker::closed(self.forgotten));
        }
        self.by_executor.get_mut(executor)
    }

    fn sweep(&mut self) {
        let idle = self.by_executor.extract_if(|_, breaker| breaker.is_idle());
        let last = idle.map(|(_, breaker)| breaker.generation()).max();
        self.forgotten = self.forgotten.max(last.unwrap_or_default());
    }
}

#[cfg(test)]
mod tests {
    use execution_orchestration_core::policies::{PolicySpec, RetryBudgetPolicy};

    use super::*;

    fn brakes() -> Brakes {
        let spec = PolicySpec {
            circuit_breaker: Some(CircuitBreakerPolicy { failures: 1, open_ms: 10, probes: 1 }),
            retry_budget: Some(RetryBudgetPolicy { ratio_per_mille: 1000, min_per_second: 0, burst: 1 }),
            ..PolicySpec::default()
        };
        Brakes::new(&ExecutionPolicy::new(spec).unwrap()).unwrap()
    }

    fn applicant(executor: &str) -> Applicant<'_> {
        let latest_start = Timestamp::from_ms(1000);
        Applicant { action: Action::Act, executor, is_retry: false, has_tried: false, latest_start }
    }

    fn retry(executor: &str) -> Applicant<'_> {
        Applicant { is_retry: true, has_tried: true, ..applicant(executor) }
    }

    fn at(ms: u64) -> Timestamp {
        Timestamp::from_ms(ms)
    }

    /// An attempt of `executor`, admitted at `ms` and still running.
    fn begun<'a>(brakes: &'a Brakes, executor: &'a str, ms: u64) -> Pass<'a> {
        let mut pass = brakes.pass(at(ms), applicant(executor)).unwrap();
        assert!(pass.admit(at(ms)));
        pass.begin(at(ms));
        pass
    }

    const FAILED: Option<ReasonCode> = Some(ReasonCode::ExecutorFailed);

    #[test]
    fn a_breaker_is_of_one_action_on_one_executor() {
        let brakes = brakes();
        begun(&brakes, "a", 0).end(at(0), FAILED);
        let may = |action, executor| {
            let asked = Applicant { action, ..applicant(executor) };
            brakes.pass(at(1), asked).unwrap().admit(at(1))
        };
        assert!(!may(Action::Act, "a"));
        assert!(may(Action::Act, "b") && may(Action::Exit, "a"));
    }

    #[test]
    fn a_retry_that_never_began_goes_back_into_the_budget() {
        let brakes = brakes();
        let unused = brakes.pass(at(0), retry("a")).unwrap();
        assert_eq!(brakes.pass(at(0), retry("a")).err(), Some(PermitRefusal::NoRetry));
        drop(unused);
        let mut made = brakes.pass(at(0), retry("a")).unwrap();
        made.begin(at(0));
        drop(made);
        assert_eq!(brakes.pass(at(0), retry("a")).err(), Some(PermitRefusal::NoRetry));
        begun(&brakes, "a", 0).end(at(0), None);
        assert!(brakes.pass(at(0), retry("a")).is_ok(), "a first attempt has put one in");
    }

    #[test]
    fn a_target_that_was_swept_out_keeps_late_ends_out_too() {
        let brakes = brakes();
        let late = begun(&brakes, "a", 0);
        begun(&brakes, "a", 0).end(at(0), FAILED);
        begun(&brakes, "a", 10).end(at(10), None);
        brakes.breakers.as_ref().unwrap().targets.lock()[Action::Act as usize].sweep();
        late.end(at(11), FAILED);
        assert!(brakes.pass(at(11), applicant("a")).unwrap().admit(at(11)));
    }

    #[test]
    fn what_a_target_answers_counts_and_what_we_do_to_it_does_not() {
        use ReasonCode::{
            Cancelled, ExecutionException, ExecutorFailed, Rejected, StoppedInFlight, Timeout, TotalTimeout,
            UnknownOutcome,
        };
        for code in [ExecutorFailed, ExecutionException, Timeout, TotalTimeout, UnknownOutcome] {
            assert_eq!(meaning(Some(code)), End::Failed, "{code}");
        }
        for code in [Rejected, StoppedInFlight, Cancelled] {
            assert_eq!(meaning(Some(code)), End::Neither, "{code}");
        }
        assert_eq!(meaning(None), End::Succeeded);
    }
}
