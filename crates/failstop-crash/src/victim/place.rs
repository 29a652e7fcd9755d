//! Where everything of one round lies.

use std::{
    fs::File,
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use crate::decision::Decision;

/// The directory of one round.
#[derive(Debug, Clone)]
pub struct Place {
    directory: PathBuf,
}

impl Place {
    /// In this directory.
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self { directory: directory.into() }
    }

    /// The directory.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The ledger.
    pub fn ledger(&self) -> PathBuf {
        self.directory.join("ledger.db")
    }

    /// What SQLite keeps in memory that it shares through a file.
    pub fn shared_memory(&self) -> PathBuf {
        self.directory.join("ledger.db-shm")
    }

    /// What is to be done, one decision a line.
    pub fn decisions(&self) -> PathBuf {
        self.directory.join("decisions.jsonl")
    }

    /// Writes down what is to be done.
    ///
    /// # Errors
    /// Where that cannot be written.
    pub fn ask_for(&self, decisions: &[Decision]) -> io::Result<()> {
        let mut file = File::create(self.decisions())?;
        decisions.iter().try_for_each(|decision| writeln!(file, "{decision}"))
    }

    /// Lets no victim begin that has opened its ledger, until this is dropped.
    ///
    /// # Errors
    /// Where there are no decisions.
    pub fn hold_decisions(&self) -> io::Result<File> {
        let file = File::open(self.decisions())?;
        file.lock()?;
        Ok(file)
    }

    /// The target of effects.
    pub fn target(&self) -> PathBuf {
        self.directory.join("effects")
    }

    /// What this life reported, one report a line; lives are counted from 1.
    pub fn reports(&self, life: u32) -> PathBuf {
        self.directory.join(format!("reports-{life}.jsonl"))
    }
}
