//! Connections to a ledger's file, configured for what they are for.

use std::{fs::OpenOptions, io, os::unix::fs::OpenOptionsExt as _, path::Path, time::Duration};

use rusqlite::{Connection, ErrorCode, OpenFlags, Transaction, TransactionBehavior};

use crate::{clock, fault::OpenError, schema, tuning::Tuning};

/// Statements kept ready, more than there are.
const STATEMENTS: usize = 48;

/// How soon somebody is asked again who holds a lock, mostly for one commit.
const BRIEF_PAUSE: Duration = Duration::from_micros(200);

/// How long another process's lock is waited for where SQLite itself does not wait, milliseconds.
const PATIENCE_MS: u64 = 5_000;

/// Makes an empty file that only its owner may read, if there is none. SQLite gives its other files the same mode.
pub(crate) fn create_private(path: &Path) -> io::Result<bool> {
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(error),
    }
}

/// A connection that writes: each commit is on the disk before it returns.
pub(crate) fn open_writer(path: &Path) -> Result<Connection, OpenError> {
    let connection = open(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    let mode = turn_to_wal(&connection)?;
    if mode != "wal" {
        return Err(OpenError::NotWritable { errno: 0 });
    }
    connection.pragma_update(None, "synchronous", "FULL")?;
    Ok(connection)
}

/// Has the file written by way of a WAL, if it is not yet, and returns the mode that it has then.
///
/// Of two connections that turn the same new file at once SQLite refuses one without waiting: each holds what the other
/// waits for. Whoever is refused has let go by that, and asks again.
fn turn_to_wal(connection: &Connection) -> rusqlite::Result<String> {
    let begun = clock::Stopwatch::start();
    loop {
        match connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0)) {
            Err(error) if is_busy(&error) && begun.elapsed_ms() < PATIENCE_MS => clock::pause(BRIEF_PAUSE),
            result => return result,
        }
    }
}

fn is_busy(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy)
}

/// Sets what is a matter of speed alone.
pub(crate) fn tune(writer: &Connection, tuning: &Tuning) -> Result<(), OpenError> {
    writer.pragma_update(None, "wal_autocheckpoint", tuning.wal_autocheckpoint_pages)?;
    writer.pragma_update(None, "cache_size", -i64::from(tuning.cache_kib))?;
    Ok(())
}

/// A connection that reads beside the writers.
pub(crate) fn open_reader(path: &Path) -> Result<Connection, OpenError> {
    let connection = open(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    connection.pragma_update(None, "query_only", true)?;
    Ok(connection)
}

fn open(path: &Path, mode: OpenFlags) -> Result<Connection, OpenError> {
    let flags = mode | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_EXRESCODE;
    let mut connection = Connection::open_with_flags(path, flags)?;
    connection.busy_handler(Some(wait_for_lock))?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    Ok(connection)
}

/// Waits for another process's lock: often at first, since it is held for one commit, and five seconds in all.
fn wait_for_lock(tries: i32) -> bool {
    const BRIEF: i32 = 100;
    const LONG: i32 = 1_000;
    clock::pause(if tries < BRIEF { BRIEF_PAUSE } else { Duration::from_millis(5) });
    tries < BRIEF + LONG
}

/// What a file is, by its header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Found {
    /// Nothing is in it yet.
    Empty,
    /// A ledger of this layout.
    Ledger(i32),
}

/// Looks whether the file is a ledger that this version can read.
pub(crate) fn recognise(connection: &Connection) -> Result<Found, OpenError> {
    let number = |pragma: &str| connection.query_row(pragma, [], |row| row.get::<_, i32>(0));
    let version = number("PRAGMA user_version")?;
    match number("PRAGMA application_id")? {
        schema::APPLICATION_ID if version > schema::VERSION => {
            Err(OpenError::NewerVersion { found: version, known: schema::VERSION })
        }
        schema::APPLICATION_ID if version > 0 => Ok(Found::Ledger(version)),
        0 if version == 0 && number("SELECT count(*) FROM sqlite_schema")? == 0 => Ok(Found::Empty),
        _ => Err(OpenError::NotALedger),
    }
}

/// Brings an empty or older file to the newest layout; `at_birth` fills a new one in the same transaction.
pub(crate) fn migrate(
    connection: &mut Connection,
    at_birth: impl FnOnce(&Transaction<'_>) -> Result<(), OpenError>,
) -> Result<(), OpenError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Exclusive)?;
    let from = match recognise(&transaction)? {
        Found::Empty => 0,
        Found::Ledger(version) => version,
    };
    for step in schema::MIGRATIONS.iter().skip(usize::try_from(from).unwrap_or(0)) {
        transaction.execute_batch(step)?;
    }
    if from == 0 {
        transaction.pragma_update(None, "application_id", schema::APPLICATION_ID)?;
        at_birth(&transaction)?;
    }
    if from < schema::VERSION {
        transaction.pragma_update(None, "user_version", schema::VERSION)?;
    }
    Ok(transaction.commit()?)
}
