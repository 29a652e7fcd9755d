//! What can be wrong with JSON that is not what the schema asks for, and where.

use alloc::{format, string::String, vec::Vec};
use core::fmt;

use crate::{json, types::Action};

/// The most bytes a label ([`Problem::Label`]) may have.
pub const MAX_LABEL_BYTES: usize = 256;

/// What is wrong with a value. Holds names and numbers of the schema only, never input text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Problem {
    /// It has another JSON type.
    Type {
        /// What it must be, with an article.
        expected: &'static str,
    },
    /// It is not an integer, or not in this range.
    Integer {
        /// The least allowed value.
        min: i64,
        /// The greatest allowed value.
        max: i64,
    },
    /// It is not a number in `0..=1`.
    Fraction,
    /// It is not the name of an [`Action`].
    Action,
    /// It is not a string of 1 to [`MAX_LABEL_BYTES`] bytes without control characters.
    Label,
    /// It must be there and is not.
    Missing {
        /// The name of the missing member.
        field: &'static str,
    },
    /// It has a member that the schema does not know.
    UnknownField {
        /// The members it may have.
        known: &'static [&'static str],
    },
    /// An envelope with both a decision and a proposal.
    TwoPayloads,
    /// An envelope whose decision and proposal are null.
    NoPayload,
}

impl Problem {
    /// A stable name for this problem.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Type { .. } => "schema_wrong_type",
            Self::Integer { .. } | Self::Fraction => "schema_out_of_range",
            Self::Action => "schema_unknown_action",
            Self::Label => "schema_bad_label",
            Self::Missing { .. } => "schema_missing_field",
            Self::UnknownField { .. } => "schema_unknown_field",
            Self::TwoPayloads => "schema_two_payloads",
            Self::NoPayload => "schema_no_payload",
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Type { expected } => write!(f, "must be {expected}"),
            Self::Integer { min, max } => write!(f, "must be an integer in {min}..={max}"),
            Self::Fraction => f.write_str("must be a number in 0..=1"),
            Self::Action => f.write_str("must be one of ").and_then(|()| write_list(f, Action::ALL)),
            Self::Label => {
                write!(f, "must be a string of 1 to {MAX_LABEL_BYTES} bytes without control characters")
            }
            Self::Missing { .. } => f.write_str("is required"),
            Self::UnknownField { .. } => f.write_str("unknown field"),
            Self::TwoPayloads => f.write_str("must not have both decision and proposal"),
            Self::NoPayload => f.write_str("must have a decision or a proposal"),
        }
    }
}

fn write_list(f: &mut fmt::Formatter<'_>, names: impl IntoIterator<Item = impl fmt::Display>) -> fmt::Result {
    for (index, name) in names.into_iter().enumerate() {
        write!(f, "{}{name}", if index > 0 { ", " } else { "" })?;
    }
    Ok(())
}

/// A value that is not what the schema asks for: what is wrong and where. Never holds input text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchemaFault {
    path: String,
    /// Ordinals of members and elements on the way to the faulty value, innermost first.
    ordinals: Vec<usize>,
    offset: Option<usize>,
    problem: Problem,
}

impl SchemaFault {
    /// A fault of the outermost value; [`Self::inside`] and [`Self::at_item`] say where that stands.
    pub(crate) fn new(problem: Problem) -> Self {
        let path = if let Problem::Missing { field } = problem { field.into() } else { String::new() };
        Self { path, ordinals: Vec::new(), offset: None, problem }
    }

    /// The same fault, seen from the object that has the value as its member `name`, the `ordinal`th from 0.
    pub(crate) fn inside(mut self, name: &'static str, ordinal: usize) -> Self {
        self.ordinals.push(ordinal);
        let separator = if self.path.is_empty() || self.path.starts_with('[') { "" } else { "." };
        self.path = format!("{name}{separator}{}", self.path);
        self
    }

    /// The same fault, seen from the object whose `ordinal`th member has a name the schema does not know.
    pub(crate) fn at_unknown_member(mut self, ordinal: usize) -> Self {
        self.ordinals.push(ordinal);
        self
    }

    /// The same fault, seen from the array whose element `index`, from 0, has it.
    pub(crate) fn at_item(mut self, index: usize) -> Self {
        self.ordinals.push(index);
        self.path = format!("[{index}]{}", self.path);
        self
    }

    /// The same fault with its offset, found in the text its value was parsed from.
    #[must_use]
    pub fn located_in(mut self, text: &[u8]) -> Self {
        let ordinals: Vec<usize> = self.ordinals.iter().rev().copied().collect();
        let at_name = matches!(self.problem, Problem::UnknownField { .. });
        self.offset = json::locate(text, &ordinals)
            .map(|place| place.name_offset.filter(|_| at_name).unwrap_or(place.offset));
        self
    }

    /// The field at fault, as `decision.mismatch.flags[2]`: names of the schema and indices only. For an unknown field
    /// the object that has it; empty for the outermost value.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Where the value at fault begins, in bytes from 0; for an unknown field its name, for a missing one the object
    /// that lacks it. `None` until [`Self::located_in`] was given the text.
    pub const fn offset(&self) -> Option<usize> {
        self.offset
    }

    /// What is wrong.
    pub const fn problem(&self) -> &Problem {
        &self.problem
    }

    /// A stable name for what is wrong.
    pub const fn code(&self) -> &'static str {
        self.problem.code()
    }
}

impl fmt::Display for SchemaFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let separator = if self.path.is_empty() { "" } else { ": " };
        write!(f, "{}{separator}{}", self.path, self.problem)?;
        match (&self.problem, self.offset) {
            (Problem::UnknownField { known }, offset) => {
                if let Some(offset) = offset {
                    write!(f, " at byte {offset}")?;
                }
                f.write_str("; known fields are: ")?;
                write_list(f, *known)
            }
            (_, Some(offset)) => write!(f, " (at byte {offset})"),
            (_, None) => Ok(()),
        }
    }
}

impl core::error::Error for SchemaFault {}
