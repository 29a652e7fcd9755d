//! Misuse, as Python raises it. What happens to a decision is never one of these: it is a report.

use pyo3::{PyErr, PyTypeInfo as _, Python, exceptions::PyRuntimeError, prelude::*};

/// The families of `failstop.errors`.
#[derive(Debug, Clone, Copy)]
pub enum Family {
    /// Called with what cannot be meant.
    Usage,
    /// A configuration that cannot be read, or that says what cannot be done.
    Config,
    /// A ledger that cannot be opened, read or written.
    Ledger,
    /// A key in doubt that was not resolved.
    Resolve,
    /// A gate that could not be changed, or that does not stop.
    Gate,
}

impl Family {
    const fn class(self) -> &'static str {
        match self {
            Self::Usage => "UsageError",
            Self::Config => "ConfigError",
            Self::Ledger => "LedgerError",
            Self::Resolve => "ResolveError",
            Self::Gate => "GateError",
        }
    }
}

/// The error of this family. `message` names no input text.
pub fn error(py: Python<'_>, family: Family, code: &str, message: &str) -> PyErr {
    let class = py.import("failstop.errors").and_then(|errors| errors.getattr(family.class()));
    match class.and_then(|class| class.call1((code, message))) {
        Ok(error) => PyErr::from_value(error),
        // Only where the package itself is broken.
        Err(error) => error,
    }
}

/// Called with what cannot be meant.
pub fn usage(py: Python<'_>, code: &str, message: &str) -> PyErr {
    error(py, Family::Usage, code, message)
}

/// The engine is another process's.
pub fn forked(py: Python<'_>) -> PyErr {
    let message = "the engine belongs to the process that this one was forked from; make one after the fork";
    usage(py, "engine_forked", message)
}

/// The machine has no thread for us.
pub fn no_thread(py: Python<'_>) -> PyErr {
    PyErr::from_type(PyRuntimeError::type_object(py), "failstop cannot start the thread of its timers")
}
