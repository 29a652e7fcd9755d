//! failstop for Python: the extension module `failstop._native`.
//!
//! The packages in `python/` are what people import; this crate has what must be fast or must be the engine itself. It
//! translates: objects to decisions, callables to executors, reports to objects. The rules are the engine's.

mod answer;
mod audit;
mod bell;
mod compat;
mod convert;
mod driving;
mod engine;
mod errors;
mod executors;
mod gate;
mod ledger;
mod log;
mod redaction;
mod report;
mod secrets;
mod tasks;
mod timers;
mod trace;
mod waiting;
mod workers;

/// The extension behind the packages `failstop` and `execution_orchestration_core`.
#[pyo3::pymodule(name = "_native")]
mod native {
    use pyo3::{exceptions::PyImportError, prelude::*};

    #[pymodule_export]
    use crate::{
        answer::{Answered, applied, not_applied, rejected, unknown},
        audit::audit_verify,
        bell::Bell,
        compat::{execute, guard::use_engine},
        driving::Driving,
        engine::{
            Engine,
            attempt::Attempt,
            driven::{begin_execution, begin_submission},
        },
        gate::Gate,
        ledger::Ledger,
        redaction::{redact, redact_execution_log},
        report::Report,
        timers::forked,
        trace::{is_valid_context_key, is_valid_trace_key, packet_to_dict, validate_external_dict},
        workers::Job,
    };

    /// Refuses subinterpreters: workers, loops and timers are those of the process, and would mix their objects.
    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        let py = module.py();
        let named = ["_interpreters", "_xxsubinterpreters"].iter().find_map(|name| py.import(*name).ok());
        let Some(interpreters) = named else { return Ok(()) };
        if interpreters.call_method0("get_current")?.eq(interpreters.call_method0("get_main")?)? {
            return Ok(());
        }
        Err(PyImportError::new_err("failstop works in the main interpreter alone, not in a subinterpreter"))
    }

    /// The version of this package.
    #[pymodule_export]
    #[expect(non_upper_case_globals, reason = "what Python calls it")]
    const __version__: &str = env!("CARGO_PKG_VERSION");
}
