//! The engine that guards calls which name none.

use parking_lot::Mutex;
use pyo3::prelude::*;

use crate::engine::Engine;

static DEFAULT: Mutex<Option<Py<Engine>>> = Mutex::new(None);

/// Has every `execute` of this process that names no engine guarded by this one, from now on; None: by none.
///
/// For callers of the reference: one line where the program begins gives all their calls a gate, a ledger and limits.
#[pyfunction]
#[pyo3(signature = (engine, /))]
pub fn use_engine(engine: Option<Py<Engine>>) {
    let before = std::mem::replace(&mut *DEFAULT.lock(), engine);
    drop(before);
}

/// The engine that guards a call: its own, else the default.
pub fn of<'py>(py: Python<'py>, own: Option<&Bound<'py, Engine>>) -> Option<Bound<'py, Engine>> {
    let default = || DEFAULT.lock().as_ref().map(|engine| engine.bind(py).clone());
    own.cloned().or_else(default)
}
