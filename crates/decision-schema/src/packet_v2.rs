//! One step of a pipeline from input to final action, for tracing end to end.

use alloc::{borrow::ToOwned, string::String};

use crate::{
    fields::{any_integer, each_member, object, optional, required, text},
    json::{Object, Value},
    schema_fault::SchemaFault,
};

/// The schema version of packets that do not name one.
pub const SCHEMA_VERSION: &str = "0.2.2";

/// One step of a pipeline, as it is logged. Parts that belong to other stages are kept as they came.
#[derive(Debug, Clone, PartialEq)]
pub struct PacketV2 {
    /// The run this step belongs to.
    pub run_id: String,
    /// Which step of the run.
    pub step: i64,
    /// What the proposer saw.
    pub input: Object,
    /// Context keys and registered trace keys; see [`crate::trace_registry`].
    pub external: Object,
    /// What was proposed.
    pub mdm: Object,
    /// What was decided.
    pub final_action: Object,
    /// How long the step took, milliseconds.
    pub latency_ms: i64,
    /// What the guards changed.
    pub mismatch: Option<Object>,
    /// The version of the schema it was written with. Default [`SCHEMA_VERSION`].
    pub schema_version: String,
    /// Fields this version does not know, kept as they came.
    pub extra: Object,
}

impl PacketV2 {
    /// The names of its own fields, in the contract's order.
    pub const FIELDS: &[&str] = &[
        "run_id",
        "step",
        "input",
        "external",
        "mdm",
        "final_action",
        "latency_ms",
        "mismatch",
        "schema_version",
    ];

    /// Reads an object of [`Self::FIELDS`], of which only `mismatch` and `schema_version` may be absent or null, and
    /// any others.
    ///
    /// # Errors
    /// A field is missing or of the wrong type.
    pub fn from_value(value: Value) -> Result<Self, SchemaFault> {
        let (mut run_id, mut step, mut latency_ms) = Default::default();
        let (mut input, mut external, mut mdm, mut final_action) = Default::default();
        let (mut mismatch, mut schema_version, mut extra) = Default::default();
        each_member(value, Self::FIELDS, |name, value| {
            match name {
                "run_id" => run_id = Some(text(value)?),
                "step" => step = Some(any_integer(value)?),
                "input" => input = Some(object(value)?),
                "external" => external = Some(object(value)?),
                "mdm" => mdm = Some(object(value)?),
                "final_action" => final_action = Some(object(value)?),
                "latency_ms" => latency_ms = Some(any_integer(value)?),
                "mismatch" => mismatch = optional(value, object)?,
                "schema_version" => schema_version = optional(value, text)?,
                _ => Object::push_unique(&mut extra, name.to_owned(), value),
            }
            Ok(())
        })?;
        Ok(Self {
            run_id: required(run_id, "run_id")?,
            step: required(step, "step")?,
            input: required(input, "input")?,
            external: required(external, "external")?,
            mdm: required(mdm, "mdm")?,
            final_action: required(final_action, "final_action")?,
            latency_ms: required(latency_ms, "latency_ms")?,
            mismatch,
            schema_version: schema_version.unwrap_or_else(|| SCHEMA_VERSION.to_owned()),
            extra,
        })
    }

    /// Writes all [`Self::FIELDS`], then `extra`, whose members never replace fields of the same name.
    pub fn to_value(&self) -> Value {
        let members: [(&str, Value); 9] = [
            ("run_id", self.run_id.as_str().into()),
            ("step", self.step.into()),
            ("input", self.input.clone().into()),
            ("external", self.external.clone().into()),
            ("mdm", self.mdm.clone().into()),
            ("final_action", self.final_action.clone().into()),
            ("latency_ms", self.latency_ms.into()),
            ("mismatch", self.mismatch.clone().into()),
            ("schema_version", self.schema_version.as_str().into()),
        ];
        let mut packet: Object = members.into_iter().collect();
        for (name, value) in self.extra.iter().filter(|(name, _)| !Self::FIELDS.contains(name)) {
            packet.push_unique(name.to_owned(), value.clone());
        }
        Value::Object(packet)
    }
}
