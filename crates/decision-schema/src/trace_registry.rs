//! The names under which executions and pipelines leave their trace (INV-T1).

use alloc::{string::String, vec::Vec};
use core::fmt;

use crate::json::Object;

/// The trace keys an execution writes, all of them and no others.
pub const EXEC_KEYS: [&str; 7] = [
    "exec.total_latency_ms",
    "exec.success_count",
    "exec.failed_count",
    "exec.skipped_count",
    "exec.denied_count",
    "exec.fail_closed",
    "exec.attempt_count",
];

/// The trace key of a harness that caught an exception in a step.
pub const HARNESS_FAIL_CLOSED: &str = "harness.fail_closed";

/// First segments of trace keys that belong to the ecosystem; domains choose others.
pub const RESERVED_NAMESPACES: [&str; 8] =
    ["harness", "integration", "ops", "dmc", "mdm", "eval", "adapter", "exec"];

/// All registered trace keys.
pub fn registered_keys() -> impl Iterator<Item = &'static str> {
    core::iter::once(HARNESS_FAIL_CLOSED).chain(EXEC_KEYS)
}

/// Whether `key` is a registered trace key.
pub fn is_registered_key(key: &str) -> bool {
    registered_keys().any(|registered| registered == key)
}

/// Whether `key` has the form of a trace key: two or more segments of `a-z`, `0-9` and `_`, joined by dots
/// (`^[a-z0-9_]+(\.[a-z0-9_]+)+$`, and no line break after it).
pub fn is_valid_trace_key(key: &str) -> bool {
    key.contains('.') && key.split('.').all(is_segment)
}

/// Whether `key` has the form of a plain context key: one segment of `a-z`, `0-9` and `_`.
pub fn is_valid_context_key(key: &str) -> bool {
    is_segment(key)
}

fn is_segment(text: &str) -> bool {
    let allowed = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_');
    !text.is_empty() && text.bytes().all(allowed)
}

/// Which forms of keys [`validate_external_dict`] accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum KeyMode {
    /// Plain context keys.
    Context,
    /// Trace keys.
    Trace,
    /// Either.
    #[default]
    Both,
}

/// What is wrong with a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyProblem {
    /// Not the form of a context key, where only these are accepted.
    ContextFormat,
    /// Not the form of a trace key, where only these are accepted.
    TraceFormat,
    /// The form of neither.
    Format,
    /// A trace key that is not registered, under a prefix whose keys must be.
    Unregistered,
}

impl KeyProblem {
    /// The reference's code, without the key.
    pub const fn code(self) -> &'static str {
        match self {
            Self::ContextFormat => "INV-T1:invalid_context_key_format",
            Self::TraceFormat => "INV-T1:invalid_trace_key_format",
            Self::Format => "INV-T1:invalid_key_format",
            Self::Unregistered => "INV-T1:unregistered_key",
        }
    }
}

/// A key that breaks INV-T1. Unlike other faults it names the key, as the reference does: do not show it where input
/// text must not go; [`KeyProblem::code`] is safe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyFault {
    /// What is wrong.
    pub problem: KeyProblem,
    /// The key.
    pub key: String,
}

impl fmt::Display for KeyFault {
    /// The reference's error code: `INV-T1:unregistered_key:exec.other`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.problem.code(), self.key)
    }
}

impl core::error::Error for KeyFault {}

/// Checks the keys of a packet's `external`, and returns the faults in the order of its members; none if it is clean.
///
/// Trace keys whose first segment is among `require_registry_for_prefixes` must be registered as well.
pub fn validate_external_dict(
    external: &Object,
    mode: KeyMode,
    require_registry_for_prefixes: &[&str],
) -> Vec<KeyFault> {
    let fault = |key: &str| {
        let problem = key_problem(key, mode, require_registry_for_prefixes)?;
        Some(KeyFault { problem, key: key.into() })
    };
    external.keys().filter_map(fault).collect()
}

fn key_problem(key: &str, mode: KeyMode, strict_prefixes: &[&str]) -> Option<KeyProblem> {
    let (well_formed, otherwise) = match mode {
        KeyMode::Context => (is_valid_context_key(key), KeyProblem::ContextFormat),
        KeyMode::Trace => (is_valid_trace_key(key), KeyProblem::TraceFormat),
        KeyMode::Both => (is_valid_context_key(key) || is_valid_trace_key(key), KeyProblem::Format),
    };
    if !well_formed {
        return Some(otherwise);
    }
    let (prefix, _) = key.split_once('.')?;
    let unregistered = strict_prefixes.contains(&prefix) && !is_registered_key(key);
    unregistered.then_some(KeyProblem::Unregistered)
}
