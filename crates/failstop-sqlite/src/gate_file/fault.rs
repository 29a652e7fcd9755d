//! What can be wrong with a gate file. No text of the file, of a path or of the operating system is in any message.

use failstop::core::stop::Scope;

/// Why the gate cannot be read or changed. To a start, each of them means `stop`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GateFault {
    /// There is no file at the gate's path.
    #[error("the gate file is missing")]
    Missing,
    /// The path names another file than the one that was opened.
    #[error("the gate file was replaced by another")]
    Replaced,
    /// The file is shorter than it was made.
    #[error("the gate file is cut short at {bytes} bytes")]
    Truncated {
        /// How long it is.
        bytes: usize,
    },
    /// The file is longer than it was made.
    #[error("the gate file is longer than it was made")]
    Overlong,
    /// A line does not have the content that it was written with.
    #[error("line {line} of the gate file is damaged")]
    Checksum {
        /// Which line, from 1; the header is 1, `global` is 2.
        line: usize,
    },
    /// A newer version of the program made the file.
    #[error("the gate file has version {found}, and this program knows version 1")]
    NewerVersion {
        /// The version found.
        found: u64,
    },
    /// The gate belongs to another ledger.
    #[error("the gate file belongs to another ledger")]
    WrongLedger,
    /// Another process is changing the gate and does not come to an end.
    #[error("the gate file is being changed by another process")]
    Busy,
    /// The operating system refuses.
    #[error("the gate file cannot be used (os error {errno})")]
    Unreadable {
        /// Its error number; 0 where it gave none.
        errno: i32,
    },
}

impl GateFault {
    /// A short stable name of the fault.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Replaced => "replaced",
            Self::Truncated { .. } => "truncated",
            Self::Overlong => "overlong",
            Self::Checksum { .. } => "checksum",
            Self::NewerVersion { .. } => "newer_version",
            Self::WrongLedger => "wrong_ledger",
            Self::Busy => "busy",
            Self::Unreadable { .. } => "unreadable",
        }
    }
}

impl From<&std::io::Error> for GateFault {
    fn from(error: &std::io::Error) -> Self {
        match error.kind() {
            std::io::ErrorKind::NotFound => Self::Missing,
            _ => Self::Unreadable { errno: error.raw_os_error().unwrap_or(0) },
        }
    }
}

impl From<std::io::Error> for GateFault {
    fn from(error: std::io::Error) -> Self {
        Self::from(&error)
    }
}

/// Why a gate file was not made or opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GateFileError {
    /// The ledger's id is empty, too long, or has characters that an id may not have.
    #[error("the ledger's id cannot stand in a gate file")]
    LedgerIdInvalid,
    /// The path ends in no file name.
    #[error("the gate file's path names no file")]
    NoFileName,
    /// The file could not be made.
    #[error("the gate file cannot be made (os error {errno})")]
    NotCreated {
        /// The operating system's error number; 0 where it gave none.
        errno: i32,
    },
    /// The file that is there cannot serve.
    #[error(transparent)]
    Fault(#[from] GateFault),
}

/// Why a scope was not released. Nothing of the gate was changed, unless a [`GateFault::Unreadable`] came of the write
/// itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReleaseRefused {
    /// The scope changed since the epoch that was named.
    #[error("the scope's epoch is {actual}, not {expected}")]
    EpochMismatch {
        /// The epoch that was named.
        expected: u64,
        /// The epoch in force.
        actual: u64,
    },
    /// Some scope changed between the two steps of the release.
    #[error("the gate changed to epoch {actual} while its release at {prepared_at} was being recorded")]
    Overtaken {
        /// The gate's epoch when the release was prepared.
        prepared_at: u64,
        /// Its epoch now.
        actual: u64,
    },
    /// The scope is at `run`.
    #[error("scope {scope} is not engaged")]
    NotEngaged {
        /// The scope that was named.
        scope: Scope,
    },
    /// The scope cannot be latched.
    #[error("scope {scope} is not latched and cannot be released")]
    NotLatched {
        /// The scope that was named.
        scope: Scope,
    },
    /// Nobody said why.
    #[error("a release needs a reason")]
    ReasonMissing,
    /// The gate cannot be read in full or written.
    #[error(transparent)]
    Fault(#[from] GateFault),
}
