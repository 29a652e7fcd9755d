//! How decisions and proposals stand in JSON: `from_value` and `to_value` of every type in [`crate::types`].
//!
//! Unknown fields are refused, because a misspelt limit must not be a missing one. What is written has every field,
//! `null` where it is not set, in the contract's order.

use crate::{
    fields::{
        action, any_integer, duration_ms, each_member, flag, fraction, label, object, optional, required,
        texts, unknown,
    },
    json::{Object, Value},
    schema_fault::SchemaFault,
    types::{Action, FinalDecision, MismatchInfo, Proposal},
};

impl FinalDecision {
    /// The names of its fields, in the contract's order.
    pub const FIELDS: &[&str] =
        &["action", "allowed", "reasons", "mismatch", "throttle_ms", "cooldown_ms", "params"];

    /// Reads a decision from an object of [`Self::FIELDS`], of which only `action` must be there. `null` counts as
    /// absent, but not for `action` and `allowed`: a decision whose permission is unclear is refused.
    ///
    /// # Errors
    /// A field is unknown, missing, of the wrong type or out of range.
    pub fn from_value(value: Value) -> Result<Self, SchemaFault> {
        let mut decision = Self::new(Action::Hold);
        let mut named = None;
        each_member(value, Self::FIELDS, |name, value| {
            match name {
                "action" => named = Some(action(value)?),
                "allowed" => decision.allowed = flag(value)?,
                "reasons" => decision.reasons = texts(value)?,
                "mismatch" => decision.mismatch = optional(value, MismatchInfo::from_value)?,
                "throttle_ms" => decision.throttle_ms = optional(value, duration_ms)?,
                "cooldown_ms" => decision.cooldown_ms = optional(value, duration_ms)?,
                "params" => decision.params = optional(value, object)?,
                _ => return unknown(Self::FIELDS),
            }
            Ok(())
        })?;
        decision.action = required(named, "action")?;
        Ok(decision)
    }

    /// Writes all [`Self::FIELDS`].
    pub fn to_value(&self) -> Value {
        let members: [(&str, Value); 7] = [
            ("action", self.action.as_str().into()),
            ("allowed", self.allowed.into()),
            ("reasons", self.reasons.clone().into()),
            ("mismatch", self.mismatch.as_ref().map(MismatchInfo::to_value).into()),
            ("throttle_ms", self.throttle_ms.into()),
            ("cooldown_ms", self.cooldown_ms.into()),
            ("params", self.params.clone().into()),
        ];
        Value::Object(members.into_iter().collect())
    }
}

impl MismatchInfo {
    /// The names of its fields, in the contract's order.
    pub const FIELDS: &[&str] = &["flags", "reason_codes", "throttle_refresh_ms", "metadata"];

    /// Reads an object of [`Self::FIELDS`], all of which may be absent or null.
    ///
    /// # Errors
    /// A field is unknown, of the wrong type or out of range.
    pub fn from_value(value: Value) -> Result<Self, SchemaFault> {
        let mut mismatch = Self::default();
        each_member(value, Self::FIELDS, |name, value| {
            match name {
                "flags" => mismatch.flags = texts(value)?,
                "reason_codes" => mismatch.reason_codes = texts(value)?,
                "throttle_refresh_ms" => mismatch.throttle_refresh_ms = optional(value, any_integer)?,
                "metadata" => mismatch.metadata = optional(value, object)?,
                _ => return unknown(Self::FIELDS),
            }
            Ok(())
        })?;
        Ok(mismatch)
    }

    /// Writes all [`Self::FIELDS`].
    pub fn to_value(&self) -> Value {
        let members: [(&str, Value); 4] = [
            ("flags", self.flags.clone().into()),
            ("reason_codes", self.reason_codes.clone().into()),
            ("throttle_refresh_ms", self.throttle_refresh_ms.into()),
            ("metadata", self.metadata.clone().into()),
        ];
        Value::Object(members.into_iter().collect())
    }
}

impl Proposal {
    /// The names of its fields, in the contract's order.
    pub const FIELDS: &[&str] = &["action", "confidence", "reasons", "params", "run_id", "features_summary"];

    /// Reads an object of [`Self::FIELDS`], of which `action` and `confidence` must be there. `null` counts as absent.
    /// A `run_id` is a label as in an envelope: 1 to 256 bytes, no control characters.
    ///
    /// # Errors
    /// A field is unknown, missing, of the wrong type or out of range.
    pub fn from_value(value: Value) -> Result<Self, SchemaFault> {
        let (mut named, mut confidence) = (None, None);
        let (mut reasons, mut params, mut run_id, mut features) = Default::default();
        each_member(value, Self::FIELDS, |name, value| {
            match name {
                "action" => named = Some(action(value)?),
                "confidence" => confidence = Some(fraction(value)?),
                "reasons" => reasons = texts(value)?,
                "params" => params = optional(value, object)?,
                "run_id" => run_id = optional(value, label)?,
                "features_summary" => features = optional(value, object)?,
                _ => return unknown(Self::FIELDS),
            }
            Ok(())
        })?;
        Ok(Self {
            action: required(named, "action")?,
            confidence: required(confidence, "confidence")?,
            reasons,
            params,
            run_id,
            features_summary: features.unwrap_or_else(Object::new),
        })
    }

    /// Writes all [`Self::FIELDS`].
    pub fn to_value(&self) -> Value {
        let members: [(&str, Value); 6] = [
            ("action", self.action.as_str().into()),
            ("confidence", Value::Number(crate::json::Number::Float(self.confidence))),
            ("reasons", self.reasons.clone().into()),
            ("params", self.params.clone().into()),
            ("run_id", self.run_id.clone().into()),
            ("features_summary", self.features_summary.clone().into()),
        ];
        Value::Object(members.into_iter().collect())
    }
}
