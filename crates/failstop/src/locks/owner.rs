//! Owners: processes that work on a ledger, each with a lock for its life.

use std::{io, os::fd::OwnedFd};

pub use execution_orchestration_core::ledger::OwnerId;

use super::directory::{LockDirectory, Look, OWNER};
use crate::ids;

fn file_name(owner: OwnerId) -> String {
    format!("{OWNER}{owner}")
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
        let _ = self.directory.remove(&file_name(self.id));
    }
}

impl LockDirectory {
    /// Becomes a new owner. The lock is not inherited by programs.
    ///
    /// # Errors
    /// If the lock's file cannot be made or locked.
    pub fn take_ownership(&self) -> io::Result<OwnerLock> {
        let id = OwnerId(ids::random_bits());
        let held = self.take(&file_name(id))?;
        Ok(OwnerLock { directory: self.clone(), id, _held: held })
    }

    /// Whether that owner lives.
    ///
    /// # Errors
    /// If that cannot be told. The owner must then be taken for alive.
    pub fn is_alive(&self, owner: OwnerId) -> io::Result<bool> {
        Ok(matches!(self.look(&file_name(owner))?, Look::Held(_)))
    }
    /// The owners that live, in the order of their names. One that comes or goes meanwhile may or may not be among them.
    ///
    /// # Errors
    /// If the directory cannot be read, or of an owner cannot be told whether it lives.
    pub fn living_owners(&self) -> io::Result<Vec<OwnerId>> {
        let mut living = Vec::new();
        for owner in self.names(OWNER)?.iter().filter_map(|name| name.parse().ok()) {
            if self.is_alive(owner)? {
                living.push(owner);
            }
        }
        living.sort_unstable();
        Ok(living)
    }
}
