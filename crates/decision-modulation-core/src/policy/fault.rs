//! Why a policy was refused.

use alloc::vec::Vec;
use core::fmt;

use decision_schema::Action;

use super::GuardField;

/// Where a guard policy stands in the configuration.
const PATH: &str = "policy.guards";

/// The values a field may hold, both ends included.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Allowed {
    /// Integers.
    Integer {
        /// The least.
        min: u64,
        /// The greatest.
        max: u64,
    },
    /// Finite numbers.
    Number {
        /// The least.
        min: f64,
        /// The greatest.
        max: f64,
    },
    /// Names of an [`Action`].
    Action,
}

impl Allowed {
    pub(super) fn has_integer(self, value: u64) -> bool {
        match self {
            Self::Integer { min, max } => (min..=max).contains(&value),
            Self::Number { .. } | Self::Action => false,
        }
    }

    pub(super) fn has_number(self, value: f64) -> bool {
        match self {
            Self::Number { min, max } => (min..=max).contains(&value),
            Self::Integer { .. } | Self::Action => false,
        }
    }
}

impl fmt::Display for Allowed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Integer { min, max } => write!(f, "an integer from {min} to {max}"),
            Self::Number { min, max } => write!(f, "a number from {min:?} to {max:?}"),
            Self::Action => {
                f.write_str("one of ")?;
                write_list(f, Action::ALL.map(Action::as_str))
            }
        }
    }
}

fn write_list(f: &mut fmt::Formatter<'_>, names: impl IntoIterator<Item = &'static str>) -> fmt::Result {
    for (at, name) in names.into_iter().enumerate() {
        write!(f, "{}{name}", if at > 0 { ", " } else { "" })?;
    }
    Ok(())
}

/// One thing that is wrong with a policy. Never holds what was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum GuardPolicyFault {
    /// This field has another type, or is out of its range.
    Value(GuardField),
    /// An object that a policy is read from has a member that no policy has.
    UnknownField {
        /// The ordinal of the member, from 0.
        ordinal: usize,
    },
}

impl GuardPolicyFault {
    /// The stable code of this fault: `policy_out_of_range` or `schema_unknown_field`.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Value(_) => "policy_out_of_range",
            Self::UnknownField { .. } => "schema_unknown_field",
        }
    }
}

impl fmt::Display for GuardPolicyFault {
    /// As in `policy.guards.staleness_ms must be an integer from 0 to 31536000000`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Value(field) => write!(f, "{PATH}.{} must be {}", field.as_str(), field.allowed()),
            Self::UnknownField { ordinal } => {
                write!(f, "{PATH} has an unknown field (member {ordinal}, from 0); known fields are: ")?;
                write_list(f, GuardField::ALL.iter().map(|field| field.as_str()))
            }
        }
    }
}

impl core::error::Error for GuardPolicyFault {}

/// A guard policy was refused; every fault is listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidGuardPolicy {
    first: GuardPolicyFault,
    others: Vec<GuardPolicyFault>,
}

impl InvalidGuardPolicy {
    /// The error of `faults`, unless there are none.
    pub(super) fn unless_none(mut faults: Vec<GuardPolicyFault>) -> Result<(), Self> {
        if faults.is_empty() {
            return Ok(());
        }
        let first = faults.remove(0);
        Err(Self { first, others: faults })
    }

    /// The faults, at least one.
    pub fn faults(&self) -> impl Iterator<Item = GuardPolicyFault> {
        core::iter::once(self.first).chain(self.others.iter().copied())
    }

    /// The stable code of the first fault.
    pub const fn code(&self) -> &'static str {
        self.first.code()
    }
}

impl fmt::Display for InvalidGuardPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.first.fmt(f)?;
        self.others.iter().try_for_each(|fault| write!(f, "; {fault}"))
    }
}

impl core::error::Error for InvalidGuardPolicy {}
