//! How a ledger comes to be, or is found again.

use std::path::Path;

use failstop::{
    core::ledger::{EventKind, OwnerId, body},
    locks::{LockDirectory, OwnerLock},
};
use rusqlite::{Connection, OptionalExtension as _, Transaction, params};

use crate::{
    clock, connection,
    fault::OpenError,
    gate_file::{GateFile, GateState},
    identity::{beside, refuse_network_filesystem},
    owner::Owner,
    writer::{Broken, Head, Saying, Writer, write_first},
};

/// An opened ledger.
pub(crate) struct Born {
    pub(crate) connection: Connection,
    pub(crate) owner: Owner,
    /// Shows every process that this owner lives.
    pub(crate) lock: OwnerLock,
    pub(crate) ledger_id: String,
    pub(crate) is_new: bool,
}

/// Opens the ledger at `path`, or makes one in an empty or absent file. A new one has its gate before it has its
/// tables, so that no ledger is ever without.
pub(crate) fn open_or_make(path: &Path) -> Result<Born, OpenError> {
    refuse_network_filesystem(path)?;
    let errno = |error: std::io::Error| OpenError::NotWritable { errno: error.raw_os_error().unwrap_or(0) };
    connection::create_private(path).map_err(errno)?;
    let mut connection = Writer::connect(path)?;
    let locks = LockDirectory::open(&beside(path, ".locks")).map_err(|error| OpenError::locks(&error))?;
    let lock = locks.take_ownership().map_err(|error| OpenError::locks(&error))?;
    let owner = Owner::new(lock.id(), locks);
    let gate_path = beside(path, ".gate");
    let mut is_new = false;
    connection::migrate(&mut connection, |transaction| {
        is_new = true;
        make(transaction, &gate_path, owner.id)
    })?;
    let ledger_id = connection
        .query_row("SELECT id FROM ledger", [], |row| row.get(0))
        .optional()?
        .ok_or(OpenError::Corrupt)?;
    // Left behind by the dead; a failure to clear it away harms nobody.
    let _ = owner.locks.sweep();
    Ok(Born { connection, owner, lock, ledger_id, is_new })
}

/// A gate that outlived its ledger stays as it is: a stop is never undone by deleting files.
fn make(transaction: &Transaction<'_>, gate_path: &Path, id: OwnerId) -> Result<(), OpenError> {
    let at_ms = clock::unix_ms();
    let ledger_id = GateFile::ledger_id_at(gate_path)
        .map_err(|fault| OpenError::Gate(fault.into()))?
        .unwrap_or_else(|| id.to_string());
    let gate = GateFile::create(gate_path, &ledger_id, at_ms)?;
    transaction
        .execute("INSERT INTO ledger (id, created_at_ms) VALUES (?1, ?2)", params![ledger_id, at_ms])?;
    let created = Saying {
        kind: EventKind::Created,
        key: None,
        fence: None,
        gate_epoch: None,
        body: body::created(&ledger_id),
    };
    let mut head = Head::EMPTY;
    head.append(transaction, at_ms, created)?;
    let state = gate.read().map_err(|fault| OpenError::Gate(fault.into()))?;
    write_first(transaction, state.entries(), at_ms)?;
    record_inherited(transaction, &mut head, &state, at_ms)
}

fn record_inherited(
    transaction: &Transaction<'_>,
    head: &mut Head,
    state: &GateState,
    at_ms: i64,
) -> Result<(), OpenError> {
    crate::writer::record_gate(transaction, head, at_ms, state, 1).map_err(|broken| match broken {
        Broken::Sqlite(error) => error.into(),
        Broken::Unreadable => OpenError::Corrupt,
    })
}
