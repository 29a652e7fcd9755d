//! Why a policy was refused: the words that all cores share, so that every refusal reads alike.

use alloc::{borrow::Cow, vec::Vec};
use core::fmt;

use crate::types::Action;

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
    /// Whether it is a range of integers with `value` in it.
    pub fn has_integer(self, value: u64) -> bool {
        match self {
            Self::Integer { min, max } => (min..=max).contains(&value),
            Self::Number { .. } | Self::Action => false,
        }
    }

    /// Whether it is a range of numbers with `value` in it. NaN is in none.
    pub fn has_number(self, value: f64) -> bool {
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
            Self::Action => write!(f, "one of {}", Action::ALL.map(Action::as_str).join(", ")),
        }
    }
}

/// One field that is out of range.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{path} must be {allowed}")]
pub struct PolicyFault {
    /// Where the field stands in the configuration, such as `policy.retry.max_retries`.
    pub path: Cow<'static, str>,
    /// What it may hold.
    pub allowed: Allowed,
}

impl PolicyFault {
    /// The stable code of this fault: `policy_out_of_range`.
    pub const fn code(&self) -> &'static str {
        "policy_out_of_range"
    }
}

/// A policy was refused; every fault is listed, in the order of the fields.
#[derive(Debug, Clone, PartialEq)]
pub struct InvalidPolicy {
    faults: Vec<PolicyFault>,
}

impl InvalidPolicy {
    /// The faults, at least one.
    pub fn faults(&self) -> &[PolicyFault] {
        &self.faults
    }

    /// The stable code of the first fault.
    pub fn code(&self) -> &'static str {
        self.faults[0].code()
    }
}

impl fmt::Display for InvalidPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, fault) in self.faults.iter().enumerate() {
            if at > 0 {
                f.write_str("; ")?;
            }
            fault.fmt(f)?;
        }
        Ok(())
    }
}

impl core::error::Error for InvalidPolicy {}

/// Collects the faults of a policy while its fields are looked at.
///
/// ```
/// use decision_schema::policy_fault::PolicyFaults;
///
/// let mut faults = PolicyFaults::default();
/// faults.integer("policy.max_concurrency", 0, 1, 8);
/// faults.number("policy.retry.backoff_multiplier", 2.0, 0.0, 1000.0);
/// let refused = faults.into_result().unwrap_err();
/// assert_eq!(refused.to_string(), "policy.max_concurrency must be an integer from 1 to 8");
/// ```
#[derive(Debug, Default)]
pub struct PolicyFaults(Vec<PolicyFault>);

impl PolicyFaults {
    /// Notes a fault at `path` unless `value` lies within `min..=max`.
    pub fn integer(&mut self, path: impl Into<Cow<'static, str>>, value: u64, min: u64, max: u64) {
        let allowed = Allowed::Integer { min, max };
        self.note_unless(allowed.has_integer(value), path, allowed);
    }

    /// Notes a fault at `path` unless `value` lies within `min..=max`, which NaN does not.
    pub fn number(&mut self, path: impl Into<Cow<'static, str>>, value: f64, min: f64, max: f64) {
        let allowed = Allowed::Number { min, max };
        self.note_unless(allowed.has_number(value), path, allowed);
    }

    fn note_unless(&mut self, is_allowed: bool, path: impl Into<Cow<'static, str>>, allowed: Allowed) {
        if !is_allowed {
            self.0.push(PolicyFault { path: path.into(), allowed });
        }
    }

    /// `Ok` if nothing was noted.
    ///
    /// # Errors
    /// [`InvalidPolicy`] with everything that was noted, in that order.
    pub fn into_result(self) -> Result<(), InvalidPolicy> {
        if self.0.is_empty() { Ok(()) } else { Err(InvalidPolicy { faults: self.0 }) }
    }
}
