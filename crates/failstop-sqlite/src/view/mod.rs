//! The read side: what a ledger's file, its gate and its locks say, without owning anything.
//!
//! A [`View`] records nothing and recovers nothing. It works beside living owners, and on a disk that is full or may
//! only be read, as far as SQLite does. So it tells where a key *effectively* stands: one whose owner died in an attempt
//! is in doubt, although nobody has written that down yet; see [`Presence`].

mod entry;
mod json;
mod list;
mod presence;
mod running;
mod show;
mod status;

use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
};

use rusqlite::{Connection, OpenFlags};

pub use self::{
    entry::Entry,
    json::{body_of, gate_entry_to_object, gate_to_objects},
    list::Filter,
    presence::Presence,
    running::RunningAttempt,
    show::Shown,
    status::{Counts, Status},
};
use crate::{
    OpenError,
    connection::{self, Found},
    identity::beside,
};

/// How long a read waits for a process that has the whole file locked; nobody does for long.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(5);

/// A ledger that is only looked at.
#[derive(Debug)]
pub struct View {
    path: PathBuf,
    ledger_id: String,
    connection: Connection,
}

impl View {
    /// Opens the ledger at `path` to look at it. Makes no ledger, takes no ownership and no key.
    ///
    /// # Errors
    /// Where there is no ledger, or it cannot be read. An empty file is no ledger yet.
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        let connection = open_for_reading(path)?;
        let ledger_id = connection.query_row("SELECT id FROM ledger", [], |row| row.get(0))?;
        Ok(Self { path: path.to_owned(), ledger_id, connection })
    }

    /// Where the file is, as it was named.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Which ledger it is, wherever its file is.
    pub fn ledger_id(&self) -> &str {
        &self.ledger_id
    }
}

/// A connection to a ledger that is there, which cannot write.
pub(crate) fn open_for_reading(path: &Path) -> Result<Connection, OpenError> {
    match std::fs::metadata(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Err(OpenError::Missing),
        Ok(metadata) if metadata.len() == 0 && !has_content(&beside(path, "-wal")) => {
            return Err(OpenError::Missing);
        }
        Ok(metadata) if !metadata.is_file() => return Err(OpenError::NotALedger),
        Ok(_) | Err(_) => {}
    }
    connect_somehow(path)
}

/// Where SQLite cannot make its index of the WAL, because the disk is full or may only
/// be read, and there is nothing in the WAL, the file is read as it stands.
fn connect_somehow(path: &Path) -> Result<Connection, OpenError> {
    match connect(path.as_os_str().as_encoded_bytes(), false) {
        Err(fault) if is_want_of_index(&fault) && !has_content(&beside(path, "-wal")) => {
            connect(path.as_os_str().as_encoded_bytes(), true)
        }
        result => result,
    }
}

fn connect(path: &[u8], is_immutable: bool) -> Result<Connection, OpenError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_EXRESCODE
        | OpenFlags::SQLITE_OPEN_URI;
    let connection = Connection::open_with_flags(uri(path, is_immutable), flags)?;
    connection.busy_timeout(PATIENCE)?;
    match connection::recognise(&connection)? {
        Found::Ledger(_) => Ok(connection),
        Found::Empty => Err(OpenError::Missing),
    }
}

/// The path as a URI, so that what it means to SQLite cannot depend on what it looks like.
fn uri(path: &[u8], is_immutable: bool) -> String {
    let mut uri = String::from("file:");
    for byte in path {
        if byte.is_ascii_alphanumeric() || b"/.-_".contains(byte) {
            uri.push(char::from(*byte));
        } else {
            // Writing into a string cannot fail.
            let _ = write!(uri, "%{byte:02X}");
        }
    }
    uri.push_str(if is_immutable { "?immutable=1" } else { "?mode=ro" });
    uri
}

/// Whether SQLite could not make or open the files beside the database.
const fn is_want_of_index(fault: &OpenError) -> bool {
    /// `SQLITE_IOERR`, the lowest byte of all its extended codes.
    const IO_ERROR: i32 = 10;
    match fault {
        OpenError::NotWritable { .. } | OpenError::Full => true,
        OpenError::Sqlite { code } => *code & 0xff == IO_ERROR,
        _ => false,
    }
}

fn has_content(file: &Path) -> bool {
    std::fs::metadata(file).is_ok_and(|metadata| metadata.len() > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_a_path_whatever_it_looks_like() {
        assert_eq!(uri(b"a b?c#%/x.db", false), "file:a%20b%3Fc%23%25/x.db?mode=ro");
        assert_eq!(uri("ü".as_bytes(), true), "file:%C3%BC?immutable=1");
    }
}
