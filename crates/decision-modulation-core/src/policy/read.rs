//! Reads a policy out of a JSON object.

use alloc::vec::Vec;

use decision_schema::{Action, Number, Object, Value};

use super::{GuardField, GuardPolicy, GuardPolicyFault, GuardPolicySpec, InvalidGuardPolicy, field};

impl GuardPolicy {
    /// Reads an object whose members are [`GuardField`]s; absent ones keep their default. `null` is not a value of any
    /// of them, and unknown members are refused: a threshold that was misspelt must not be a default.
    ///
    /// # Errors
    /// [`InvalidGuardPolicy`] with every member that is unknown or of the wrong type, in their order, then every field
    /// that is out of its range.
    pub fn from_object(object: &Object) -> Result<Self, InvalidGuardPolicy> {
        let mut spec = GuardPolicySpec::default();
        let mut faults: Vec<GuardPolicyFault> = Vec::new();
        for (ordinal, (name, value)) in object.iter().enumerate() {
            faults.extend(set(&mut spec, ordinal, name, value).err());
        }
        faults.extend(field::out_of_range(&spec));
        InvalidGuardPolicy::unless_none(faults).map(|()| Self { spec })
    }
}

fn set(
    spec: &mut GuardPolicySpec,
    ordinal: usize,
    name: &str,
    value: &Value,
) -> Result<(), GuardPolicyFault> {
    let field = GuardField::from_name(name).ok_or(GuardPolicyFault::UnknownField { ordinal })?;
    put(spec, field, value).ok_or(GuardPolicyFault::Value(field))
}

/// `None` if `value` has not the field's type.
fn put(spec: &mut GuardPolicySpec, field: GuardField, value: &Value) -> Option<()> {
    match field {
        GuardField::StalenessMs => spec.staleness_ms = integer(value)?,
        GuardField::MaxErrorRate => spec.max_error_rate = value.as_number().map(Number::as_f64)?,
        GuardField::RateLimitEventsMax => spec.rate_limit_events_max = integer(value)?,
        GuardField::RateLimitWindowMs => spec.rate_limit_window_ms = integer(value)?,
        GuardField::CircuitBreakerFailures => spec.circuit_breaker_failures = integer(value)?,
        GuardField::CooldownMs => spec.cooldown_ms = integer(value)?,
        GuardField::FailClosedAction => spec.fail_closed_action = action(value)?,
    }
    Some(())
}

fn action(value: &Value) -> Option<Action> {
    value.as_str().and_then(Action::from_name)
}

fn integer(value: &Value) -> Option<u64> {
    value.as_i64().and_then(|whole| u64::try_from(whole).ok())
}
