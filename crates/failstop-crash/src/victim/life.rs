//! One life of a victim: opens the ledger, executes every decision with several in flight, reports, ends.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read as _, Write as _},
    num::NonZero,
    sync::{Arc, Mutex, PoisonError},
};

use decision_schema::Object;
use failstop::{
    Engine, Request,
    core::{
        model::ExecutionReport,
        policies::{ExecutionPolicy, OnInProgress, PolicySpec},
        report::ReportStyle,
    },
    ledger::Ledger,
};
use failstop_sqlite::{OpenError, Options, SqliteLedger};
use tokio::task::JoinSet;

use super::{
    Place,
    executors::{Striker, executor},
};
use crate::{
    decision::Decision,
    strike::{Moment, STRIKE_VARIABLE},
};

/// Retries of a victim's policy: attempts are one more, over all lives.
pub const MAX_RETRIES: u32 = 2;

/// The exit code of a life in which every decision got its report.
pub const DONE: i32 = 0;

/// The exit code of a life whose ledger was not opened.
pub const NOT_OPENED: i32 = 3;

/// The environment variable by which a life takes each so many decisions from their end.
pub const TURNED_VARIABLE: &str = "FAILSTOP_TURNED";

/// One life.
#[derive(Debug, Clone)]
pub struct Life {
    /// Where everything lies.
    pub place: Place,
    /// Which life, from 1.
    pub number: u32,
    /// Where the server is, for decisions that are carried out over HTTP.
    pub url: Option<String>,
    /// How many decisions are executed at once.
    pub in_flight: u32,
    /// The time of one execution, milliseconds.
    pub max_total_time_ms: u64,
}

/// How a life ended that was not struck.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// Every decision has its report.
    Done,
    /// The ledger was not opened.
    NotOpened(OpenError),
}

/// Lives one life. The reports are written as they come.
///
/// # Errors
/// Where the decisions cannot be read or a report cannot be written.
pub fn live(life: &Life) -> io::Result<Ending> {
    let reports = OpenOptions::new().append(true).create(true).open(life.place.reports(life.number))?;
    let ledger = match SqliteLedger::open(&life.place.ledger(), Options::default()) {
        Ok(ledger) => Arc::new(ledger) as Arc<dyn Ledger>,
        Err(error) => return Ok(Ending::NotOpened(error)),
    };
    let decisions = decisions(&life.place)?;
    let engine = Engine::builder(policy(life)).ledger(ledger).build().map_err(io::Error::other)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let done = runtime.block_on(execute_all(life, &engine, decisions, reports));
    drop(runtime);
    drop(engine);
    done.map(|()| Ending::Done)
}

/// What is to be done, once nobody keeps the file locked; see [`Place::hold_decisions`].
fn decisions(place: &Place) -> io::Result<Vec<Decision>> {
    let mut file = File::open(place.decisions())?;
    file.lock_shared()?;
    let mut text = String::new();
    file.read_to_string(&mut text)?;
    let decisions = text.lines().map(str::parse).collect::<Result<Vec<Decision>, _>>();
    let mut decisions = decisions.map_err(io::Error::other)?;
    let length = std::env::var(TURNED_VARIABLE).ok().and_then(|length| length.parse::<NonZero<usize>>().ok());
    if let Some(length) = length {
        decisions.chunks_mut(length.get()).for_each(<[_]>::reverse);
    }
    Ok(decisions)
}

fn policy(life: &Life) -> ExecutionPolicy {
    let mut spec = PolicySpec { max_concurrency: life.in_flight, ..PolicySpec::default() };
    spec.retry.max_retries = MAX_RETRIES;
    spec.retry.initial_backoff_ms = 1;
    spec.retry.max_backoff_ms = 2;
    spec.timeout.max_total_time_ms = life.max_total_time_ms;
    spec.idempotency.enabled = true;
    spec.idempotency.on_in_progress = OnInProgress::Wait;
    ExecutionPolicy::new(spec).expect("a good policy")
}

/// Executes the decisions in their order, as many at once as the life has in flight.
async fn execute_all(
    life: &Life,
    engine: &Engine,
    decisions: Vec<Decision>,
    reports: File,
) -> io::Result<()> {
    let strike = std::env::var(STRIKE_VARIABLE).ok().and_then(|strike| strike.parse().ok());
    let work = Arc::new(Work {
        life: life.clone(),
        engine: engine.clone(),
        striker: Striker::new(strike),
        queue: Mutex::new(decisions.into_iter()),
        reports,
    });
    let mut workers = JoinSet::new();
    for _ in 0..life.in_flight {
        let work = Arc::clone(&work);
        workers.spawn(async move { work.work().await });
    }
    while let Some(worked) = workers.join_next().await {
        worked.map_err(io::Error::other)??;
    }
    Ok(())
}

struct Work {
    life: Life,
    engine: Engine,
    striker: Striker,
    queue: Mutex<std::vec::IntoIter<Decision>>,
    reports: File,
}

impl Work {
    async fn work(&self) -> io::Result<()> {
        while let Some(decision) = self.next() {
            let report = self.execute(&decision).await;
            self.write(&report)?;
            self.striker.reach(Moment::Reported, &decision.key, 0);
        }
        Ok(())
    }

    fn next(&self) -> Option<Decision> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner).next()
    }

    async fn execute(&self, decision: &Decision) -> ExecutionReport {
        let (asked, context) = (decision.to_final(), Object::new());
        let request = Request { idempotency_key: Some(&decision.key), ..Request::new(&asked, &context) };
        let executor = executor(&self.life, decision.kind, decision.class, &self.striker);
        self.engine.execute_with(&request, &executor).await
    }

    /// One write a line, so that it is there or not.
    fn write(&self, report: &ExecutionReport) -> io::Result<()> {
        let mut line = report.to_json(ReportStyle::default());
        line.push('\n');
        (&self.reports).write_all(line.as_bytes())
    }
}
