//! The engine: what executions share. Gate, slots, rate limits, cooldowns, keys, ledger and executors.

use std::{
    borrow::Cow,
    future::{Future, poll_fn},
    ops::Deref,
    sync::{Arc, LazyLock},
    task::Poll,
};

use decision_modulation_core::GuardPolicy;
use decision_schema::{Action, FinalDecision, Object};
use execution_orchestration_core::{
    model::{EffectClass, ExecutionReport},
    plan::{Plan, Subject},
    policies::{ExecutionPolicy, RetryUnknown},
    redaction::{Profile, Redactor},
    stop::{Level, Verdict, context_verdict},
};
use ops_health_core::{HealthPolicy, Signal};

use crate::{
    canary::{self, StopNotProven},
    clock::Clock,
    driver,
    executor::{AnyExecutor, Executor},
    gate::Gate,
    health::OwnHealth,
    history::{History, Lately},
    ledger::{Ledger, StartGate},
    limits::{Brakes, Cooldowns, RateLimiter, Slots},
    request::{Cancellation, Request},
};

/// Executes decisions under one policy, with the state that executions share. Clones share it too.
#[derive(Clone)]
pub struct Engine {
    shared: Arc<Shared>,
}

struct Shared {
    policy: ExecutionPolicy,
    rooms: Rooms,
    executors: Executors,
}

/// Which executor carries out which action.
#[derive(Debug, Clone, Default)]
struct Executors {
    default: Option<AnyExecutor>,
    by_action: [Option<AnyExecutor>; Action::ALL.len()],
}

impl Executors {
    fn of(&self, action: Action) -> Option<&AnyExecutor> {
        self.by_action[action as usize].as_ref().or(self.default.as_ref())
    }

    fn all(&self) -> impl Iterator<Item = &AnyExecutor> {
        self.by_action.iter().flatten().chain(&self.default)
    }
}

/// Why an engine cannot be built.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// Idempotency guards nothing without a ledger.
    #[error("policy.idempotency.enabled needs a ledger")]
    LedgerMissing,
    /// An effect that must not happen twice would be repeated on a guess.
    #[error(
        "policy.retry.retry_unknown = \"always\" is refused with idempotency on and a non_idempotent executor"
    )]
    RetriesUnknownEffects,
}

/// Collects the parts of an [`Engine`].
pub struct EngineBuilder {
    policy: ExecutionPolicy,
    gate: Gate,
    ledger: Option<Arc<dyn Ledger>>,
    executors: Executors,
    redactor: Redactor,
    plan_digests: bool,
    health: Option<HealthPolicy>,
    history: Option<History>,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").field("policy", self.policy()).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for EngineBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EngineBuilder").field("policy", &self.policy).finish_non_exhaustive()
    }
}

impl EngineBuilder {
    /// With a gate that others hold too. Default: a gate of its own, at `run`.
    #[must_use]
    pub fn gate(mut self, gate: Gate) -> Self {
        self.gate = gate;
        self
    }

    /// With a ledger. Needed where idempotency is on.
    #[must_use]
    pub fn ledger(mut self, ledger: Arc<dyn Ledger>) -> Self {
        self.ledger = Some(ledger);
        self
    }

    /// With an executor for every action that has none of its own.
    #[must_use]
    pub fn executor(mut self, executor: impl Executor + 'static) -> Self {
        self.executors.default = Some(AnyExecutor::new(executor));
        self
    }

    /// With an executor for `action`.
    #[must_use]
    pub fn route(mut self, action: Action, executor: impl Executor + 'static) -> Self {
        self.executors.by_action[action as usize] = Some(AnyExecutor::new(executor));
        self
    }

    /// With a redactor of one's own. Default: the strict profile.
    #[must_use]
    pub fn redactor(mut self, redactor: Redactor) -> Self {
        self.redactor = redactor;
        self
    }

    /// With the plan's digest in every report, for those who write reports out.
    #[must_use]
    pub fn plan_digests(mut self, plan_digests: bool) -> Self {
        self.plan_digests = plan_digests;
        self
    }

    /// With a watch over its own attempts: when too many of them go ill, nothing starts until the cooldown is over, as if
    /// the gate were at `stop`; what runs is left alone. Default: none.
    ///
    /// An attempt whose effect is unknown is an error, and so is one that was not applied, unless its target asked for a
    /// wait (a hint, or the code `http_429`): that counts as rate-limited. Rejections and successes count for latency
    /// only; refusals of the engine itself, and attempts that the gate or the caller breaks off, do not count.
    #[must_use]
    pub fn health(mut self, policy: HealthPolicy) -> Self {
        self.health = Some(policy);
        self
    }

    /// With a memory of what became of executions, for these guards.
    pub(crate) fn history(mut self, guards: &GuardPolicy) -> Self {
        self.history = Some(History::new(guards));
        self
    }

    /// The engine.
    ///
    /// # Errors
    /// Where the parts contradict each other.
    pub fn build(self) -> Result<Engine, BuildError> {
        check(&self.policy, self.ledger.is_some(), self.executors.all().map(AnyExecutor::effect_class))?;
        if let Some(ledger) = &self.ledger {
            ledger.attach(&self.gate);
        }
        let rate =
            (!self.policy.rate_limit().is_unlimited()).then(|| RateLimiter::new(self.policy.rate_limit()));
        let rooms = Rooms {
            slots: Some(Slots::new(self.policy.max_concurrency())),
            rate,
            guards: Some(Guards {
                cooldowns: Cooldowns::default(),
                ledger: self.ledger,
                brakes: Brakes::new(&self.policy).map(Box::new),
            }),
            clock: Clock::new(),
            gate: self.gate,
            redactor: Cow::Owned(self.redactor),
            plan_digests: self.plan_digests,
            health: self.health.map(|policy| Arc::new(OwnHealth::new(policy))),
            history: self.history,
        };
        let (policy, executors) = (self.policy, self.executors);
        Ok(Engine { shared: Arc::new(Shared { policy, rooms, executors }) })
    }
}

impl Engine {
    /// Starts to build an engine that executes under `policy`.
    pub fn builder(policy: ExecutionPolicy) -> EngineBuilder {
        EngineBuilder {
            policy,
            gate: Gate::new(),
            ledger: None,
            executors: Executors::default(),
            redactor: Redactor::new(Profile::Strict),
            plan_digests: false,
            health: None,
            history: None,
        }
    }

    /// Proves that a stopped gate stops, before any work is accepted: a decision that must be refused goes down the path
    /// that all decisions take, through admission and through the ledger's start step. Leaves no trace.
    ///
    /// # Errors
    /// Where it was let through. Nothing may be executed by this process then.
    pub async fn prove_stop(&self) -> Result<(), StopNotProven> {
        canary::prove_stop(self.house()).await
    }

    /// Executes one decision with the executor configured for its action. Never fails, never panics: every failure is
    /// a report. Dropping the future cancels the execution where it stands; a key whose attempt was running then is in
    /// doubt.
    pub fn execute<'a>(&'a self, request: &'a Request<'a>) -> impl Future<Output = ExecutionReport> + 'a {
        run(self.house(), request, self.shared.executors.of(request.decision.action))
    }

    /// Executes one decision with this executor.
    pub fn execute_with<'a, E: Executor>(
        &'a self,
        request: &'a Request<'a>,
        executor: &'a E,
    ) -> impl Future<Output = ExecutionReport> + 'a {
        run(self.house(), request, Some(executor))
    }

    /// Executes one decision under another policy, with the gate, ledger, slots, rate limits and cooldowns of this engine.
    ///
    /// # Errors
    /// What [`EngineBuilder::build`] refuses, for this policy and executor.
    pub fn execute_under<'a, E: Executor>(
        &'a self,
        policy: &'a ExecutionPolicy,
        request: &'a Request<'a>,
        executor: &'a E,
    ) -> Result<impl Future<Output = ExecutionReport> + 'a, BuildError> {
        let has_ledger = self.shared.rooms.guards.as_ref().is_some_and(|guards| guards.ledger.is_some());
        check(policy, has_ledger, [executor.effect_class()])?;
        Ok(run(House { policy, rooms: &self.shared.rooms }, request, Some(executor)))
    }

    fn house(&self) -> House<'_> {
        House { policy: &self.shared.policy, rooms: &self.shared.rooms }
    }

    /// Cancels every execution whose request carries `cancellation`: what waits ends now, what runs is told to stop.
    pub fn cancel(&self, cancellation: &Cancellation) {
        cancellation.cancel();
        self.gate().stir();
    }

    /// The plan for one decision, without executing anything.
    pub fn plan<'a>(&'a self, request: &Request<'a>) -> Plan<'a> {
        let executor = self.shared.executors.of(request.decision.action);
        plan(self.policy(), request, executor)
    }

    /// The policy in force.
    pub fn policy(&self) -> &ExecutionPolicy {
        &self.shared.policy
    }

    /// The gate.
    pub fn gate(&self) -> &Gate {
        &self.shared.rooms.gate
    }

    /// What redacts everything the engine writes.
    pub fn redactor(&self) -> &Redactor {
        &self.shared.rooms.redactor
    }

    /// The health of its own attempts, with times on the clock on which it is `now_ms` now; `None` where nobody watches
    /// them.
    pub fn health(&self, now_ms: i64) -> Option<Signal> {
        self.shared.rooms.health.as_ref().map(|health| health.signal(now_ms))
    }

    /// What became of executions lately; `None` where nobody keeps it in mind.
    pub(crate) fn lately(&self) -> Option<Lately> {
        self.shared.rooms.history.as_ref().map(History::lately)
    }

    /// How many slots are held by work that was abandoned and has not ended.
    pub fn abandoned(&self) -> u32 {
        self.shared.rooms.slots.as_ref().map_or(0, Slots::abandoned)
    }

    /// How many keys are being executed or held by work that was abandoned.
    pub fn keys_in_progress(&self) -> usize {
        self.house().ledger().map_or(0, |ledger| ledger.keys().held_count())
    }
}

/// Whether executions under `policy` can be what it promises.
fn check(
    policy: &ExecutionPolicy,
    has_ledger: bool,
    classes: impl IntoIterator<Item = EffectClass>,
) -> Result<(), BuildError> {
    if !policy.idempotency().enabled {
        return Ok(());
    }
    if !has_ledger {
        return Err(BuildError::LedgerMissing);
    }
    let retries_unknown = policy.retry().retry_unknown == RetryUnknown::Always;
    if retries_unknown && classes.into_iter().any(|class| class == EffectClass::NonIdempotent) {
        return Err(BuildError::RetriesUnknownEffects);
    }
    Ok(())
}

/// Everything one execution may use: a policy, and what it shares with others under this policy or another.
#[derive(Clone, Copy)]
pub(crate) struct House<'a> {
    pub(crate) policy: &'a ExecutionPolicy,
    pub(crate) rooms: &'a Rooms,
}

impl Deref for House<'_> {
    type Target = Rooms;

    fn deref(&self) -> &Rooms {
        self.rooms
    }
}

/// What executions share: an engine's, or, for a bare call, next to nothing.
pub(crate) struct Rooms {
    pub(crate) gate: Gate,
    pub(crate) clock: Clock,
    pub(crate) redactor: Cow<'static, Redactor>,
    pub(crate) slots: Option<Slots>,
    pub(crate) rate: Option<RateLimiter>,
    pub(crate) guards: Option<Guards>,
    pub(crate) plan_digests: bool,
    pub(crate) health: Option<Arc<OwnHealth>>,
    pub(crate) history: Option<History>,
}

/// State between calls, which only an engine has.
pub(crate) struct Guards {
    pub(crate) cooldowns: Cooldowns,
    pub(crate) ledger: Option<Arc<dyn Ledger>>,
    /// Boxed: few engines have any, and those that have none only look whether they have.
    pub(crate) brakes: Option<Box<Brakes>>,
}

impl<'a> House<'a> {
    /// The gate for this request at admission, its own context and the policy's exceptions included.
    pub(crate) fn first_verdict(&self, request: &Request<'_>) -> Verdict {
        let gate = self.gate.verdict(request.decision.action);
        // Health and a context say `stop` at most, and where two say the same it is the gate that is named.
        if gate.level >= Level::Stop {
            return self.exempting(request, gate);
        }
        self.exempting(request, self.obeying_health(gate).or(context_verdict(request.context)))
    }

    /// The gate for this request later on. Its context does not change: where it said stop, nothing was admitted, or
    /// the policy exempts the action from it for good.
    pub(crate) fn verdict(&self, request: &Request<'_>) -> Verdict {
        self.exempting(request, self.obeying_health(self.gate.verdict(request.decision.action)))
    }

    /// The gate for an attempt that runs. Health bars starts and reaches nothing in flight.
    pub(crate) fn verdict_in_flight(&self, request: &Request<'_>) -> Verdict {
        self.exempting(request, self.gate.verdict(request.decision.action))
    }

    /// The gate for this request as a ledger's start step reads it.
    pub(crate) fn start_gate(&self, request: &Request<'_>) -> StartGate {
        StartGate::new(self.gate.clone(), request.decision.action, self.is_exempt(request))
            .obeying(self.health.clone())
    }

    /// Whether anybody wants to know how attempts end.
    pub(crate) fn is_watched(&self) -> bool {
        self.health.is_some() || self.history.is_some()
    }

    fn obeying_health(&self, verdict: Verdict) -> Verdict {
        match &self.health {
            None => verdict,
            Some(health) => verdict.or(health.verdict()),
        }
    }

    /// What is held back where too much fails, if anything is.
    pub(crate) fn brakes(self) -> Option<&'a Brakes> {
        self.rooms.guards.as_ref()?.brakes.as_deref()
    }

    /// The ledger, where keys are in force: with idempotency off there is no ledger traffic.
    pub(crate) fn ledger(self) -> Option<&'a dyn Ledger> {
        let guards = self.rooms.guards.as_ref().filter(|_| self.policy.idempotency().enabled)?;
        guards.ledger.as_deref()
    }

    fn exempting(&self, request: &Request<'_>, verdict: Verdict) -> Verdict {
        // Mostly nothing stands in the way, and nothing needs to be exempted from it.
        if verdict.level == Level::Run { verdict } else { verdict.exempting(self.is_exempt(request)) }
    }

    fn is_exempt(&self, request: &Request<'_>) -> bool {
        self.policy.allow_when_stopped().contains(request.decision.action)
    }
}

/// What the gate refuses is reported at once; anything else runs in a box, since whoever awaits it moves it about.
///
/// Polled by hand: an `async` block would copy the report once more on its way out.
pub(crate) fn run<'a, E: Executor>(
    house: House<'a>,
    request: &'a Request<'a>,
    executor: Option<&'a E>,
) -> impl Future<Output = ExecutionReport> + 'a {
    let mut driven = None;
    poll_fn(move |cx| {
        let driven = match &mut driven {
            Some(driven) => driven,
            none => {
                let verdict = house.first_verdict(request);
                if verdict.bars_new_work() {
                    return Poll::Ready(driver::refuse_at_the_gate(house, request, executor, verdict));
                }
                // `Box::pin` would build it on the stack first and copy it, though nearly all of it is yet unused.
                let room = Box::new_uninit();
                none.insert(Box::into_pin(Box::write(room, driver::drive(house, request, executor))))
            }
        };
        driven.as_mut().poll(cx)
    })
}

pub(crate) fn plan<'a, E: Executor>(
    policy: &'a ExecutionPolicy,
    request: &Request<'a>,
    executor: Option<&'a E>,
) -> Plan<'a> {
    Plan::new(Subject {
        action: request.decision.action,
        params: request.decision.params.as_ref(),
        throttle_ms: request.decision.throttle_ms.unwrap_or(0),
        cooldown_ms: request.decision.cooldown_ms.unwrap_or(0),
        policy,
        executor: executor.map_or("", Executor::name),
        effect_class: executor.map_or(EffectClass::NonIdempotent, Executor::effect_class),
    })
}

/// Executes one decision: retried, timed, stopped by its context's kill switch, and reported. The reference's call.
///
/// There is no state between calls: a policy with rate limits is denied (`policy_needs_engine`), and idempotency
/// computes and shows keys but guards nothing. An [`Engine`] carries gate, limits and ledger.
///
/// Never fails and never panics: every failure is a report.
///
/// ```
/// use decision_schema::{Action, FinalDecision, Object};
/// use execution_orchestration_core::policies::ExecutionPolicy;
/// use failstop::{execute, executor::from_fn};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let decision = FinalDecision::new(Action::Act);
/// let executor = from_fn(|_attempt| async { (true, None) });
/// let report = execute(&decision, &Object::new(), &ExecutionPolicy::default(), &executor).await;
/// assert_eq!(report.success_count(), 1);
/// # }
/// ```
pub async fn execute<E: Executor>(
    decision: &FinalDecision,
    context: &Object,
    policy: &ExecutionPolicy,
    executor: &E,
) -> ExecutionReport {
    execute_request(&Request::new(decision, context), policy, executor).await
}

/// As [`execute`], with everything that may come with a decision.
pub async fn execute_request<E: Executor>(
    request: &Request<'_>,
    policy: &ExecutionPolicy,
    executor: &E,
) -> ExecutionReport {
    static OPEN: LazyLock<Gate> = LazyLock::new(Gate::new);
    static STRICT: LazyLock<Redactor> = LazyLock::new(|| Redactor::new(Profile::Strict));
    let rooms = Rooms {
        gate: OPEN.clone(),
        clock: Clock::new(),
        redactor: Cow::Borrowed(&STRICT),
        slots: None,
        rate: None,
        guards: None,
        plan_digests: false,
        health: None,
        history: None,
    };
    run(House { policy, rooms: &rooms }, request, Some(executor)).await
}
