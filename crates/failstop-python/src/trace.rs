//! Trace keys and packets (INV-T1), for those who have no `decision_schema` at hand.

use decision_schema::{
    Object, PacketV2, Value,
    trace_registry::{self, KeyMode},
};
use pyo3::{
    prelude::*,
    types::{PyDict, PyMapping, PyString},
};

use crate::{convert, errors};

/// Whether the key has the form of a trace key: two or more segments of a-z, 0-9 and _, joined by dots.
#[pyfunction]
#[pyo3(signature = (key, /))]
pub fn is_valid_trace_key(key: &Bound<'_, PyString>) -> bool {
    trace_registry::is_valid_trace_key(&key.to_string_lossy())
}

/// Whether the key has the form of a plain context key: one segment of a-z, 0-9 and _.
#[pyfunction]
#[pyo3(signature = (key, /))]
pub fn is_valid_context_key(key: &Bound<'_, PyString>) -> bool {
    trace_registry::is_valid_context_key(&key.to_string_lossy())
}

/// What is wrong with the keys of a packet's external, as codes in the order of its members; none if it is clean.
///
/// mode says which forms are accepted: "context", "trace" or "both". Trace keys whose first segment is among
/// require_registry_for_prefixes must be registered as well. The codes name the keys.
///
/// Raises UsageError for another mode.
#[pyfunction]
#[pyo3(signature = (external, *, require_registry_for_prefixes = None, mode = "both"))]
pub fn validate_external_dict(
    py: Python<'_>,
    external: Option<&Bound<'_, PyAny>>,
    require_registry_for_prefixes: Option<&Bound<'_, PyAny>>,
    mode: &str,
) -> PyResult<Vec<String>> {
    let mode = key_mode(mode)
        .ok_or_else(|| errors::usage(py, "argument_invalid", "mode must be context, trace or both"))?;
    let prefixes = require_registry_for_prefixes.map(names).transpose()?.unwrap_or_default();
    let prefixes: Vec<&str> = prefixes.iter().map(String::as_str).collect();
    let Some(external) = external else { return Ok(Vec::new()) };
    let Ok(external) = external.cast::<PyMapping>() else {
        return Ok(vec!["INV-T1:external_not_mapping".to_owned()]);
    };
    let keys = external.keys()?;
    Ok(keys.iter().filter_map(|key| fault(&key, mode, &prefixes)).collect())
}

fn key_mode(mode: &str) -> Option<KeyMode> {
    match mode {
        "context" => Some(KeyMode::Context),
        "trace" => Some(KeyMode::Trace),
        "both" => Some(KeyMode::Both),
        _ => None,
    }
}

fn names(iterable: &Bound<'_, PyAny>) -> PyResult<Vec<String>> {
    iterable.try_iter()?.map(|name| name?.extract()).collect()
}

fn fault(key: &Bound<'_, PyAny>, mode: KeyMode, prefixes: &[&str]) -> Option<String> {
    let Ok(key) = key.cast::<PyString>() else { return Some("INV-T1:key_not_str".to_owned()) };
    let alone = Object::from_iter([(key.to_string_lossy().as_ref(), Value::Null)]);
    let faults = trace_registry::validate_external_dict(&alone, mode, prefixes);
    faults.first().map(ToString::to_string)
}

/// The packet as the contract writes it: the nine fields in their order, then what else it has.
///
/// packet is a dict with run_id, step, input, external, mdm, final_action, latency_ms, and perhaps mismatch and
/// schema_version.
///
/// Raises UsageError where a field is missing or of the wrong type.
#[pyfunction]
#[pyo3(signature = (packet, /))]
pub fn packet_to_dict<'py>(packet: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyDict>> {
    let invalid = |message: &str| errors::usage(packet.py(), "packet_invalid", message);
    let given = convert::to_object(packet).map_err(|fault| invalid(&fault.told_of("packet")))?;
    let packet_v2 = PacketV2::from_value(given.into()).map_err(|fault| invalid(&fault.to_string()))?;
    let written = packet_v2.to_value();
    convert::object_to_python(packet.py(), written.as_object().unwrap_or(&Object::new()))
}
