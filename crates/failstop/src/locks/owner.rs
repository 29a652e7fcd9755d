//! Owners: processes that work on a ledger, each with a lock for its life.

use std::{fmt, io, os::fd::OwnedFd, str::FromStr};

use super::directory::{LockDirectory, Look, OWNER};
use crate::ids;

/// The random name of one owner; 32 lower-case hex digits as text. Never used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct OwnerId(u128);

/// The text is not the name of an owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the id of an owner is 32 lower-case hex digits")]
pub struct ParseOwnerIdError;

impl OwnerId {
    fn file_name(self) -> String {
        format!("{OWNER}{self}")
    }
}

impl fmt::Display for OwnerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl FromStr for OwnerId {
    type Err = ParseOwnerIdError;

    fn from_str(text: &str) -> Result<Self, ParseOwnerIdError> {
        let is_fit = text.len() == 32 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        let bits = u128::from_str_radix(text, 16).map_err(|_| ParseOwnerIdError)?;
        is_fit.then_some(Self(bits)).ok_or(ParseOwnerIdError)
    }
}

/// Says to everybody that this owner lives, until it is dropped or the process dies.
#[derive(Debug)]
pub struct OwnerLock {
    directory: LockDirectory,
    id: OwnerId,
    _held: OwnedFd,
}

impl OwnerLock {
    /// The owner's name.
    pub const fn id(&self) -> OwnerId {
        self.id
    }
}

impl Drop for OwnerLock {
    fn drop(&mut self) {
        // A name that stays is as good as none once the lock is free.
        let _ = self.directory.remove(&self.id.file_name());
    }
}

impl LockDirectory {
    /// Becomes a new owner. The lock is not inherited by programs.
    ///
    /// # Errors
    /// If the lock's file cannot be made or locked.
    pub fn take_ownership(&self) -> io::Result<OwnerLock> {
        let id = OwnerId(ids::random_bits());
        let held = self.take(&id.file_name())?;
        Ok(OwnerLock { directory: self.clone(), id, _held: held })
    }

    /// Whether that owner lives.
    ///
    /// # Errors
    /// If that cannot be told. The owner must then be taken for alive.
    pub fn is_alive(&self, owner: OwnerId) -> io::Result<bool> {
        Ok(matches!(self.look(&owner.file_name())?, Look::Held(_)))
    }
}
