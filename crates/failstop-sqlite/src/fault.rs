//! What can be wrong with a ledger. No text of a file, of a path or of SQLite is in any message.

use crate::gate_file::GateFileError;

/// Why a ledger was not opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// There is no file, and none was to be made.
    #[error("there is no ledger at this path")]
    Missing,
    /// The file is no SQLite database, or another program's.
    #[error("the file is not a failstop ledger")]
    NotALedger,
    /// A newer version of the program made it.
    #[error("the ledger has layout {found}, and this program knows up to {known}")]
    NewerVersion {
        /// The layout found.
        found: i32,
        /// The newest one known.
        known: i32,
    },
    /// Locks do not hold across machines there.
    #[error("the ledger is on a network filesystem, where locks cannot be relied upon")]
    NetworkFilesystem,
    /// The file or its directory cannot be written.
    #[error("the ledger cannot be written (os error {errno})")]
    NotWritable {
        /// The operating system's error number; 0 where it gave none.
        errno: i32,
    },
    /// Another process keeps it locked.
    #[error("another process keeps the ledger locked")]
    Locked,
    /// The database is damaged.
    #[error("the ledger is damaged")]
    Corrupt,
    /// No space is left.
    #[error("no space is left for the ledger")]
    Full,
    /// A ledger was here, and is gone: its gate is still there.
    #[error("the gate of a ledger stands here, and the ledger is gone: what it knew of its keys is lost")]
    Lost,
    /// The gate beside it is not its own, or cannot be made.
    #[error("the gate beside the ledger: {0}")]
    Gate(GateFileError),
    /// The locks beside it cannot be taken.
    #[error("the locks beside the ledger cannot be taken (os error {errno})")]
    Locks {
        /// The operating system's error number; 0 where it gave none.
        errno: i32,
    },
    /// SQLite refuses for another reason.
    #[error("the ledger cannot be used (sqlite error {code})")]
    Sqlite {
        /// SQLite's extended result code.
        code: i32,
    },
    /// No thread is to be had.
    #[error("no thread is to be had for the ledger")]
    NoThread,
}

impl OpenError {
    /// A stable name of the fault.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Missing => "ledger_missing",
            Self::NotALedger => "ledger_not_a_ledger",
            Self::NewerVersion { .. } => "ledger_newer_version",
            Self::NetworkFilesystem => "ledger_network_filesystem",
            Self::NotWritable { .. } => "ledger_not_writable",
            Self::Locked => "ledger_locked",
            Self::Corrupt => "ledger_corrupt",
            Self::Full => "ledger_full",
            Self::Lost => "ledger_lost",
            Self::Gate(_) => "ledger_gate",
            Self::Locks { .. } => "ledger_locks",
            Self::Sqlite { .. } | Self::NoThread => "ledger_unusable",
        }
    }

    pub(crate) fn locks(error: &std::io::Error) -> Self {
        Self::Locks { errno: error.raw_os_error().unwrap_or(0) }
    }
}

impl From<GateFileError> for OpenError {
    fn from(error: GateFileError) -> Self {
        Self::Gate(error)
    }
}

impl From<rusqlite::Error> for OpenError {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode as Code;
        let Some(cause) = error.sqlite_error() else { return Self::Corrupt };
        match cause.code {
            Code::NotADatabase => Self::NotALedger,
            Code::DatabaseCorrupt => Self::Corrupt,
            Code::DatabaseBusy | Code::DatabaseLocked => Self::Locked,
            Code::DiskFull => Self::Full,
            Code::ReadOnly | Code::CannotOpen | Code::PermissionDenied => Self::NotWritable { errno: 0 },
            _ => Self::Sqlite { code: cause.extended_code },
        }
    }
}

/// Why a key was not resolved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ResolveError {
    /// The ledger knows no such key.
    #[error("no such key in the ledger")]
    UnknownKey,
    /// There is nothing to resolve.
    #[error("the key is not in doubt: it is {state}")]
    NotInDoubt {
        /// Where it stands.
        state: &'static str,
    },
    /// An attempt, or what it left behind, may still have its effect.
    #[error("an attempt under the key is still running")]
    StillRunning,
    /// Nobody said why.
    #[error("a resolution needs a reason")]
    ReasonMissing,
    /// It could not be made durable.
    #[error("the ledger is unavailable")]
    LedgerUnavailable,
}

impl ResolveError {
    /// A stable name of the fault.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::UnknownKey => "resolve_unknown_key",
            Self::NotInDoubt { .. } => "resolve_not_in_doubt",
            Self::StillRunning => "resolve_still_running",
            Self::ReasonMissing => "resolve_reason_missing",
            Self::LedgerUnavailable => "ledger_unavailable",
        }
    }
}
