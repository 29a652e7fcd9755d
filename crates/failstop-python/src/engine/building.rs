//! From a configuration and executors to what an engine consists of.

use std::{
    ops::Deref,
    path::{Path, PathBuf},
    pin::pin,
    sync::Arc,
};

use decision_schema::{Action, Object};
use failstop::{
    EngineBuilder,
    core::report::ReportStyle,
    ledger::{Ledger, MemoryLedger},
    pipeline::Pipeline,
};
use failstop_config::{
    Config,
    fault::InvalidConfig,
    ledger::{OpenedLedger, UnopenedLedger, shown},
};
use pyo3::{prelude::*, types::PyDict};

use super::{flights::Flights, opened};
use crate::{
    convert,
    errors::{self, Family},
    executors::PyExecutor,
    log, timers,
    waiting::{self, Raised},
};

/// Executors in Python, each for an action, or for every action that has none of its own.
type Routes = Vec<(Option<Action>, PyExecutor)>;

/// What an engine consists of.
pub struct Parts {
    /// Engine and guards.
    pub pipeline: Unhurried<Pipeline>,
    /// What they were made of.
    pub config: Config,
    /// What they write down on.
    pub ledger: Unhurried<OpenedLedger>,
    /// How reports are written.
    pub style: ReportStyle,
    /// What is being carried out.
    pub flights: Flights,
    /// Actions whose executors need an event loop.
    awaited: [bool; Action::ALL.len()],
}

/// What may wait for a disk when it is dropped: nobody waits for the interpreter meanwhile.
pub struct Unhurried<T: Send>(Option<T>);

impl<T: Send> Unhurried<T> {
    const fn new(value: T) -> Self {
        Self(Some(value))
    }
}

impl<T: Send> Deref for Unhurried<T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.0.as_ref().expect("it is there until it is dropped")
    }
}

impl<T: Send> Drop for Unhurried<T> {
    fn drop(&mut self) {
        let mut value = self.0.take();
        // Where there is no interpreter any more, it is dropped here.
        Python::try_attach(|py| py.detach(|| drop(value.take())));
    }
}

/// Why there is no engine.
enum NotBuilt {
    Invalid(InvalidConfig),
    Unopened(UnopenedLedger),
    OpenedBeforeTheFork,
}

impl From<InvalidConfig> for NotBuilt {
    fn from(invalid: InvalidConfig) -> Self {
        Self::Invalid(invalid)
    }
}

impl From<UnopenedLedger> for NotBuilt {
    fn from(unopened: UnopenedLedger) -> Self {
        Self::Unopened(unopened)
    }
}

impl NotBuilt {
    fn raised(&self, py: Python<'_>) -> PyErr {
        match self {
            Self::Invalid(invalid) => {
                let code = invalid.faults.first().map_or("config_unreadable", |fault| fault.code);
                errors::error(py, Family::Config, code, &invalid.to_string())
            }
            Self::OpenedBeforeTheFork => {
                let message =
                    "this process was forked from one that had the ledger open; open it after the fork alone";
                errors::error(py, Family::Ledger, "engine_forked", message)
            }
            Self::Unopened(UnopenedLedger { path, error }) => {
                let message = format!("{}: {error}", shown(path));
                errors::error(py, Family::Ledger, error.code(), &message)
            }
        }
    }
}

impl Parts {
    /// Reads the configuration, opens the ledger, and proves that a stopped gate stops.
    ///
    /// # Errors
    /// `ConfigError`, `LedgerError`, or `GateError` where the proof fails.
    pub fn build(
        py: Python<'_>,
        file: Option<PathBuf>,
        values: &Bound<'_, PyDict>,
        executors: Vec<(Option<String>, Bound<'_, PyAny>)>,
    ) -> PyResult<Self> {
        let values = convert::to_object(values).map_err(|fault| {
            errors::error(py, Family::Config, "config_wrong_value", &fault.told_of("configuration"))
        })?;
        let routes = routes(executors)?;
        // Only to be checked with, before a ledger is made.
        let trial = routes.iter().map(|(action, executor)| (*action, executor.again(py))).collect();
        let timers = timers::handle().ok_or_else(|| errors::no_thread(py))?;
        let built = py.detach(move || {
            let _timers = timers.enter();
            Self::assemble(file.as_deref(), &values, trial, routes)
        });
        let parts = built.map_err(|fault| fault.raised(py))?;
        parts.tell(py);
        parts.prove_stop(py)?;
        Ok(parts)
    }

    fn assemble(
        file: Option<&Path>,
        values: &Object,
        trial: Routes,
        routes: Routes,
    ) -> Result<Self, NotBuilt> {
        let config = Config::from_values(file, values)?;
        pipeline(&config, Arc::new(MemoryLedger::new()), trial)?;
        let mut awaited = Action::ALL.map(|_| needs_loop(&routes, None));
        for (action, executor) in &routes {
            if let Some(action) = *action {
                awaited[action as usize] = executor.is_async();
            }
        }
        for action in Action::ALL {
            let is_ours = routes.iter().any(|(routed, _)| *routed == Some(action));
            if !is_ours && config.settings.has_section(&format!("executors.{action}")) {
                awaited[action as usize] = false;
            }
        }
        let is_kept = config.policy.idempotency().enabled;
        if config.ledger_path().filter(|_| is_kept).is_some_and(|path| !opened::note(&path)) {
            return Err(NotBuilt::OpenedBeforeTheFork);
        }
        let ledger = config.open_ledger()?;
        let pipeline = pipeline(&config, ledger.shared(), routes)?;
        let style = ReportStyle { extended_trace: config.settings.flag("trace.extended") };
        let (pipeline, ledger) = (Unhurried::new(pipeline), Unhurried::new(ledger));
        Ok(Self { pipeline, config, ledger, style, flights: Flights::default(), awaited })
    }

    /// Says what people should know of the ledger.
    fn tell(&self, py: Python<'_>) {
        if self.ledger.path().is_none() && self.config.policy.idempotency().enabled {
            log::warn(py, "ledger.kind = \"memory\": keys are forgotten with this process");
        }
        if let Some(path) = self.ledger.path().filter(|_| self.ledger.is_new()) {
            log::warn(py, &format!("new ledger {}", shown(path)));
        }
        let recovered = self.ledger.recovered();
        if recovered > 0 {
            log::warn(py, &format!("keys in doubt, left by a process that died: {recovered}"));
        }
    }

    fn prove_stop(&self, py: Python<'_>) -> PyResult<()> {
        let proof = pin!(self.pipeline.engine().prove_stop());
        waiting::block_on(py, proof, &Raised::default())?.map_err(|_| {
            let message = "the self-test failed: a stopped gate let a decision through";
            errors::error(py, Family::Gate, "stop_not_proven", message)
        })
    }

    /// Whether the executor of `action` needs an event loop.
    pub const fn is_awaited(&self, action: Action) -> bool {
        self.awaited[action as usize]
    }
}

fn routes(executors: Vec<(Option<String>, Bound<'_, PyAny>)>) -> PyResult<Routes> {
    let read = |(action, marked): (Option<String>, Bound<'_, PyAny>)| {
        let action = action.and_then(|name| Action::from_name(&name));
        Ok((action, PyExecutor::read(&marked)?))
    };
    executors.into_iter().map(read).collect()
}

fn needs_loop(routes: &Routes, action: Option<Action>) -> bool {
    routes.iter().any(|(routed, executor)| *routed == action && executor.is_async())
}

fn pipeline(config: &Config, ledger: Arc<dyn Ledger>, routes: Routes) -> Result<Pipeline, InvalidConfig> {
    let builder = routes.into_iter().fold(config.builder_on(ledger)?, route);
    config.pipeline_of(builder)
}

fn route(builder: EngineBuilder, (action, executor): (Option<Action>, PyExecutor)) -> EngineBuilder {
    match action {
        Some(action) => builder.route(action, executor),
        None => builder.executor(executor),
    }
}
