//! Who is at a key, by the locks beside the ledger.

use std::{
    collections::{BTreeSet, HashMap},
    path::Path,
};

use failstop::{
    core::ledger::{KeyRecord, OwnerId, Standing},
    locks::{AttemptState, LockDirectory, ProcessGroup},
};
use rusqlite::Connection;

use super::entry::UNFINISHED;

/// Who is at a key now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Presence {
    /// Whether the owner of its last start lives. Where that cannot be told, it does.
    pub owner_alive: bool,
    /// Whether its last attempt, or what it left behind, still runs. Where that cannot be told, it does.
    pub attempt_running: bool,
    /// The process group of that attempt, where one was written down.
    pub group: Option<ProcessGroup>,
}

impl Presence {
    /// At a finished key nobody is.
    pub(super) const NOBODY: Self = Self { owner_alive: false, attempt_running: false, group: None };

    /// Where the key effectively stands: STARTED only while somebody is at it; else in doubt, or open where its class
    /// may repeat. What is recovered when its ledger is opened to be worked on comes to the same.
    pub(super) const fn effective(self, record: &KeyRecord) -> Standing {
        match record.standing {
            Standing::Started if self.owner_alive || self.attempt_running => Standing::Started,
            Standing::Started if record.may_repeat => Standing::Open,
            Standing::Started => Standing::InDoubt,
            standing @ (Standing::Open | Standing::Succeeded | Standing::Failed | Standing::InDoubt) => {
                standing
            }
        }
    }

    /// Whether somebody is at an unfinished key: nobody else may take it up.
    pub(super) const fn is_running(self, record: &KeyRecord) -> bool {
        !record.is_terminal() && (self.owner_alive || self.attempt_running)
    }
}

/// Who lives. To be made before the rows are read that it is asked about: an owner that was dead by then wrote nothing
/// after, and one that is not known was born since, and so lives as far as those rows tell.
pub(super) struct Living {
    locks: Option<LockDirectory>,
    owners: HashMap<OwnerId, bool>,
    /// The attempts that may be running; `None` where that cannot be told.
    attempts: Option<BTreeSet<u64>>,
    /// How many owners live.
    pub(super) owner_count: Option<usize>,
}

impl Living {
    /// Looks at the locks in `directory` of all owners that the ledger's unfinished keys have. Without a directory
    /// nobody ever worked on this file where it is, so nobody lives.
    pub(super) fn look(directory: &Path, connection: &Connection) -> rusqlite::Result<Self> {
        let locks = if directory.exists() { Some(LockDirectory::open(directory)) } else { None };
        let mut living = match locks {
            None => Self {
                locks: None,
                owners: HashMap::new(),
                attempts: Some(BTreeSet::new()),
                owner_count: Some(0),
            },
            Some(locks) => {
                let locks = locks.ok();
                let owner_count = locks.as_ref().and_then(|locks| Some(locks.living_owners().ok()?.len()));
                Self { locks, owners: HashMap::new(), attempts: None, owner_count }
            }
        };
        living.look_at_owners(connection)?;
        Ok(living)
    }

    fn look_at_owners(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        let sql = format!("SELECT DISTINCT owner FROM executions INDEXED BY unfinished WHERE {UNFINISHED}");
        let mut statement = connection.prepare(&sql)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            // What is no owner's id is met again, as damage, when the row is read.
            let Ok(owner) = row.get_ref(0)?.as_str()?.parse() else { continue };
            let is_alive = match &self.locks {
                _ if owner == OwnerId::NOBODY => false,
                Some(locks) => locks.is_alive(owner).unwrap_or(true),
                None => self.owner_count.is_none(),
            };
            self.owners.insert(owner, is_alive);
        }
        Ok(())
    }

    /// Looks which attempts may be running. To be called when the snapshot of the rows is taken: an attempt has its
    /// lock before its row.
    pub(super) fn look_at_attempts(&mut self) {
        if let Some(locks) = &self.locks {
            self.attempts = locks.attempts_with_files().ok();
        }
    }

    /// Who is at the key with this record.
    pub(super) fn presence(&self, record: &KeyRecord) -> Presence {
        if matches!(record.standing, Standing::Succeeded | Standing::Failed) {
            return Presence::NOBODY;
        }
        let owner_alive = self.owners.get(&record.owner).copied().unwrap_or(record.owner != OwnerId::NOBODY);
        let (attempt_running, group) = match self.attempt(record.fence) {
            AttemptState::Ended => (false, None),
            AttemptState::Running(group) => (true, group),
        };
        Presence { owner_alive, attempt_running, group }
    }

    fn attempt(&self, fence: u64) -> AttemptState {
        let has_file = self.attempts.as_ref().is_none_or(|attempts| attempts.contains(&fence));
        match &self.locks {
            _ if !has_file => AttemptState::Ended,
            Some(locks) => locks.attempt(fence).unwrap_or(AttemptState::Running(None)),
            None => AttemptState::Running(None),
        }
    }
}
