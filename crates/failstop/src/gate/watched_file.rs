//! A file that means `stop` while it exists.
//!
//! Its absence means `run` only where its directory is still the one that was opened at the start: a directory that was
//! moved away or mounted over would make any file look absent.

use std::{
    ffi::OsString,
    os::fd::OwnedFd,
    path::{Path, PathBuf},
    sync::{Arc, Weak},
    time::Duration,
};

use execution_orchestration_core::stop::{Level, Scope, StopCode, Verdict};
use parking_lot::Mutex;
use rustix::{
    fs::{AtFlags, Mode, OFlags, Stat},
    io::Errno,
};

use super::{Gate, Inner};

/// How often the file is looked at on behalf of work in flight. Starts look for themselves.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// A file whose existence means `stop`.
#[derive(Debug)]
pub struct WatchedFile {
    directory: PathBuf,
    directory_fd: OwnedFd,
    name: OsString,
    /// What the watching thread saw last, so that it stirs only on a change.
    last: Mutex<Verdict>,
}

/// Why a file cannot be watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WatchError {
    /// The path ends in no file name.
    #[error("the gate file's path names no file")]
    NoFileName,
    /// Its directory cannot be opened.
    #[error("the gate file's directory cannot be opened (os error {errno})")]
    DirectoryUnreadable {
        /// The operating system's error number.
        errno: i32,
    },
}

impl WatchedFile {
    /// Starts to watch `path`, which need not exist; its directory must.
    ///
    /// # Errors
    /// Where the path names no file or its directory cannot be opened.
    pub fn open(path: &Path) -> Result<Self, WatchError> {
        let name = path.file_name().ok_or(WatchError::NoFileName)?.to_owned();
        let directory = match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
            _ => PathBuf::from("."),
        };
        let flags = OFlags::DIRECTORY | OFlags::PATH | OFlags::CLOEXEC;
        let directory_fd = rustix::fs::open(&directory, flags, Mode::empty())
            .map_err(|errno| WatchError::DirectoryUnreadable { errno: errno.raw_os_error() })?;
        Ok(Self { directory, directory_fd, name, last: Mutex::new(Verdict::RUN) })
    }

    /// What the file means now.
    pub fn verdict(&self) -> Verdict {
        match rustix::fs::statat(&self.directory_fd, &self.name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(_) => Verdict::new(Level::Stop, StopCode::Stopped, Scope::Global, 0),
            Err(Errno::NOENT) if self.is_same_directory() => Verdict::RUN,
            Err(_) => Verdict::new(Level::Stop, StopCode::Unreadable, Scope::Global, 0),
        }
    }

    fn is_same_directory(&self) -> bool {
        let identity = |stat: Stat| (stat.st_dev, stat.st_ino);
        match (rustix::fs::fstat(&self.directory_fd), rustix::fs::stat(&self.directory)) {
            (Ok(opened), Ok(named)) => identity(opened) == identity(named),
            _ => false,
        }
    }
}

/// Looks at the file on a thread of its own until the gate is gone, so that a stop reaches work in flight even where
/// the runtime is busy.
pub(super) fn keep_watching(gate: &Gate) {
    let watched = Arc::downgrade(&gate.inner);
    let spawned = std::thread::Builder::new().name("failstop-gate".into()).spawn(move || {
        while look(&watched) {
            std::thread::park_timeout(LOOK_EVERY);
        }
    });
    if spawned.is_err() {
        // A stop could not reach what is in flight, so nothing gets in flight.
        gate.engage(
            Scope::Global,
            Level::Stop,
            "the gate file cannot be watched: no thread could be started",
        );
    }
}

fn look(gate: &Weak<Inner>) -> bool {
    let Some(inner) = gate.upgrade() else { return false };
    let gate = Gate { inner };
    if let Some(file) = &gate.inner.watched {
        let verdict = file.verdict();
        let changed = std::mem::replace(&mut *file.last.lock(), verdict) != verdict;
        gate.refresh();
        if changed {
            gate.stir();
        }
    }
    true
}
