//! The one place through which every counted operation of the process passes, one after the other.

use std::ffi::c_int;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use libsqlite3_sys::SQLITE_OK;
use parking_lot::{Mutex, MutexGuard};

use super::blow::{Blow, Kind};
use super::plan::FaultPlan;
use super::power_loss::{Change, Unsynced, whole_sectors};
use super::real_file::RealFile;
use crate::strike::die;

/// A database, WAL or journal, as an operation meets it.
#[derive(Clone, Copy)]
pub(super) struct CountedFile<'a> {
    pub path: &'a Path,
    pub real: RealFile<'a>,
}

/// One operation that is a point.
#[derive(Clone, Copy)]
pub(super) enum Operation<'a> {
    Write { file: CountedFile<'a>, bytes: &'a [u8], offset: u64 },
    Truncate { file: CountedFile<'a>, size: u64 },
    Sync { file: CountedFile<'a>, flags: c_int },
    Delete { path: &'a Path, delete: &'a dyn Fn() -> c_int },
}

/// Points, plan and unsynced changes of the process.
pub(super) struct Control {
    state: Mutex<State>,
    hanging: AtomicU64,
}

struct State {
    plan: FaultPlan,
    points: u64,
    unsynced: Unsynced,
}

impl Control {
    pub fn new(plan: FaultPlan) -> Self {
        let state = State { plan, points: 0, unsynced: Unsynced::default() };
        Self { state: Mutex::new(state), hanging: AtomicU64::new(0) }
    }

    pub fn points(&self) -> u64 {
        self.state.lock().points
    }

    pub fn hanging(&self) -> u64 {
        self.hanging.load(Ordering::SeqCst)
    }

    /// Puts another plan in force, and takes all that was written so far for durable.
    pub fn arm(&self, plan: FaultPlan) {
        let mut state = self.state.lock();
        state.plan = plan;
        state.unsynced = Unsynced::default();
    }

    /// Counts the operation and carries it out, unless the plan strikes. Answers with SQLite's code.
    pub fn carry_out(&self, operation: Operation<'_>) -> c_int {
        let mut state = self.state.lock();
        state.points += 1;
        match state.plan.blow(state.points, operation.kind()) {
            None => self.perform(state, operation),
            Some(Blow::Refuse(code)) => code,
            Some(Blow::Hang) => {
                drop(state);
                self.hang()
            }
            Some(Blow::Kill) => die(),
            Some(Blow::KillAfter) => {
                self.perform(state, operation);
                die()
            }
            Some(Blow::Tear { whole_sectors }) => {
                operation.tear(whole_sectors);
                die()
            }
            Some(Blow::PowerLoss { seed }) => {
                state.write_unsynced(operation);
                state.unsynced.lose(seed, state.points);
                die()
            }
        }
    }

    /// Only a sync is carried out without the lock: it may take long, and nobody has to wait for it.
    fn perform(&self, mut state: MutexGuard<'_, State>, operation: Operation<'_>) -> c_int {
        let point = state.points;
        match operation {
            Operation::Write { .. } | Operation::Truncate { .. } => state.write_unsynced(operation),
            Operation::Sync { file, flags } => {
                drop(state);
                self.sync(point, file, flags)
            }
            Operation::Delete { path, delete } => {
                let code = delete();
                if code == SQLITE_OK {
                    state.unsynced.forget(path);
                }
                code
            }
        }
    }

    fn sync(&self, point: u64, file: CountedFile<'_>, flags: c_int) -> c_int {
        let code = file.real.sync(flags);
        if code == SQLITE_OK {
            self.state.lock().unsynced.settle(file.path, point);
        }
        code
    }

    fn hang(&self) -> ! {
        self.hanging.fetch_add(1, Ordering::SeqCst);
        loop {
            std::thread::park();
        }
    }
}

impl State {
    /// Carries out a write or a truncation and remembers what it replaces, if the plan may want it back.
    fn write_unsynced(&mut self, operation: Operation<'_>) -> c_int {
        if self.plan.has_power_loss()
            && let Err(code) = self.note(operation)
        {
            return code;
        }
        match operation {
            Operation::Write { file, bytes, offset } => file.real.write(bytes, offset),
            Operation::Truncate { file, size } => file.real.truncate(size),
            Operation::Sync { .. } | Operation::Delete { .. } => SQLITE_OK,
        }
    }

    fn note(&mut self, operation: Operation<'_>) -> Result<(), c_int> {
        let (file, offset, new) = match operation {
            Operation::Write { file, bytes, offset } => (file, offset, Some(bytes.to_vec())),
            Operation::Truncate { file, size } => (file, size, None),
            Operation::Sync { .. } | Operation::Delete { .. } => return Ok(()),
        };
        let old_size = file.real.size()?;
        let end = new.as_ref().map_or(old_size, |new| offset + new.len() as u64);
        let old = file.real.read(offset..end.min(old_size))?;
        self.unsynced.note(file.path, Change { point: self.points, old_size, offset, old, new });
        Ok(())
    }
}

impl Operation<'_> {
    fn kind(&self) -> Kind {
        match self {
            Self::Write { .. } => Kind::Write,
            Self::Truncate { .. } => Kind::Truncate,
            Self::Sync { .. } => Kind::Sync,
            Self::Delete { .. } => Kind::Delete,
        }
    }

    fn tear(&self, sectors_only: bool) {
        if let Self::Write { file, bytes, offset } = *self {
            let half = bytes.len() / 2;
            let kept = if sectors_only { whole_sectors(offset, half) } else { half };
            file.real.write(&bytes[..kept], offset);
        }
    }
}
