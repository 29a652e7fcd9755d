//! Why a health policy was refused.

use alloc::vec::Vec;
use core::fmt;

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
}

impl fmt::Display for Allowed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Integer { min, max } => write!(f, "an integer from {min} to {max}"),
            Self::Number { min, max } => write!(f, "a number from {min:?} to {max:?}"),
        }
    }
}

/// One field that is out of range.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PolicyFault {
    /// Where the field stands in the configuration, such as `policy.health.window_ms`.
    pub path: &'static str,
    /// What it may hold.
    pub allowed: Allowed,
}

impl PolicyFault {
    /// The stable code of this fault: `policy_out_of_range`.
    pub const fn code(&self) -> &'static str {
        "policy_out_of_range"
    }
}

impl fmt::Display for PolicyFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} must be {}", self.path, self.allowed)
    }
}

impl core::error::Error for PolicyFault {}

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
#[derive(Default)]
pub(crate) struct Faults(Vec<PolicyFault>);

impl Faults {
    /// Notes a fault at `path` unless `value` lies within `min..=max`.
    pub(crate) fn integer(&mut self, path: &'static str, value: u64, min: u64, max: u64) {
        if !(min..=max).contains(&value) {
            self.0.push(PolicyFault { path, allowed: Allowed::Integer { min, max } });
        }
    }

    /// Notes a fault at `path` unless `value` lies within `min..=max`, which NaN does not.
    pub(crate) fn number(&mut self, path: &'static str, value: f64, min: f64, max: f64) {
        if !(min..=max).contains(&value) {
            self.0.push(PolicyFault { path, allowed: Allowed::Number { min, max } });
        }
    }

    /// `Ok` if nothing was noted.
    pub(crate) fn into_result(self) -> Result<(), InvalidPolicy> {
        if self.0.is_empty() { Ok(()) } else { Err(InvalidPolicy { faults: self.0 }) }
    }
}
