//! How a ledger comes to be, or is found again.

use std::{
    fs,
    path::{Path, PathBuf},
};

use failstop::{
    core::ledger::{EventKind, OwnerId, body},
    locks::{LockDirectory, OwnerLock},
};
use rusqlite::{Connection, OptionalExtension as _, Transaction, params};

use crate::{
    clock, connection,
    fault::OpenError,
    gate_file::GateFile,
    identity::{beside, refuse_network_filesystem},
    owner::Owner,
    writer::{Head, Saying, Writer, write_first},
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

/// Opens the ledger at `path`, or makes one in an empty or absent file.
pub(crate) fn open_or_make(path: &Path) -> Result<Born, OpenError> {
    refuse_network_filesystem(path)?;
    let errno = |error: std::io::Error| OpenError::NotWritable { errno: error.raw_os_error().unwrap_or(0) };
    let gate_path = beside(path, ".gate");
    if !path.exists() && gate_path.exists() {
        return Err(OpenError::Lost);
    }
    connection::create_private(path).map_err(errno)?;
    let mut connection = Writer::connect(path)?;
    let locks = LockDirectory::open(&beside(path, ".locks")).map_err(|error| OpenError::locks(&error))?;
    let lock = locks.take_ownership().map_err(|error| OpenError::locks(&error))?;
    let owner = Owner::new(lock.id(), locks);
    let mut is_new = false;
    connection::migrate(&mut connection, |transaction| {
        is_new = true;
        make(transaction, &gate_path, owner.id)
    })?;
    name_gate(&gate_path).map_err(errno)?;
    let ledger_id = connection
        .query_row("SELECT id FROM ledger", [], |row| row.get(0))
        .optional()?
        .ok_or(OpenError::Corrupt)?;
    // Left behind by the dead; a failure to clear it away harms nobody.
    let _ = owner.locks.sweep();
    Ok(Born { connection, owner, lock, ledger_id, is_new })
}

/// Makes a ledger in an empty file. Its gate is made under another name first, and has its own once the ledger is
/// durable: so no ledger is ever without a gate, and a gate without a ledger is one whose ledger was lost.
fn make(transaction: &Transaction<'_>, gate_path: &Path, id: OwnerId) -> Result<(), OpenError> {
    if gate_path.exists() {
        return Err(OpenError::Lost);
    }
    let at_ms = clock::unix_ms();
    let ledger_id = id.to_string();
    let unnamed = unnamed(gate_path);
    // Left by a birth that was broken off.
    let _ = fs::remove_file(&unnamed);
    let gate = GateFile::create(&unnamed, &ledger_id, at_ms)?;
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
    Ok(write_first(transaction, state.entries(), at_ms)?)
}

/// Gives the gate of a new ledger its name, also where whoever made it died before he could.
fn name_gate(gate_path: &Path) -> std::io::Result<()> {
    match fs::rename(unnamed(gate_path), gate_path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
        Ok(()) => {
            let directory = gate_path.parent().filter(|parent| !parent.as_os_str().is_empty());
            fs::File::open(directory.unwrap_or(Path::new(".")))?.sync_all()
        }
    }
}

fn unnamed(gate_path: &Path) -> PathBuf {
    beside(gate_path, ".new")
}
