//! The shared gate of a ledger: one small file beside it that every process reads before a start.
//!
//! The file is written once, in full, and from then on only overwritten in place: a stop needs no free disk space and
//! never queues behind the ledger's writers. `cat` shows it. The layout: one header line, then one
//! line a scope, each [`LINE_BYTES`] long, each a JSON object padded with spaces, each with a checksum of its own.
//!
//! **How a start is ordered against a stop.** A start takes a shared lock on *the byte whose offset is the gate's
//! epoch*, then reads the gate again; if the epoch is still the same it holds, else it moves on to the new one
//! ([`GateFile::hold_shared`]). A stop writes its latch, which makes a higher epoch, and then takes the exclusive lock
//! on all bytes *below* that epoch, once ([`GateFile::settle`]). Whoever read the old state is in its way; whoever
//! comes later locks another byte and is not, so that a stream of starts of other actions can never delay the
//! acknowledgement. Neither a start nor a latch ever waits for the other.
//!
//! The locks are byte-range locks of open file descriptions: plain `flock` covers a whole file and has no ranges, and
//! POSIX record locks belong to a process, so that they neither exclude its own threads nor survive an unrelated close.

mod create;
mod fault;
mod layout;
mod locks;
mod state;

use std::{
    fs::{File, OpenOptions},
    os::unix::fs::{FileExt as _, MetadataExt as _},
    path::{Path, PathBuf},
    time::Duration,
};

use failstop::core::stop::{GateEntry, Level, Scope};
pub use fault::{GateFault, GateFileError, ReleaseRefused};
use layout::Slots;
pub use layout::{FILE_BYTES, LINE_BYTES};
use parking_lot::Mutex;
pub(crate) use state::Recorded;
pub use state::{GateState, SCOPES};

/// How long a change waits for another process that is changing the gate. That one holds its lock for a read, a write
/// and a flush, so a wait this long means that it is suspended.
const WRITER_PATIENCE: Duration = Duration::from_secs(2);

/// How often a read is repeated that met a slot in the middle of its being overwritten.
const READ_TRIES: usize = 4;

/// How often a start follows a gate that changes under its hands before it gives up.
const HOLD_TRIES: usize = 32;

/// How far an epoch leaps where a slot is unreadable. What stood there may have been higher than all that is readable;
/// no gate has changed this often unnoticed.
const EPOCH_LEAP: u64 = 1_000_000;

/// An open gate file. All calls are blocking, and short but for [`GateFile::settle`].
#[derive(Debug)]
pub struct GateFile {
    path: PathBuf,
    ledger_id: String,
    file: File,
    identity: Identity,
    /// The bytes that were last read in full, and what they mean.
    known: Mutex<Option<(Vec<u8>, GateState)>>,
    /// Orders the writers of this process; a lock of the description orders those of all.
    writing: Mutex<()>,
}

/// Which file this is, whatever its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Identity {
    device: u64,
    inode: u64,
}

/// What [`GateFile::engage`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Engaged {
    /// The epoch of the scope's last change.
    pub epoch: u64,
    /// Whether this call changed the level. `false` where the scope was at the level or above.
    pub changed: bool,
}

/// A release that is allowed and has not taken effect: record it, then hand it to [`GateFile::release`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PendingRelease {
    /// What is to be released.
    pub scope: Scope,
    /// Its level until then.
    pub level: Level,
    /// The epoch that the release will have, if it takes effect.
    pub epoch: u64,
    gate_epoch: u64,
}

/// The right to start what [`SharedHold::state`] allows, until it is dropped. Keep it over the commit of the STARTED
/// records and until their attempts have been let go, and not longer: an acknowledgement of a stop waits for it.
#[derive(Debug)]
pub struct SharedHold {
    state: GateState,
    /// The lock belongs to this description and ends with it.
    _description: File,
}

impl SharedHold {
    /// The gate as it stands for as long as this is held. A stop may be latched meanwhile; it is not acknowledged.
    pub fn state(&self) -> &GateState {
        &self.state
    }
}

impl GateFile {
    /// Makes the gate of a new ledger at `path`, all scopes at `run` with epoch 1, and opens it. A file that is there
    /// already is kept as it is and opened. `ledger_id`: 1 to 64 of ASCII letters, digits, `-`, `_`, `.`, `:`.
    ///
    /// # Errors
    /// Where the id is none, the file cannot be made, or the one that is there is not this ledger's gate.
    pub fn create(path: &Path, ledger_id: &str, at_ms: i64) -> Result<Self, GateFileError> {
        if !layout::is_ledger_id(ledger_id) {
            return Err(GateFileError::LedgerIdInvalid);
        }
        create::if_absent(path, &layout::fresh_file(ledger_id, at_ms))?;
        Self::open(path, ledger_id)
    }

    /// Opens the gate at `path`. An unreadable slot is no error here, so that it can be repaired by a stop.
    ///
    /// # Errors
    /// Where there is no file or it is not, as a whole, the gate of the ledger `ledger_id`.
    pub fn open(path: &Path, ledger_id: &str) -> Result<Self, GateFileError> {
        let path = std::path::absolute(path).map_err(|error| GateFault::from(&error))?;
        let file = open_description(&path)?;
        let identity = Identity::of(&file)?;
        let gate = Self {
            path,
            ledger_id: ledger_id.to_owned(),
            file,
            identity,
            known: Mutex::default(),
            writing: Mutex::default(),
        };
        gate.read_slots(&gate.file)?;
        Ok(gate)
    }

    /// Whose gate is at `path`; `None` where there is no file.
    ///
    /// # Errors
    /// Where it cannot be read, or is no gate that this version knows.
    pub fn ledger_id_at(path: &Path) -> Result<Option<String>, GateFault> {
        match std::fs::read(path) {
            Ok(bytes) => layout::ledger_id(&bytes).map(Some),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Where the file is, as an absolute path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The gate now.
    ///
    /// # Errors
    /// Where it cannot be read in full, or the path names another file or none. All mean `stop`.
    pub fn read(&self) -> Result<GateState, GateFault> {
        self.check_identity()?;
        self.read_state(&self.file)
    }

    /// Reads the gate and bars the acknowledgement of every later change until the hold is dropped. Never waits.
    ///
    /// # Errors
    /// As [`GateFile::read`]; also where no descriptor is left, or the gate changes faster than it can be followed.
    /// All mean `stop`.
    pub fn hold_shared(&self) -> Result<SharedHold, GateFault> {
        // A description of its own, opened by name: locks are a description's, and the name must still lead here.
        let description = open_description(&self.path)?;
        if Identity::of(&description)? != self.identity {
            return Err(GateFault::Replaced);
        }
        let mut seen = self.read_state(&description)?.epoch();
        for _ in 0..HOLD_TRIES {
            let byte = locks::byte(seen);
            // Refused only while somebody settles a later epoch.
            let is_locked = locks::try_shared(&description, &byte)?;
            let state = self.read_state(&description)?;
            // Read under the lock, so it is safe even where the gate moved on; but then this would be in the way of a
            // stop that it has read.
            if is_locked && state.epoch() == seen {
                return Ok(SharedHold { state, _description: description });
            }
            locks::unlock(&description, &byte)?;
            seen = state.epoch();
        }
        Err(GateFault::Busy)
    }

    /// Raises `scope` to at least `level`, durably; a latch is never lowered by this. A slot that cannot be read is
    /// overwritten. Waits for no start; call [`GateFile::settle`] before the stop is acknowledged. A scope that cannot
    /// be latched stops everything rather than nothing. A long `reason` is cut.
    ///
    /// # Errors
    /// Where the file is gone or not writable, where its header or length is wrong, or where another writer is
    /// suspended. The gate may or may not be latched then; call again.
    pub fn engage(&self, scope: Scope, level: Level, reason: &str, at_ms: i64) -> Result<Engaged, GateFault> {
        let (at, scope) = state::index(scope).map_or((0, Scope::Global), |at| (at, scope));
        self.change(|slots| {
            let present = slots.entries[at].as_ref();
            if let Some(entry) = present.filter(|entry| entry.level >= level) {
                // Written again as it is: whoever wrote it may have died before it was durable.
                self.write(at, entry)?;
                return Ok(Engaged { epoch: entry.epoch, changed: false });
            }
            let epoch = next_epoch(slots);
            self.write(at, &GateEntry { scope, level, epoch, reason: reason.to_owned(), at_ms })?;
            Ok(Engaged { epoch, changed: true })
        })
    }

    /// Brings every scope that has gone back behind what is recorded of it to the higher level of both, durably, at an epoch
    /// that was never used: an older copy of the file was put back, and what was engaged since must not be lost.
    pub(crate) fn rejoin(&self, recorded: &[Recorded], at_ms: i64) -> Result<(), GateFault> {
        const REASON: &str = "an older copy of the gate file was put back";
        self.change(|slots| {
            let last = recorded.iter().map(|recorded| recorded.epoch).max().unwrap_or(0);
            let mut epoch = next_epoch(slots).max(last + 1);
            for recorded in recorded {
                let Some(at) = state::index(recorded.scope) else { continue };
                let entry = slots.entries[at].as_ref().filter(|entry| recorded.is_ahead_of(entry));
                let Some(entry) = entry else { continue };
                let level = entry.level.max(recorded.level);
                self.write(
                    at,
                    &GateEntry { scope: entry.scope, level, epoch, reason: REASON.to_owned(), at_ms },
                )?;
                epoch += 1;
            }
            Ok(())
        })
    }

    /// Waits until no start that read an earlier state can still be under way: `true`, and a stop that was engaged
    /// before is in force and may be acknowledged; or until `bound` has passed: `false`, somebody does not yield.
    /// Starts that read the present state are not waited for. Waits for [`SharedHold`]s of this process too.
    ///
    /// # Errors
    /// Where the path names another file or none, or locks are not to be had.
    pub fn settle(&self, bound: Duration) -> Result<bool, GateFault> {
        self.check_identity()?;
        // Nothing starts at a gate that cannot be read, so there every hold is an old one.
        let old = self.read_state(&self.file).map_or(locks::every_epoch(), |now| locks::below(now.epoch()));
        let is_settled = locks::exclusive_within(&self.file, &old, bound)?;
        if is_settled {
            locks::unlock(&self.file, &old)?;
        }
        Ok(is_settled)
    }

    /// Looks whether `scope` may be released: the first of two steps, because a release is recorded between them,
    /// before it takes effect.
    ///
    /// # Errors
    /// Where `expected_epoch` is not that of the scope's last change, the scope is at `run` or no latch, or the gate
    /// cannot be read in full.
    pub fn prepare_release(
        &self,
        scope: Scope,
        expected_epoch: u64,
    ) -> Result<PendingRelease, ReleaseRefused> {
        let at = state::index(scope).ok_or(ReleaseRefused::NotLatched { scope })?;
        let gate = self.read()?;
        let entry = &gate.entries()[at];
        if entry.epoch != expected_epoch {
            return Err(ReleaseRefused::EpochMismatch { expected: expected_epoch, actual: entry.epoch });
        }
        if entry.level == Level::Run {
            return Err(ReleaseRefused::NotEngaged { scope });
        }
        let gate_epoch = gate.epoch();
        Ok(PendingRelease { scope, level: entry.level, epoch: gate_epoch + 1, gate_epoch })
    }

    /// Lowers the scope to `run`, durably, and returns the new epoch, which is the one that `pending` foretold.
    ///
    /// # Errors
    /// Where no reason is given, where anything of the gate changed since it was prepared (then nothing is released
    /// and the record stands for an attempt that failed), or where the gate cannot be read in full or written.
    pub fn release(&self, pending: &PendingRelease, reason: &str, at_ms: i64) -> Result<u64, ReleaseRefused> {
        if reason.trim().is_empty() {
            return Err(ReleaseRefused::ReasonMissing);
        }
        let PendingRelease { scope, epoch, gate_epoch, .. } = *pending;
        let at = state::index(scope).ok_or(ReleaseRefused::NotLatched { scope })?;
        self.change(|slots| {
            let actual = slots.complete()?.epoch();
            if actual != gate_epoch {
                return Err(ReleaseRefused::Overtaken { prepared_at: gate_epoch, actual });
            }
            let entry = GateEntry { scope, level: Level::Run, epoch, reason: reason.to_owned(), at_ms };
            self.write(at, &entry)?;
            Ok(epoch)
        })
    }

    /// Runs `change` on the slots as they are, with no other writer anywhere.
    fn change<T, E: From<GateFault>>(&self, change: impl FnOnce(&Slots) -> Result<T, E>) -> Result<T, E> {
        let _in_process = self.writing.lock();
        self.check_identity()?;
        let writer = locks::writer();
        if !locks::exclusive_within(&self.file, &writer, WRITER_PATIENCE)? {
            return Err(GateFault::Busy.into());
        }
        let result = self.read_slots(&self.file).map_err(E::from).and_then(|slots| change(&slots));
        locks::unlock(&self.file, &writer)?;
        result
    }

    fn write(&self, at: usize, entry: &GateEntry) -> Result<(), GateFault> {
        self.file.write_all_at(&layout::slot(entry), layout::slot_offset(at))?;
        Ok(self.file.sync_data()?)
    }

    fn read_state(&self, description: &File) -> Result<GateState, GateFault> {
        let mut last = GateFault::Busy;
        for _ in 0..READ_TRIES {
            let bytes = read_bytes(description)?;
            if let Some(state) = self.known_state(&bytes) {
                return Ok(state);
            }
            match layout::parse(&bytes, &self.ledger_id)?.complete() {
                Ok(state) => {
                    *self.known.lock() = Some((bytes, state.clone()));
                    return Ok(state);
                }
                Err(fault) => last = fault,
            }
        }
        Err(last)
    }

    /// What the file meant when it last had these very bytes: mostly nothing has changed since the last start.
    fn known_state(&self, bytes: &[u8]) -> Option<GateState> {
        self.known.lock().as_ref().filter(|(known, _)| known == bytes).map(|(_, state)| state.clone())
    }

    fn read_slots(&self, description: &File) -> Result<Slots, GateFault> {
        layout::parse(&read_bytes(description)?, &self.ledger_id)
    }

    fn check_identity(&self) -> Result<(), GateFault> {
        let named = std::fs::metadata(&self.path)?;
        let is_same = Identity { device: named.dev(), inode: named.ino() } == self.identity;
        if is_same { Ok(()) } else { Err(GateFault::Replaced) }
    }
}

/// The whole file and, if there is more, one byte of it.
fn read_bytes(description: &File) -> Result<Vec<u8>, GateFault> {
    let mut bytes = vec![0; FILE_BYTES + 1];
    let mut filled = 0;
    // One read, unless a signal or the end of the file cuts it short.
    while filled < bytes.len() {
        match description.read_at(&mut bytes[filled..], filled as u64) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
    }
    bytes.truncate(filled);
    Ok(bytes)
}

impl Identity {
    fn of(file: &File) -> Result<Self, GateFault> {
        let metadata = file.metadata()?;
        Ok(Self { device: metadata.dev(), inode: metadata.ino() })
    }
}

fn open_description(path: &Path) -> Result<File, GateFault> {
    Ok(OpenOptions::new().read(true).write(true).open(path)?)
}

fn next_epoch(slots: &Slots) -> u64 {
    let readable = slots.entries.iter().flatten().map(|entry| entry.epoch).max().unwrap_or(0);
    let is_complete = slots.entries.iter().all(Option::is_some);
    readable + if is_complete { 1 } else { EPOCH_LEAP }
}
