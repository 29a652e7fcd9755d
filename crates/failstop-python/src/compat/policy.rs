//! Policies as callers have them: mutable dataclasses, so read anew for every call, and checked when they have changed.

use std::{cell::RefCell, rc::Rc};

use failstop::core::policies::{
    ExecutionPolicy, IdempotencyPolicy, InvalidPolicy, KeyGenerator, PolicySpec, RetryPolicy, TimeoutPolicy,
};
use pyo3::{
    exceptions::PyAttributeError,
    intern,
    prelude::*,
    sync::PyOnceLock,
    types::{PyFloat, PyString, PyTuple},
};

use crate::errors;

/// An attempt that nothing can interrupt has this long: what it did is known when it comes back, however late, and to call
/// that a timeout would have it done twice.
const UNINTERRUPTED_MS: u64 = 86_400_000;

thread_local! {
    /// The last policy of this thread.
    static LAST: RefCell<Option<Checked>> = const { RefCell::new(None) };
}

/// The fields of a policy, and what they are, checked.
struct Checked {
    fields: Py<PyTuple>,
    is_enforced: bool,
    policy: Policy,
}

/// A policy, checked.
#[derive(Clone)]
pub struct Policy {
    /// What the engine keeps to.
    pub checked: Rc<ExecutionPolicy>,
    /// Whether the pauses are of the caller's own making, and none are in `checked`.
    pub has_own_backoff: bool,
}

/// The policy, checked; with `is_enforced`, its timeout per action is kept.
///
/// # Errors
/// Where it is none, or a field is out of its range.
pub fn read(py: Python<'_>, policy: &Bound<'_, PyAny>, is_enforced: bool) -> PyResult<Policy> {
    let fields = fields(py, policy)?;
    if let Some(fields) = &fields
        && let Some(policy) = LAST.with_borrow(|last| known(fields, is_enforced, last.as_ref()?))
    {
        return Ok(policy);
    }
    let invalid = |invalid: InvalidPolicy| errors::usage(py, "policy_invalid", &invalid.to_string());
    let has_own_backoff = fields.as_ref().map_or(Ok(false), has_own_backoff)?;
    let mut checked = ExecutionPolicy::new(spec(policy)?).map_err(invalid)?;
    if has_own_backoff || !is_enforced {
        let mut spec = *checked.spec();
        if has_own_backoff {
            spec.retry.initial_backoff_ms = 0;
        }
        if !is_enforced {
            spec.timeout.timeout_per_action_ms = UNINTERRUPTED_MS;
        }
        checked = ExecutionPolicy::new(spec).map_err(invalid)?;
    }
    let policy = Policy { checked: Rc::new(checked), has_own_backoff };
    let last = fields.map(|fields| Checked { fields: fields.unbind(), is_enforced, policy: policy.clone() });
    // What it was before may have a destructor that comes back here.
    drop(LAST.replace(last));
    Ok(policy)
}

/// All fields as they are now; `None` where one is missing.
fn fields<'py>(py: Python<'py>, policy: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, PyTuple>>> {
    static FIELDS: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let fields = FIELDS.import(py, "execution_orchestration_core._fast", "policy_fields")?;
    match fields.call1((policy,)) {
        Ok(fields) => Ok(fields.cast_into().ok()),
        Err(error) if error.is_instance_of::<PyAttributeError>(py) => Ok(None),
        // A signal's handler may have raised it, and whatever it is, nothing has been done yet.
        Err(error) => Err(error),
    }
}

/// Whether the policy's class computes pauses in its own way.
fn has_own_backoff(fields: &Bound<'_, PyTuple>) -> PyResult<bool> {
    static BACKOFF: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let backoff = BACKOFF.import(fields.py(), "execution_orchestration_core._fast", "BACKOFF")?;
    Ok(!fields.get_item(fields.len().saturating_sub(1))?.is(backoff))
}

/// What was checked before, if these are the very same fields. Numbers do not change, so the same object is the same
/// number.
fn known(fields: &Bound<'_, PyTuple>, is_enforced: bool, last: &Checked) -> Option<Policy> {
    let before = last.fields.bind(fields.py());
    let is_same = fields.iter().zip(before.iter()).all(|(now, before)| now.is(&before));
    (is_same && is_enforced == last.is_enforced).then(|| last.policy.clone())
}

fn spec(policy: &Bound<'_, PyAny>) -> PyResult<PolicySpec> {
    let py = policy.py();
    let retry = part(policy, intern!(py, "retry"), "policy.retry")?;
    let timeout = part(policy, intern!(py, "timeout"), "policy.timeout")?;
    let idempotency = part(policy, intern!(py, "idempotency"), "policy.idempotency")?;
    let defaults = PolicySpec::default();
    Ok(PolicySpec {
        retry: RetryPolicy {
            max_retries: narrow(integer(&retry, intern!(py, "max_retries"), "policy.retry.max_retries")?),
            initial_backoff_ms: integer(
                &retry,
                intern!(py, "initial_backoff_ms"),
                "policy.retry.initial_backoff_ms",
            )?,
            max_backoff_ms: integer(&retry, intern!(py, "max_backoff_ms"), "policy.retry.max_backoff_ms")?,
            backoff_multiplier: number(
                &retry,
                intern!(py, "backoff_multiplier"),
                "policy.retry.backoff_multiplier",
            )?,
            ..defaults.retry
        },
        timeout: TimeoutPolicy {
            timeout_per_action_ms: integer(
                &timeout,
                intern!(py, "timeout_per_action_ms"),
                "policy.timeout.timeout_per_action_ms",
            )?,
            max_total_time_ms: integer(
                &timeout,
                intern!(py, "max_total_time_ms"),
                "policy.timeout.max_total_time_ms",
            )?,
            ..defaults.timeout
        },
        idempotency: IdempotencyPolicy {
            enabled: part(&idempotency, intern!(py, "enabled"), "policy.idempotency.enabled")?.is_truthy()?,
            key_generator: key_generator(&idempotency)?,
            ..defaults.idempotency
        },
        max_concurrency: narrow(integer(policy, intern!(py, "max_concurrency"), "policy.max_concurrency")?),
        ..defaults
    })
}

fn part<'py>(of: &Bound<'py, PyAny>, name: &Bound<'py, PyString>, path: &str) -> PyResult<Bound<'py, PyAny>> {
    of.getattr(name).map_err(|_| errors::usage(of.py(), "policy_invalid", &format!("{path} is missing")))
}

/// A whole number from 0; a float that is one counts.
fn integer(of: &Bound<'_, PyAny>, name: &Bound<'_, PyString>, path: &str) -> PyResult<u64> {
    let value = part(of, name, path)?;
    if let Ok(integer) = value.extract::<u64>() {
        return Ok(integer);
    }
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // whole, and in range
    if let Ok(float) = value.cast::<PyFloat>()
        && let float = float.value()
        && float.fract() == 0.0
        && (0.0..1e15).contains(&float)
    {
        return Ok(float as u64);
    }
    Err(errors::usage(of.py(), "policy_invalid", &format!("{path} must be an integer from 0")))
}

/// What is beyond 32 bits is beyond its range too.
fn narrow(value: u64) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

fn number(of: &Bound<'_, PyAny>, name: &Bound<'_, PyString>, path: &str) -> PyResult<f64> {
    let value = part(of, name, path)?;
    value.extract().map_err(|_| errors::usage(of.py(), "policy_invalid", &format!("{path} must be a number")))
}

fn key_generator(idempotency: &Bound<'_, PyAny>) -> PyResult<KeyGenerator> {
    const PATH: &str = "policy.idempotency.key_generator";
    let py = idempotency.py();
    let value = part(idempotency, intern!(py, "key_generator"), PATH)?;
    if value.is_none() {
        return Ok(KeyGenerator::ActionContextHash);
    }
    let generators = [KeyGenerator::ActionContextHash, KeyGenerator::Custom];
    let named = value.cast::<PyString>().ok().and_then(|name| {
        let name = name.to_str().ok()?;
        generators.into_iter().find(|generator| generator.as_str() == name)
    });
    named.ok_or_else(|| {
        let message = format!("{PATH} must be None or one of \"action+context_hash\", \"custom\"");
        errors::usage(py, "policy_invalid", &message)
    })
}
