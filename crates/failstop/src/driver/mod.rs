//! The driver: joins the pure machine to clocks, permits, the ledger and executors. One loop, the only caller of the
//! machine.
//!
//! Whatever is waited for, three things end the wait: it happens, the gate changes, or the machine's moment comes. No
//! timer is armed before the thing itself has been polled once, so that work that is done at once costs no timer.

mod permits;
mod reports;
mod tenure;
mod waiting;
mod watch;

use std::{
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::{Pin, pin},
    task::{Context, Poll},
};

use crate::{
    engine::{self, House},
    executor::{Answer, Attempt, Control, Executor, Urgency, broken},
    ids,
    ledger::{self, Claim, Evidence, Held, HeldKey, Known, Ledger, NotStarted, Started},
    limits::{Pass, Slot},
    reporting,
    request::{Cancellation, Request},
};
use execution_orchestration_core::{
    idempotency::{fingerprint, resolve_key},
    model::{ExecutionAttempt, ExecutionId, ExecutionReport, ReasonCode, Stopped},
    orchestrator::{Admission, Input, KeyState, Lookup, Machine, Note, Output, Outputs, Phase, StartRefusal},
    stop::Verdict,
    time::Timestamp,
};
pub(crate) use reports::refuse_at_the_gate;
use tenure::Tenure;

/// Carries one execution that has passed the gate from admission to its report. What only some executions wait for is
/// boxed, so that the others stay small.
#[allow(clippy::manual_async_fn)] // an `async fn` stores its arguments twice
pub(crate) fn drive<'a, E: Executor>(
    house: House<'a>,
    request: &'a Request<'_>,
    executor: Option<&'a E>,
) -> impl Future<Output = ExecutionReport> {
    async move {
        let mut drive = Drive::new(house, request, executor);
        drive.admit(executor.is_some());
        loop {
            match drive.out.next() {
                Some(Output::Done) => break drive.finish(),
                Some(Output::Start { attempt }) => {
                    if let Some(executor) = executor {
                        pin!(drive.attempt(attempt, executor)).await;
                    }
                }
                Some(Output::AskPermits) => {
                    if !drive.try_permits() {
                        Box::pin(drive.wait_for_permits()).await;
                    }
                }
                Some(Output::Release) => drive.slot = None,
                Some(Output::LookUp) => Box::pin(drive.look_up()).await,
                Some(Output::AwaitKey) => Box::pin(drive.await_key()).await,
                Some(Output::Record { attempt, state }) => Box::pin(drive.record(attempt, state)).await,
                Some(Output::Note(note)) => drive.take_note(note),
                // Orders to a running attempt are carried out where it runs.
                Some(Output::Signal { .. } | Output::Kill { .. }) => {}
                None => drive.wait_for_orders().await,
            }
        }
    }
}

struct Drive<'a> {
    house: House<'a>,
    request: &'a Request<'a>,
    /// Entered wherever the execution waits, which is wherever others' code runs.
    span: Span,
    machine: Machine<'a>,
    out: Outputs,
    now: Timestamp,
    id: ExecutionId,
    slot: Option<Slot<'a>>,
    /// What the brakes let the next attempt, or the one that runs, through with.
    pass: Option<Box<Pass<'a>>>,
    key: Option<Box<HeldKey>>,
    /// Of the last start under the key, whoever made it.
    fence: u64,
    /// What a ledger brings: mostly there is none, and then it takes no room.
    kept: Option<Box<Kept>>,
    output: Option<Box<decision_schema::Value>>,
    is_cancelled: bool,
}

/// What a ledger brings into an execution.
#[derive(Default)]
struct Kept {
    /// The attempts of dead owners, where their execution is taken up.
    earlier: Vec<ExecutionAttempt>,
    /// The attempt that was made durable and not entered: always the last one.
    withdrawn: Option<ExecutionAttempt>,
    /// When the outcome was handed to the ledger: a replay must tell the same times.
    concluded_at: Option<Timestamp>,
    /// The stored report, where the key's execution is over.
    stored: Option<Box<ExecutionReport>>,
}

impl<'a> Drive<'a> {
    fn kept(&mut self) -> &mut Kept {
        self.kept.get_or_insert_default()
    }

    fn new<E: Executor>(house: House<'a>, request: &'a Request<'a>, executor: Option<&'a E>) -> Self {
        let now = house.clock.now();
        let plan = engine::plan(house.policy, request, executor);
        let id = ids::execution_id(house.clock.wall_ms(now));
        Self {
            span: kept(tracing::info_span!("execution", action = request.decision.action.as_str(), id = %id)),
            machine: Machine::new(plan, house.slots.is_some() || house.rate.is_some()),
            id,
            house,
            request,
            out: Outputs::new(),
            now,
            slot: None,
            pass: None,
            key: None,
            fence: 0,
            kept: None,
            output: None,
            is_cancelled: false,
        }
    }

    fn admit(&mut self, has_executor: bool) {
        let admission = Admission {
            // It got here past the gate.
            verdict: Verdict::RUN,
            allowed: self.request.decision.allowed,
            refusal: self.refusal(has_executor),
            throttle_ms: self.request.decision.throttle_ms.unwrap_or(0),
        };
        self.handle(Input::Admit(admission));
    }

    /// What the policy and cooldown layers refuse, in their order.
    fn refusal(&self, has_executor: bool) -> Option<ReasonCode> {
        let Request { decision, tenant, .. } = *self.request;
        match &self.house.guards {
            None if self.house.policy.needs_engine() => Some(ReasonCode::PolicyNeedsEngine),
            _ if !has_executor => Some(ReasonCode::NoExecutor),
            Some(guards) if guards.cooldowns.is_active(self.now, tenant, decision.action) => {
                Some(ReasonCode::CooldownActive)
            }
            _ => None,
        }
    }

    fn handle(&mut self, input: Input) {
        self.machine.handle(self.now, input, &mut self.out);
    }

    async fn look_up(&mut self) {
        match self.hold_key() {
            Err(lookup) => self.handle(Input::LookedUp(lookup)),
            Ok(None) => self.handle(Input::LookedUp(Lookup::Fresh)),
            Ok(Some((ledger, claim_key))) => {
                let claim = self.claim(&claim_key);
                if let Some(known) = self.wait_for(pin!(ledger.look_up(claim))).await {
                    let lookup = known.map_or(Lookup::Unavailable, |known| self.remember(known));
                    self.handle(Input::LookedUp(lookup));
                }
            }
        }
    }

    /// Makes the key and holds it in this process; `None` where no ledger guards it.
    fn hold_key(&mut self) -> Result<Option<(&'a dyn Ledger, String)>, Lookup> {
        let identity = self.request.identity();
        let generator = self.house.policy.idempotency().key_generator;
        let key = resolve_key(self.request.header_key, self.request.idempotency_key, generator, &identity)
            .map_err(|fault| {
                Lookup::Refused(ReasonCode::from_name(fault.code()).unwrap_or(ReasonCode::InputInvalid))
            })?;
        self.machine.set_key(key.clone());
        let fingerprint = fingerprint(&identity);
        let Some(ledger) = self.house.ledger() else { return Ok(None) };
        if self.key.is_none() {
            let held = ledger.keys().try_hold(&key, fingerprint).map_err(|held| match held {
                Held::InProgress => Lookup::InProgress,
                Held::Reused => Lookup::Refused(ReasonCode::IdempotencyKeyReused),
            })?;
            self.key = Some(Box::new(held));
        }
        Ok(Some((ledger, key)))
    }

    fn claim<'k>(&self, key: &'k str) -> Claim<'k> {
        Claim {
            key,
            fingerprint: fingerprint(&self.request.identity()),
            may_repeat_effect: self.machine.plan().may_repeat_effect(),
        }
    }

    /// Keeps a stored report for the replay, and says what is known in the machine's words.
    fn remember(&mut self, known: Known) -> Lookup {
        match known {
            Known::Fresh => Lookup::Fresh,
            Known::Resumable(resumption) => {
                if self.machine.attempts().is_empty() {
                    (self.id, self.fence) = (resumption.report.execution_id, resumption.fence);
                    self.kept().earlier = resumption.report.attempts;
                }
                Lookup::Resumable(resumption.prior)
            }
            Known::InProgress => Lookup::InProgress,
            Known::Reused => Lookup::Refused(ReasonCode::IdempotencyKeyReused),
            Known::Expired => Lookup::Refused(ReasonCode::IdempotencyKeyExpired),
            Known::Finished(report) => {
                self.kept().stored = Some(report);
                Lookup::Finished
            }
            Known::InDoubt(report) => {
                self.kept().stored = Some(report);
                Lookup::InDoubt
            }
        }
    }

    async fn await_key(&mut self) {
        let key = self.machine.plan().key().map(str::to_owned);
        let (Some(ledger), Some(key)) = (self.house.ledger(), key) else {
            return self.handle(Input::KeyFreed);
        };
        // Where this execution holds the key in this process, it is another process that must let go.
        let is_held_here = self.key.is_some();
        let freed =
            async { if is_held_here { ledger.freed(&key).await } else { ledger.keys().freed(&key).await } };
        if self.wait_for(pin!(freed)).await.is_some() {
            self.handle(Input::KeyFreed);
        }
    }

    /// What the gate bars the next start with.
    fn bar(&self) -> Option<Verdict> {
        let verdict = self.house.verdict(self.request);
        verdict.bars_start(self.machine.attempts().is_empty()).then_some(verdict)
    }

    /// Goes on without the start; no refusal where the machine gave it up.
    fn give_up_start(&mut self, refusal: Option<StartRefusal>) {
        self.pass = None;
        if let Some(refusal) = refusal {
            self.handle(Input::NotStarted(refusal));
        }
    }

    /// The start step: the gate and STARTED in one. `None` where the machine gave it up.
    async fn start_recorded(
        &mut self,
        ledger: &'a dyn Ledger,
        key: &str,
        attempt: u32,
        may_outlive_process: bool,
    ) -> Option<Result<Started, StartRefusal>> {
        let report_if_lost = self.report_if_lost(attempt);
        let start = ledger::Start {
            claim: self.claim(key),
            attempt,
            is_new_work: self.machine.attempts().is_empty(),
            may_outlive_process,
            gate: self.house.start_gate(self.request),
            report_if_lost: &report_if_lost,
        };
        let started = self.wait_for(pin!(ledger.start(start))).await?;
        Some(match started {
            Ok(started) => self.look_once_more(ledger, key, attempt, started),
            Err(NotStarted::Gate(verdict)) => Err(StartRefusal::Gate(verdict)),
            Err(NotStarted::Race(known)) => Err(StartRefusal::Race(self.remember(known))),
            Err(NotStarted::Unavailable) => Err(StartRefusal::LedgerUnavailable),
            Err(NotStarted::Lost) => Err(StartRefusal::Race(Lookup::Unavailable)),
        })
    }

    /// Thousands may have had their turn between the start's becoming durable and this one's: a stop that was heard of
    /// meanwhile is obeyed before the executor is entered.
    fn look_once_more(
        &mut self,
        ledger: &dyn Ledger,
        key: &str,
        attempt: u32,
        started: Started,
    ) -> Result<Started, StartRefusal> {
        let Some(verdict) = self.bar() else { return Ok(started) };
        self.fence = started.fence;
        ledger.withdraw(key, attempt);
        self.keep_withdrawn(attempt);
        Err(StartRefusal::Gate(verdict))
    }

    /// Runs one attempt from its start step to its end.
    #[allow(clippy::manual_async_fn)] // an `async fn` stores its arguments twice
    fn attempt<E: Executor>(&mut self, number: u32, executor: &E) -> impl Future<Output = ()> {
        async move {
            let mut tenure = if let (Some(ledger), Some(key)) = (self.house.ledger(), &self.key) {
                let key = key.name();
                let may_outlive = executor.may_outlive_process();
                match Box::pin(self.start_recorded(ledger, &key, number, may_outlive)).await {
                    Some(Ok(started)) => self.take_tenure(started),
                    not_started => return self.give_up_start(not_started.and_then(Result::err)),
                }
            } else {
                // Where no ledger guards the key, the start step is the gate alone.
                match self.bar() {
                    None => self.take_tenure(Started { fence: 0, lock: None }),
                    Some(verdict) => return self.give_up_start(Some(StartRefusal::Gate(verdict))),
                }
            };
            let key = tenure
                .key
                .as_ref()
                .map(|key| key.name())
                .or_else(|| self.machine.plan().key().map(Into::into));
            self.handle(Input::Started { at_ms: self.house.clock.wall_ms(self.now) });
            let end = if let Some(parting) = self.steer(&tenure.control) {
                Err(parting)
            } else {
                let mut running = pin!(self.enter(executor, number, key.as_deref(), &tenure));
                loop {
                    if let Some(answer) = self.wait_for(running.as_mut()).await {
                        break Ok(answer);
                    }
                    if let Some(parting) = self.steer(&tenure.control) {
                        break Err(parting);
                    }
                }
            };
            self.conclude_attempt(number, end);
            self.end_pass();
            tenure.end(self);
        }
    }

    /// Calls the executor. What it returns has not been polled yet.
    fn enter<'t, E: Executor>(
        &self,
        executor: &'t E,
        number: u32,
        key: Option<&'t str>,
        tenure: &'t Tenure<'a>,
    ) -> Caught<impl Future<Output = Answer> + use<'a, 't, E>>
    where
        'a: 't,
    {
        let parent = self.span.as_deref().and_then(tracing::Span::id);
        let span = kept(tracing::info_span!(parent: parent, "attempt", number, fence = self.fence));
        let attempt = self.describe(number, key, tenure);
        let future = catch_unwind(AssertUnwindSafe(|| within(&span, || executor.run(attempt)))).ok();
        Caught { span, future }
    }

    /// Passes the machine's orders on to a running attempt. `None`: let it run.
    fn steer(&mut self, control: &Control) -> Option<Parting> {
        loop {
            match self.machine.phase() {
                Phase::Running { .. } | Phase::Stopping { .. } | Phase::Killing { .. } => {}
                _ => return Some(Parting::GivenUp),
            }
            let (urgency, has_own_end) = match self.out.next()? {
                Output::Signal { .. } => (Urgency::Signal, control.is_listening() || control.is_waited_for()),
                Output::Kill { .. } => (Urgency::Kill, control.is_waited_for()),
                Output::Note(note) => {
                    self.take_note(note);
                    continue;
                }
                _ => continue,
            };
            control.raise(urgency);
            if !has_own_end {
                let is_abandoned = control.is_held();
                let stopped = if is_abandoned { Stopped::Unconfirmed } else { Stopped::Confirmed };
                return Some(Parting::Dropped(stopped));
            }
        }
    }

    fn conclude_attempt(&mut self, attempt: u32, end: Result<Answer, Parting>) {
        let is_told = self.house.is_watched() && !self.is_broken_off();
        let has_hint = is_told && matches!(&end, Ok(answer) if answer.retry_after_ms.is_some());
        match end {
            Ok(answer) => {
                let (ended, output) = reporting::vet(answer, &self.house.redactor, self.request);
                let effect = ended.effect;
                self.handle(Input::Finished { attempt, ended });
                // What came too late does not count, and neither does what it says.
                if self.machine.attempts().last().is_some_and(|record| record.effect == effect) {
                    self.output = output.map(Box::new);
                }
            }
            Err(Parting::Dropped(stopped)) => self.handle(Input::Halted { attempt, stopped }),
            Err(Parting::GivenUp) => {}
        }
        if is_told {
            self.tell_end(attempt, has_hint);
        }
    }

    fn describe<'t>(&self, number: u32, key: Option<&'t str>, tenure: &'t Tenure<'a>) -> Attempt<'t>
    where
        'a: 't,
    {
        let timeout = self.house.policy.timeout();
        let deadline = self.now.plus_ms(timeout.timeout_per_action_ms).min(self.machine.total_deadline());
        let timeout_ms = deadline.ms_since(self.now);
        let until_deadline_ms = i64::try_from(timeout_ms).unwrap_or(i64::MAX);
        Attempt {
            action: self.request.decision.action,
            params: self.request.decision.params.as_ref(),
            context: self.request.context,
            run_id: self.request.run_id,
            step: self.request.step,
            tenant: self.request.tenant,
            attempt_number: number,
            idempotency_key: key,
            fence: self.fence,
            deadline_ms: self.house.clock.wall_ms(self.now).saturating_add(until_deadline_ms),
            timeout_ms,
            control: &tenure.control,
            lock: tenure.lock(),
        }
    }

    async fn record(&mut self, attempt: u32, state: KeyState) {
        let is_terminal = state != KeyState::Open;
        let guarded = self.house.ledger().zip(self.machine.plan().key());
        let Some((ledger, key)) = guarded else {
            if is_terminal {
                self.handle(Input::Recorded);
            }
            return;
        };
        let key = key.to_owned();
        self.kept().concluded_at = is_terminal.then_some(self.now);
        let report = self.report();
        let record = ledger::Record { key: &key, fence: self.fence, attempt, state, report: &report };
        match self.wait_for(pin!(ledger.record(record))).await {
            Some(Ok(())) if is_terminal => self.handle(Input::Recorded),
            Some(Ok(())) | None => {}
            Some(Err(_)) => {
                self.kept().concluded_at = None;
                self.handle(Input::RecordLost);
            }
        }
    }

    fn take_note(&self, note: Note) {
        match note {
            Note::LateResult { attempt, effect } => {
                tracing::warn!(attempt, effect = effect.as_str(), "a late result changes nothing");
                if let (Some(ledger), Some(key)) = (self.house.ledger(), self.machine.plan().key()) {
                    ledger.note(Evidence::Late { key, fence: self.fence, attempt, effect });
                }
            }
            Note::Ignored => tracing::trace!("an input came late or twice"),
        }
    }

    /// Waits until the machine orders something.
    async fn wait_for_orders(&mut self) {
        let _: Option<()> = self.wait_for(pin!(std::future::pending())).await;
    }

    /// Passes on a change of the gate, or the caller's cancel.
    fn look_at_gate(&mut self) {
        let verdict = match self.machine.phase() {
            Phase::Starting { .. }
            | Phase::Running { .. }
            | Phase::Stopping { .. }
            | Phase::Killing { .. } => self.house.verdict_in_flight(self.request),
            _ => self.house.verdict(self.request),
        };
        if verdict != self.machine.verdict() {
            self.handle(Input::GateChanged(verdict));
        }
        self.look_at_cancellation();
    }

    fn look_at_cancellation(&mut self) {
        if !self.is_cancelled && self.request.cancellation.is_some_and(Cancellation::is_cancelled) {
            self.is_cancelled = true;
            self.handle(Input::Cancel);
        }
    }
}

/// How an attempt is left that has not answered.
enum Parting {
    Dropped(Stopped),
    GivenUp,
}

pin_project_lite::pin_project! {
    /// An executor's future in its span; a panic of it, or of the call that should have made it, is an answer
    /// (INV-EXE-3).
    struct Caught<F> {
        span: Span,
        #[pin]
        future: Option<F>,
    }
}

impl<F: Future<Output = Answer>> Future for Caught<F> {
    type Output = Answer;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Answer> {
        let this = self.project();
        let Some(future) = this.future.as_pin_mut() else { return Poll::Ready(broken()) };
        let polled = catch_unwind(AssertUnwindSafe(|| within(this.span, || future.poll(cx))));
        polled.unwrap_or_else(|_| Poll::Ready(broken()))
    }
}

/// A span that somebody listens to: mostly nobody does, and then it takes no room.
type Span = Option<Box<tracing::Span>>;

#[inline]
fn kept(span: tracing::Span) -> Span {
    (!span.is_disabled()).then(|| Box::new(span))
}

fn within<T>(span: &Span, work: impl FnOnce() -> T) -> T {
    match span {
        Some(span) => span.in_scope(work),
        None => work(),
    }
}
