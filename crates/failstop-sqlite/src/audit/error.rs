//! Why there is no audit at all. What an audit finds is no error.

use std::io;

use crate::OpenError;

/// Why an audit or an export was not done, or not to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AuditError {
    /// The ledger cannot be read.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The exported chain cannot be read, or not be written.
    #[error("the exported chain cannot be read or written (os error {errno})")]
    Stream {
        /// The operating system's error number; 0 where it gave none.
        errno: i32,
    },
    /// What cannot be read as an event cannot be exported.
    #[error("event {seq} cannot be exported: it is damaged")]
    Damaged {
        /// Which event.
        seq: u64,
    },
}

impl AuditError {
    /// A stable name of the fault.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Open(fault) => fault.code(),
            Self::Stream { .. } => "audit_stream",
            Self::Damaged { .. } => "audit_damaged",
        }
    }
}

impl From<rusqlite::Error> for AuditError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Open(error.into())
    }
}

impl From<io::Error> for AuditError {
    fn from(error: io::Error) -> Self {
        Self::Stream { errno: error.raw_os_error().unwrap_or(0) }
    }
}
