//! INV-EXE-4 with ten thousand executions in flight: a stop wakes all, starts none, ends all in time, and the truth is
//! said about each.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};

use decision_schema::{Action, FinalDecision, Object};
use failstop::{
    Engine, Request,
    core::{
        model::{ExecutionReport, Outcome, ReasonCode, Stopped},
        policies::Quota,
        stop::{Level, Scope},
    },
    executor::{Answer, Attempt, Executor},
    gate::Gate,
};
use tokio::task::JoinSet;

use crate::support::policy;

/// How many of each kind.
const EACH: usize = 2_500;

/// Refuses at once for `EXIT`, so that its executions sleep in their backoff, and never comes back for any other.
struct Crowd {
    is_stopped: Arc<AtomicBool>,
    starts: Arc<AtomicU32>,
    starts_after_the_stop: Arc<AtomicU32>,
}

impl Executor for Crowd {
    async fn run<'a>(&'a self, attempt: Attempt<'a>) -> Answer {
        self.starts.fetch_add(1, Ordering::SeqCst);
        if self.is_stopped.load(Ordering::SeqCst) {
            self.starts_after_the_stop.fetch_add(1, Ordering::SeqCst);
        }
        match attempt.action {
            Action::Exit => Answer::not_applied(),
            Action::Cancel => {
                // Obeys the signal, a moment later.
                attempt.cancel().at_least(failstop::executor::Urgency::Signal).await;
                tokio::time::sleep(Duration::from_millis(10)).await;
                Answer::unknown()
            }
            Action::Hold | Action::Act | Action::Stop => std::future::pending().await,
        }
    }

    fn name(&self) -> &'static str {
        "crowd"
    }
}

struct Stage {
    gate: Gate,
    is_stopped: Arc<AtomicBool>,
    starts: Arc<AtomicU32>,
    starts_after_the_stop: Arc<AtomicU32>,
    running: JoinSet<ExecutionReport>,
}

fn submit(running: &mut JoinSet<ExecutionReport>, engine: &Engine, action: Action) {
    let engine = engine.clone();
    running.spawn(async move {
        let (decision, context) = (FinalDecision::new(action), Object::new());
        engine.execute(&Request::new(&decision, &context)).await
    });
}

/// Four kinds of waiting: in backoff (`EXIT`), inside an executor that listens (`CANCEL`) and one that does not (`ACT`),
/// for a slot (`HOLD`, whose engine has one) and for a rate limit (`STOP`).
fn fill() -> Stage {
    let gate = Gate::new();
    let (is_stopped, starts, late) = (Arc::default(), Arc::default(), Arc::default());
    let crowd = || Crowd {
        is_stopped: Arc::clone(&is_stopped),
        starts: Arc::clone(&starts),
        starts_after_the_stop: Arc::clone(&late),
    };
    let long = |slots: u32| {
        move |spec: &mut failstop::core::policies::PolicySpec| {
            spec.max_concurrency = slots;
            spec.retry.initial_backoff_ms = 60_000;
            spec.retry.max_backoff_ms = 60_000;
            spec.timeout.timeout_per_action_ms = 600_000;
            spec.timeout.max_total_time_ms = 600_000;
            if slots > 1 {
                spec.rate_limit.actions[Action::Stop as usize] = Some(Quota::new(1, 600_000));
            }
        }
    };
    let wide = Engine::builder(policy(long(16_000))).gate(gate.clone()).executor(crowd()).build().unwrap();
    let narrow = Engine::builder(policy(long(1))).gate(gate.clone()).executor(crowd()).build().unwrap();
    let mut running = JoinSet::new();
    for _ in 0..EACH {
        submit(&mut running, &wide, Action::Exit);
        submit(&mut running, &wide, Action::Act);
        submit(&mut running, &wide, Action::Cancel);
        submit(&mut running, &wide, Action::Stop);
        submit(&mut running, &narrow, Action::Hold);
    }
    Stage { gate, is_stopped, starts, starts_after_the_stop: late, running }
}

#[tokio::test(start_paused = true)]
async fn inv_exe_4_a_stop_wakes_all_starts_none_and_says_the_truth_about_each() {
    let mut stage = fill();
    // Everybody is where he waits.
    tokio::time::sleep(Duration::from_millis(1)).await;
    let started = 3 * EACH + 2;
    assert_eq!(stage.starts.load(Ordering::SeqCst) as usize, started, "one slot, one permit");
    stage.gate.engage(Scope::Global, Level::Stop, "drill");
    stage.is_stopped.store(true, Ordering::SeqCst);
    let mut told = BTreeMap::new();
    while let Some(report) = stage.running.join_next().await {
        let report = report.unwrap();
        assert!(report.total_latency_ms <= 2_000 + 1_000, "the grace and a second");
        let stopped = report.attempts.last().and_then(|attempt| attempt.stopped);
        let key = (report.action.unwrap(), report.conclusion.reason_code, report.conclusion.outcome, stopped);
        *told.entry(format!("{key:?}")).or_insert(0) += 1;
    }
    let line = |action, code, outcome, stopped: Option<Stopped>| {
        format!("{:?}", (action, Some(code), outcome, stopped))
    };
    let (confirmed, in_flight) = (Some(Stopped::Confirmed), ReasonCode::StoppedInFlight);
    let expected = BTreeMap::from([
        (line(Action::Exit, in_flight, Outcome::NotExecuted, None), EACH),
        (line(Action::Act, in_flight, Outcome::Unknown, confirmed), EACH),
        (line(Action::Cancel, in_flight, Outcome::Unknown, confirmed), EACH),
        (line(Action::Stop, ReasonCode::GateStopped, Outcome::NotExecuted, None), EACH - 1),
        (line(Action::Stop, in_flight, Outcome::Unknown, confirmed), 1),
        (line(Action::Hold, ReasonCode::GateStopped, Outcome::NotExecuted, None), EACH - 1),
        (line(Action::Hold, in_flight, Outcome::Unknown, confirmed), 1),
    ]);
    assert_eq!(told, expected, "INV-FS-3");
    assert_eq!(stage.starts_after_the_stop.load(Ordering::SeqCst), 0);
    assert_eq!(stage.starts.load(Ordering::SeqCst) as usize, started);
}
