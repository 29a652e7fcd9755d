//! Audits: whether a ledger's file agrees with itself, with the rules, and with checkpoints that were kept elsewhere.

use std::path::{Path, PathBuf};

use failstop_config::ledger::shown;
use failstop_sqlite::audit::{Checkpoint, ParseCheckpointError, verify};
use pyo3::{
    prelude::*,
    types::{PyDict, PyString},
};

use crate::{
    convert,
    errors::{self, Family},
};

/// Proves the chain of events of the ledger at `path`, and every table from it; changes nothing.
///
/// `checkpoint` is one that was kept elsewhere (a dict, or the JSON that `failstop audit checkpoint` prints), or a list of
/// them; without one, a cut end or a chain computed anew would not show.
///
/// Returns `{"clean", "events", "keys", "retired", "head": {"seq", "head", "at_ms"}, "findings_total", "findings": [{"code",
/// "seq", "key", "message"}]}`.
///
/// Raises `LedgerError` where the ledger cannot be read to its end, and `UsageError` where a checkpoint is none.
#[pyfunction]
#[pyo3(signature = (path, *, checkpoint=None))]
#[allow(clippy::needless_pass_by_value)] // how paths come from Python
pub fn audit_verify<'py>(
    py: Python<'py>,
    path: PathBuf,
    checkpoint: Option<&Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyDict>> {
    of_file(py, &path, checkpoint)
}

/// As [`audit_verify`].
///
/// # Errors
/// As there.
pub fn of_file<'py>(
    py: Python<'py>,
    path: &Path,
    checkpoint: Option<&Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyDict>> {
    let kept = checkpoint.map_or_else(|| Ok(Vec::new()), checkpoints)?;
    let audited = py.detach(|| verify(path, &kept)).map_err(|error| {
        errors::error(py, Family::Ledger, error.code(), &format!("{}: {error}", shown(path)))
    })?;
    convert::object_to_python(py, &audited.to_object())
}

fn checkpoints(given: &Bound<'_, PyAny>) -> PyResult<Vec<Checkpoint>> {
    if given.is_instance_of::<PyString>() || given.is_instance_of::<PyDict>() {
        return Ok(vec![checkpoint(given)?]);
    }
    given.try_iter().map_err(|_| unreadable(given.py()))?.map(|one| checkpoint(&one?)).collect()
}

fn checkpoint(given: &Bound<'_, PyAny>) -> PyResult<Checkpoint> {
    let py = given.py();
    let text = match given.cast::<PyString>() {
        Ok(text) => text.to_str().map_err(|_| unreadable(py))?.to_owned(),
        Err(_) => convert::to_json(given).map_err(|_| unreadable(py))?.to_string(),
    };
    text.parse().map_err(|_| unreadable(py))
}

fn unreadable(py: Python<'_>) -> PyErr {
    errors::usage(py, ParseCheckpointError.code(), &ParseCheckpointError.to_string())
}
