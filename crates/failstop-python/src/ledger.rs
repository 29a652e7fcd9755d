//! `engine.ledger`: what is known of each key. Looks at the ledger's file as the command line does, beside those who write.

use std::ops::ControlFlow;

use decision_schema::{Object, Value};
use failstop::core::ledger::{Resolution, Standing};
use failstop_config::ledger::shown;
use failstop_sqlite::{
    OpenError, ResolveError, Resolver,
    view::{Filter, View},
};
use pyo3::{prelude::*, types::PyDict};

use crate::{
    convert,
    engine::{Engine, Parts},
    errors::{self, Family},
    report::Report,
};

/// The ledger of an engine.
#[pyclass(frozen, module = "failstop")]
pub struct Ledger {
    /// Whose ledger it is.
    pub engine: Py<Engine>,
}

#[pymethods]
impl Ledger {
    /// The keys, in the order of their first starts: `[{"key", "state", "action", "outcome", "reason_code", "attempts",
    /// "fence", "execution_id", "resolution", "started_at_ms", "updated_at_ms", "owner_alive", "attempt_running"}]`.
    ///
    /// `state` leaves the others out: `"STARTED"`, `"OPEN"`, `"SUCCEEDED"`, `"FAILED"` or `"IN_DOUBT"`.
    ///
    /// Raises `LedgerError`: where the ledger cannot be read, `ledger_in_memory` where it is no file; and `UsageError`,
    /// `argument_invalid`, where there is no such state.
    #[pyo3(signature = (state=None))]
    fn list<'py>(&self, py: Python<'py>, state: Option<&str>) -> PyResult<Bound<'py, PyAny>> {
        let states = state.map(|name| state_of(py, name)).transpose()?.into_iter().collect();
        let filter = Filter { states, limit: None };
        let listed = self.look(py, |view| {
            let mut entries = Vec::new();
            let mut take = |entry: Object| {
                entries.push(entry);
                ControlFlow::Continue(())
            };
            view.list(&filter, |entry| take(entry.to_object()))?;
            Ok(entries)
        })?;
        convert::to_python(py, &Value::from(listed))
    }

    /// Everything about one key: the members that `list` has, and `"retired", "running", "report", "report_fault", "late",
    /// "events"`; None where the ledger never met it. Walks over all events.
    ///
    /// Raises `LedgerError` as `list` does.
    fn show<'py>(&self, py: Python<'py>, key: &str) -> PyResult<Option<Bound<'py, PyDict>>> {
        let shown = self.look(py, |view| Ok(view.show(key)?.map(|shown| shown.to_object(key))))?;
        shown.map(|shown| convert::object_to_python(py, &shown)).transpose()
    }

    /// The gate, and how many keys stand where: `{"gate": [...], "gate_fault", "running", "open", "in_doubt", "abandoned",
    /// "succeeded", "failed", "events", "living_owners", "orphans": [...], "ledger": {"path", "id"}}`.
    ///
    /// Raises `LedgerError` as `list` does.
    fn status<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let status = self.look(py, |view| Ok(view.status()?.to_object(view)))?;
        convert::object_to_python(py, &status)
    }

    /// Says, for good, what happened under a key in doubt: `applied` or not. Returns the report that it stands at now.
    ///
    /// After True the key replays a success; after False a resubmission may run again if attempts are left. `reason` and
    /// `evidence` (a ticket, a receipt) are kept with the key, and `who` says so; your user name where it is not given.
    ///
    /// Raises `ResolveError`: `resolve_unknown_key`, `resolve_not_in_doubt`, `resolve_still_running`,
    /// `resolve_reason_missing`, `ledger_unavailable`; and `LedgerError`, `ledger_in_memory`.
    #[pyo3(signature = (key, *, applied, reason, who=None, evidence=None))]
    fn resolve(
        &self,
        py: Python<'_>,
        key: &str,
        applied: bool,
        reason: &str,
        who: Option<&str>,
        evidence: Option<&str>,
    ) -> PyResult<Report> {
        let parts = self.engine.get().parts(py)?;
        let ledger = parts.ledger.sqlite().ok_or_else(|| in_memory(py))?;
        let redactor = parts.config.redactor();
        let redacted = |text: &str| redactor.redact_text(text).into_owned();
        let resolver = Resolver {
            who: redacted(&who.map_or_else(user_name, str::to_owned)),
            reason: redacted(reason),
            evidence: evidence.map(redacted),
        };
        let resolution = if applied { Resolution::Applied } else { Resolution::NotApplied };
        match py.detach(|| ledger.resolve(key, resolution, &resolver)) {
            Ok(report) => Ok(parts.report(report)),
            Err(error) => Err(unresolved(py, error)),
        }
    }

    /// Waits until all that was noted is durable, denials too: whether it is.
    fn flush(&self, py: Python<'_>) -> PyResult<bool> {
        let parts = self.engine.get().parts(py)?;
        Ok(py.detach(|| parts.ledger.flush()))
    }
}

impl Ledger {
    fn look<T: Send>(
        &self,
        py: Python<'_>,
        look: impl FnOnce(&View) -> Result<T, OpenError> + Send,
    ) -> PyResult<T> {
        let parts = self.engine.get().parts(py)?;
        let path = parts.ledger.path().ok_or_else(|| in_memory(py))?;
        let seen = py.detach(|| View::open(path).and_then(|view| look(&view)));
        seen.map_err(|error| unread(py, &parts, error))
    }
}

fn unread(py: Python<'_>, parts: &Parts, error: OpenError) -> PyErr {
    let path = parts.ledger.path().map_or_else(String::new, |path| format!("{}: ", shown(path)));
    errors::error(py, Family::Ledger, error.code(), &format!("{path}{error}"))
}

fn unresolved(py: Python<'_>, error: ResolveError) -> PyErr {
    errors::error(py, Family::Resolve, error.code(), &error.to_string())
}

/// There is no file to look at.
pub fn in_memory(py: Python<'_>) -> PyErr {
    let message = "this engine keeps its ledger in memory, or none: there is no file to look at";
    errors::error(py, Family::Ledger, "ledger_in_memory", message)
}

fn state_of(py: Python<'_>, name: &str) -> PyResult<Standing> {
    const STATES: [Standing; 5] =
        [Standing::Started, Standing::Open, Standing::Succeeded, Standing::Failed, Standing::InDoubt];
    let state = STATES.into_iter().find(|state| state.as_str() == name);
    state.ok_or_else(|| {
        errors::usage(
            py,
            "argument_invalid",
            "state must be one of STARTED, OPEN, SUCCEEDED, FAILED, IN_DOUBT",
        )
    })
}

/// The name that the environment has for the user, else the number that the system has.
pub fn user_name() -> String {
    let named = ["USER", "LOGNAME"].into_iter().filter_map(|name| std::env::var(name).ok());
    named
        .into_iter()
        .find(|name| !name.trim().is_empty())
        .unwrap_or_else(|| format!("uid {}", rustix::process::getuid().as_raw()))
}
