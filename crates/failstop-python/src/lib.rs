//! failstop for Python: the extension module `failstop._native`.
//!
//! The packages in `python/` are what people import; this crate has what must be fast or must be the engine itself. It
//! translates: objects to decisions, callables to executors, reports to objects. The rules are the engine's.

mod answer;
mod bell;
mod compat;
mod convert;
mod driving;
mod errors;
mod redaction;
mod report;
mod secrets;
mod tasks;
mod timers;
mod trace;
mod waiting;
mod workers;

use pyo3::prelude::*;

/// The extension behind the packages `failstop` and `execution_orchestration_core`.
#[pymodule(name = "_native")]
mod native {
    #[pymodule_export]
    use crate::{
        bell::Bell,
        compat::execute,
        driving::Driving,
        redaction::{redact, redact_execution_log},
        report::Report,
        timers::forked,
        trace::{is_valid_context_key, is_valid_trace_key, packet_to_dict, validate_external_dict},
        workers::Job,
    };

    /// The version of this package.
    #[pymodule_export]
    #[expect(non_upper_case_globals, reason = "what Python calls it")]
    const __version__: &str = env!("CARGO_PKG_VERSION");
}
