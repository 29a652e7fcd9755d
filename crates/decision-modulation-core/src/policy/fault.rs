//! Why a policy was refused.

use alloc::vec::Vec;
use core::fmt;

use super::GuardField;

/// Where a guard policy stands in the configuration.
const PATH: &str = "policy.guards";

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
                let known: Vec<&str> = GuardField::ALL.iter().map(|field| field.as_str()).collect();
                let known = known.join(", ");
                write!(f, "{PATH} has an unknown field (member {ordinal}, from 0); known fields are: {known}")
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
