//! What people should know, told to the logger `failstop`.

use pyo3::prelude::*;

/// Logs a warning. `message` names no input text.
pub fn warn(py: Python<'_>, message: &str) {
    let logged = py.import("logging").and_then(|logging| {
        logging.call_method1("getLogger", ("failstop",))?.call_method1("warning", ("%s", message))
    });
    // A logger that raises is its owner's affair, and nobody else's.
    drop(logged);
}
