//! A day of decisions in some seconds: every proposal of one day goes through the whole pipeline, an error storm in the
//! middle, and is told in one page. `cargo xtask example day`.
//!
//! The day passes on the runtime's paused clock, so that waits, timeouts, windows and cooldowns are as long as they would
//! be and cost nothing. [`story`] tells what is proposed and how the world answers, [`account`] keeps count and proves
//! every packet, [`page`] is what people read.
#![allow(clippy::print_stdout, reason = "what it prints is its interface")]
#![allow(missing_docs, reason = "nobody links to an example")]

mod account;
mod page;
mod story;
mod world;

use std::{
    process::ExitCode,
    sync::Arc,
    time::{Duration, Instant},
};

use account::Account;
use decision_schema::Action;
use failstop::{
    Engine,
    core::{
        policies::{ExecutionPolicy, Jitter, PolicySpec},
        stop::{Level, Scope},
    },
    executor::{from_fn, noop::Noop},
    health_core::{HealthPolicy, HealthSpec},
    ledger::MemoryLedger,
    modulation_core::{GuardPolicy, GuardPolicySpec},
    pipeline::{Pipeline, ProposalRequest},
};
use story::{Moment, Sending};
use tokio::task::JoinSet;
use world::World;

fn main() -> ExitCode {
    #[expect(clippy::disallowed_methods, reason = "people want to know how long it took")]
    let begun = Instant::now();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    let Ok(runtime) = runtime else { return ExitCode::FAILURE };
    let account = runtime.block_on(live_through_the_day());
    print!("{}", page::page(&account, begun.elapsed()));
    if account.is_right() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

async fn live_through_the_day() -> Account {
    let world = Arc::new(World::begin());
    let pipeline = pipeline(&world);
    let mut account = Account::default();
    let mut running = JoinSet::new();
    let mut operator = Operator::default();
    for sending in story::sendings() {
        world.wait_for(sending.at).await;
        operator.look_at_the_clock(pipeline.engine(), sending.at);
        running.spawn(submit(pipeline.clone(), sending));
        while let Some(Ok((sending, report))) = running.try_join_next() {
            account.take(sending, &report);
        }
    }
    while let Some(Ok((sending, report))) = running.join_next().await {
        account.take(sending, &report);
    }
    account.close(world.effects());
    account
}

async fn submit(pipeline: Pipeline, sending: Sending) -> (Sending, failstop::core::model::ExecutionReport) {
    let line = story::line(sending.step);
    let request = ProposalRequest {
        run_id: Some("the-day"),
        step: i64::try_from(sending.step).ok(),
        ..ProposalRequest::new(&line.proposal, &line.context)
    };
    (sending, pipeline.submit(&request).await)
}

fn pipeline(world: &Arc<World>) -> Pipeline {
    let world = Arc::clone(world);
    let executor = from_fn(move |attempt| {
        let (world, step, number) = (Arc::clone(&world), attempt.step, attempt.attempt_number);
        async move { world.carry_out(step.unwrap_or_default().unsigned_abs(), number).await }
    });
    let builder = Engine::builder(policy())
        .ledger(Arc::new(MemoryLedger::new()))
        .health(health())
        .executor(executor)
        .route(Action::Hold, Noop);
    Pipeline::build(builder, guards()).expect("the parts fit")
}

fn policy() -> ExecutionPolicy {
    let mut spec = PolicySpec { max_concurrency: 64, ..PolicySpec::default() };
    spec.idempotency.enabled = true;
    spec.retry.jitter = Jitter::Derived;
    ExecutionPolicy::new(spec).expect("in range")
}

/// Twelve errors in a minute are a storm, and so are twelve targets that ask to slow down.
fn health() -> HealthPolicy {
    HealthPolicy::new(HealthSpec {
        max_errors_per_window: 12,
        max_429_per_window: 12,
        weight_errors: 1.0,
        weight_429: 1.0,
        cooldown_ms: 120_000,
        ..HealthSpec::default()
    })
    .expect("in range")
}

fn guards() -> GuardPolicy {
    GuardPolicy::new(GuardPolicySpec { max_error_rate: 0.25, ..GuardPolicySpec::default() })
        .expect("in range")
}

/// Who stops everything in the evening for a quarter of an hour, and lets it go on.
#[derive(Default)]
struct Operator {
    epoch: Option<u64>,
    has_released: bool,
}

impl Operator {
    fn look_at_the_clock(&mut self, engine: &Engine, now: Moment) {
        let is_stopped = story::STOPPED.contains(&now);
        match self.epoch {
            None if is_stopped && !self.has_released => {
                self.epoch = Some(engine.gate().engage(Scope::Global, Level::Stop, "something smells"));
            }
            Some(epoch) if !is_stopped => {
                let released = engine.gate().release(Scope::Global, epoch, "it was the coffee");
                self.has_released = released.is_ok();
                self.epoch = None;
            }
            None | Some(_) => {}
        }
    }
}

/// How long a moment of the day is from midnight.
fn from_midnight(moment: Moment) -> Duration {
    Duration::from_millis(moment)
}
