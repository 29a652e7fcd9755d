//! A SQLite VFS that fails on command: it kills, tears, loses power, fills up, errs and hangs.
//!
//! [`install`] registers a shim over the `unix` VFS as the default of the process, so that every connection
//! opened afterwards goes through it. Everything is passed through; what changes a database, a WAL or a
//! rollback journal (a write, a truncation, a sync, a deletion) is a *point*, and points are numbered from 1 in
//! the order in which they begin. A [`FaultPlan`] says what happens at which point. Temporary files are not
//! counted, nor is the `-shm` file, which is memory shared through a file.
//!
//! Of power loss (see `power_loss.rs` for the model):
//! - The `-shm` file is memory and does not survive it: delete it before the database is opened again.
//! - Each process knows its own unsynced writes only. Use it with one process on the file.
//! - What was written before the plan was put in force counts as synced.
//!
//! Where to start reading: `control.rs`.

mod blow;
mod control;
mod file_methods;
mod plan;
mod power_loss;
mod real_file;
mod registration;

use std::env::{self, VarError};
use std::fmt;

pub use plan::{Fault, FaultPlan, PlanError};

use control::Control;

/// The environment variable that [`install_from_env`] reads.
pub const FAULTS_VARIABLE: &str = "FAILSTOP_FAULTS";

/// Why the VFS could not be installed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InstallError {
    /// This process has it already; see [`Faults::arm`].
    #[error("the fault-injecting VFS is already installed in this process")]
    AlreadyInstalled,
    /// There is no VFS to put it over.
    #[error("SQLite has no VFS named unix here")]
    NoUnixVfs,
    /// SQLite did not register it.
    #[error("SQLite refused the VFS with code {code}")]
    Refused {
        /// SQLite's result code.
        code: i32,
    },
    /// The environment variable is not a plan.
    #[error("FAILSTOP_FAULTS: {0}")]
    Plan(#[from] PlanError),
    /// The environment variable is not text.
    #[error("FAILSTOP_FAULTS is not Unicode")]
    NotUnicode,
}

/// The faults of this process; a handle that may be copied.
#[derive(Clone, Copy)]
pub struct Faults {
    control: &'static Control,
}

impl Faults {
    /// How many points there have been so far: after a dry run, the number of the last one.
    pub fn points(&self) -> u64 {
        self.control.points()
    }

    /// How many syncs are blocked for ever by a [`Fault::Hang`].
    pub fn hanging(&self) -> u64 {
        self.control.hanging()
    }

    /// Puts another plan in force. The count of points goes on, and what was written so far counts as synced;
    /// the empty plan ends a full disk or a run of errors, but wakes no sync that hangs.
    pub fn arm(&self, plan: FaultPlan) {
        self.control.arm(plan);
    }
}

impl fmt::Debug for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Faults").field("points", &self.points()).field("hanging", &self.hanging()).finish()
    }
}

/// Makes the fault-injecting VFS the default of this process, with this plan in force. Connections that are
/// open already do not notice.
///
/// # Errors
/// [`InstallError::AlreadyInstalled`] the second time; [`InstallError::NoUnixVfs`] and
/// [`InstallError::Refused`] where SQLite does not take it.
pub fn install(plan: FaultPlan) -> Result<Faults, InstallError> {
    registration::register(plan).map(|control| Faults { control })
}

/// Installs the plan that [`FAULTS_VARIABLE`] holds; without the variable nothing is installed. An empty
/// variable is the empty plan, which counts points.
///
/// # Errors
/// [`InstallError::Plan`] and [`InstallError::NotUnicode`] where the variable holds no plan, else as [`install`].
pub fn install_from_env() -> Result<Option<Faults>, InstallError> {
    match env::var(FAULTS_VARIABLE) {
        Ok(text) => install(text.parse()?).map(Some),
        Err(VarError::NotPresent) => Ok(None),
        Err(VarError::NotUnicode(_)) => Err(InstallError::NotUnicode),
    }
}
