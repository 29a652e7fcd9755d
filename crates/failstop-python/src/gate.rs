//! `engine.gate`: the kill switch. That of the ledger's file, which every process that has it open obeys; where the ledger is
//! in memory, that of this engine.

use std::time::Duration;

use decision_schema::{Action, Object, Value};
use failstop::core::stop::{Level, Scope};
use failstop_sqlite::{
    gate_file::GateFileError,
    stop::{self, ReleaseError, ReleaseOrder, StopOrder, Stopped},
    view::{View, gate_entry_to_object, gate_to_objects},
};
use pyo3::{prelude::*, types::PyDict};

use crate::{
    convert,
    engine::{Engine, Parts},
    errors::{self, Family},
    timers,
};

/// How long after the grace an execution is still waited for, milliseconds: what hearing of a stop and writing down its end
/// may take.
const AFTER_GRACE_MS: u64 = 1_000;

/// How long a release waits for its own engine to follow it.
const FOLLOWING: Duration = Duration::from_secs(1);

/// How often it looks.
const FOLLOWING_PAUSE: Duration = Duration::from_millis(5);

/// The gate of an engine.
#[pyclass(frozen, module = "failstop")]
pub struct Gate {
    /// Whose gate it is.
    pub engine: Py<Engine>,
}

#[pymethods]
impl Gate {
    /// Stops: in force when this returns, and until it is released.
    ///
    /// `level` is `"drain"` (what runs goes on to its end), `"stop"` (what runs has its grace) or `"halt"` (at once);
    /// `scope` is `"global"` or `"action:NAME"`. From `stop` on, what is in flight is waited for, for the grace and a little.
    ///
    /// Returns `{"confirmed": bool, "scope", "level", "epoch", "changed", "acknowledged", "recorded", "living_owners",
    /// "executions": [{"key", "attempt", "orphan", "reach": "confirmed" | "requested" | "unconfirmed"}]}`. It is confirmed
    /// where nothing in scope runs any more; for `drain`, where it is in force. What could not be told is None; a gate in
    /// memory does not tell executions.
    ///
    /// Raises `GateError`, `gate_unlatched`, where the gate could not be latched, and `UsageError`, `argument_invalid`,
    /// where there is no such level or scope, or no reason is given.
    #[pyo3(signature = (reason, *, level="stop", scope="global"))]
    fn stop<'py>(
        &self,
        py: Python<'py>,
        reason: &str,
        level: &str,
        scope: &str,
    ) -> PyResult<Bound<'py, PyDict>> {
        let parts = self.engine.get().parts(py)?;
        let order = StopOrder {
            scope: scope_of(py, scope)?,
            level: level_of(py, level)?,
            reason: redacted(&parts, said(py, reason)?),
            grace_ms: parts.config.policy.timeout().grace_ms.saturating_add(AFTER_GRACE_MS),
        };
        let stopped = py.detach(|| match parts.ledger.path() {
            Some(path) => stop::stop(path, &order, |_| ()).map(|stopped| shared(&stopped, &order)),
            None => Ok(in_memory(&parts, &order)),
        });
        convert::object_to_python(py, &stopped.map_err(|error| unlatched(py, &error))?)
    }

    /// Lowers a scope to `run`, if `epoch` is that of its last change, as `status` shows it: whoever releases says which
    /// stop he has seen. Returns the new epoch. It restarts no work by itself.
    ///
    /// `who` is kept with the reason in the ledger; your user name where it is not given.
    ///
    /// Raises `GateError`: `release_refused` where the epoch is another, nothing is to be released, or no reason is given;
    /// `gate_unlatched` where the gate cannot be worked; and `LedgerError` where the release cannot be announced.
    #[pyo3(signature = (reason, *, epoch, scope="global", who=None))]
    fn release(
        &self,
        py: Python<'_>,
        reason: &str,
        epoch: u64,
        scope: &str,
        who: Option<&str>,
    ) -> PyResult<u64> {
        let parts = self.engine.get().parts(py)?;
        let scope = scope_of(py, scope)?;
        let reason = redacted(&parts, reason);
        let Some(path) = parts.ledger.path() else {
            let released = parts.pipeline.engine().gate().release(scope, epoch, &reason);
            return released.map_err(|error| refused(py, &error.to_string()));
        };
        let order = ReleaseOrder {
            scope,
            expected_epoch: epoch,
            who: redacted(&parts, &who.map_or_else(crate::ledger::user_name, str::to_owned)),
            reason,
        };
        let timers = timers::handle().ok_or_else(|| errors::no_thread(py))?;
        let released = py.detach(|| {
            let released = stop::release(path, &order)?;
            // It is in force; but whoever released expects the next call to know.
            timers.block_on(following(&parts, &order));
            Ok(released)
        });
        released.map_err(|error| match error {
            ReleaseError::Gate(error) => unlatched(py, &error),
            ReleaseError::LedgerUnusable(error) => {
                errors::error(py, Family::Ledger, error.code(), &error.to_string())
            }
            error => refused(py, &error.to_string()),
        })
    }

    /// Every scope: `[{"scope", "level", "epoch", "reason", "at_ms"}]`. A gate that cannot be read is one entry at `stop`.
    ///
    /// Raises `LedgerError` where the ledger cannot be read.
    fn status<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let parts = self.engine.get().parts(py)?;
        let entries = py.detach(|| match parts.ledger.path() {
            Some(path) => View::open(path).map(|view| gate_to_objects(&view.gate())),
            None => Ok(parts.pipeline.engine().gate().entries().iter().map(gate_entry_to_object).collect()),
        });
        let entries =
            entries.map_err(|error| errors::error(py, Family::Ledger, error.code(), &error.to_string()))?;
        convert::to_python(py, &Value::from(entries))
    }

    /// The level for one action, every source of the gate included: `"run"`, `"drain"`, `"stop"` or `"halt"`; without an
    /// action the one that holds for all of them. What cannot be read is `stop`. The context of a decision can stop more.
    #[pyo3(signature = (action=None))]
    fn level(&self, py: Python<'_>, action: Option<&str>) -> PyResult<&'static str> {
        let action = action.map(|name| {
            Action::from_name(name).ok_or_else(|| invalid(py, "action: there is no such action"))
        });
        let action = action.transpose()?;
        let parts = self.engine.get().parts(py)?;
        let level = py.detach(|| {
            let shared = Shared::read(&parts);
            let of = |action| parts.pipeline.engine().gate().verdict(action).level.max(shared.level(action));
            match action {
                Some(action) => of(action),
                None => Action::ALL.into_iter().map(of).min().unwrap_or(Level::Run),
            }
        });
        Ok(level.as_str())
    }
}

/// Waits until this engine's own gate follows a release, for so long as a look at the file may take.
async fn following(parts: &Parts, order: &ReleaseOrder) {
    let gate = parts.pipeline.engine().gate();
    let is_behind = |action| {
        let stamp = gate.verdict(action).stamp;
        stamp.scope == order.scope && stamp.epoch == order.expected_epoch
    };
    let followed = async {
        while Action::ALL.into_iter().any(is_behind) {
            tokio::time::sleep(FOLLOWING_PAUSE).await;
        }
    };
    // An engine that does not follow in time stays stopped a little longer.
    let _ = tokio::time::timeout(FOLLOWING, followed).await;
}

/// The gate of a ledger's file as it stands now, which the engine's own follows a little later.
enum Shared {
    None,
    Unreadable,
    Entries(Vec<(Scope, Level)>),
}

impl Shared {
    fn read(parts: &Parts) -> Self {
        let Some(path) = parts.ledger.path() else { return Self::None };
        let state = View::open(path).ok().and_then(|view| view.gate().ok());
        state.map_or(Self::Unreadable, |state| {
            Self::Entries(state.entries().iter().map(|entry| (entry.scope, entry.level)).collect())
        })
    }

    fn level(&self, action: Action) -> Level {
        match self {
            Self::None => Level::Run,
            Self::Unreadable => Level::Stop,
            Self::Entries(entries) => entries
                .iter()
                .filter(|(scope, _)| matches!(scope, Scope::Global) || *scope == Scope::Action(action))
                .map(|(_, level)| *level)
                .max()
                .unwrap_or(Level::Run),
        }
    }
}

/// What the command line says of a stop, with one word on whether it is done in the place of counts.
fn shared(stopped: &Stopped, order: &StopOrder) -> Object {
    let is_drained = order.level == Level::Drain && stopped.is_acknowledged;
    let mut told = stopped.to_object(order);
    told.insert("confirmed", is_drained || stopped.is_confirmed());
    told.remove("requested");
    told.remove("unconfirmed");
    told
}

/// Latches the engine's own gate, and waits for what it is at.
fn in_memory(parts: &Parts, order: &StopOrder) -> Object {
    let engine = parts.pipeline.engine();
    let before = engine.gate().entries();
    let epoch = engine.gate().engage(order.scope, order.level, &order.reason);
    let has_changed = !before.iter().any(|entry| entry.scope == order.scope && entry.epoch == epoch);
    let is_confirmed = order.level == Level::Drain || {
        let action = match order.scope {
            Scope::Action(action) => Some(action),
            Scope::Global | Scope::Context => None,
        };
        let in_flight = parts.flights.wait(action, Duration::from_millis(order.grace_ms));
        in_flight == 0 && engine.abandoned() == 0
    };
    Object::from_iter([
        ("scope", Value::from(order.scope.to_string())),
        ("level", order.level.as_str().into()),
        ("epoch", epoch.into()),
        ("changed", has_changed.into()),
        ("acknowledged", true.into()),
        ("recorded", false.into()),
        ("living_owners", Value::Null),
        ("confirmed", is_confirmed.into()),
        ("executions", Value::Null),
    ])
}

fn redacted(parts: &Parts, text: &str) -> String {
    parts.config.redactor().redact_text(text).into_owned()
}

fn said<'a>(py: Python<'_>, reason: &'a str) -> PyResult<&'a str> {
    if reason.trim().is_empty() { Err(invalid(py, "a stop needs a reason")) } else { Ok(reason) }
}

fn scope_of(py: Python<'_>, name: &str) -> PyResult<Scope> {
    Scope::from_name(name).ok_or_else(|| {
        invalid(py, "scope: it must be global, or action: and one of HOLD, ACT, EXIT, CANCEL, STOP")
    })
}

fn level_of(py: Python<'_>, name: &str) -> PyResult<Level> {
    let level = [Level::Drain, Level::Stop, Level::Halt].into_iter().find(|level| level.as_str() == name);
    level.ok_or_else(|| invalid(py, "level: it is none of drain, stop, halt"))
}

fn invalid(py: Python<'_>, message: &str) -> PyErr {
    errors::usage(py, "argument_invalid", message)
}

fn refused(py: Python<'_>, message: &str) -> PyErr {
    errors::error(py, Family::Gate, "release_refused", message)
}

fn unlatched(py: Python<'_>, error: &GateFileError) -> PyErr {
    errors::error(py, Family::Gate, "gate_unlatched", &error.to_string())
}
