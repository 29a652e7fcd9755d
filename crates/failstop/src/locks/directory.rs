//! The directory of the locks: how its files are taken, looked at and removed.

use std::{
    fs::DirBuilder,
    io,
    os::{fd::OwnedFd, unix::fs::DirBuilderExt},
    path::{Path, PathBuf},
    sync::Arc,
};

use rustix::{
    fs::{
        AtFlags, Dir, FlockOperation, Mode, OFlags, Stat, flock, fstat, linkat, open, openat, stat, statat,
        unlinkat,
    },
    io::{Errno, retry_on_intr},
};

use crate::ids;

/// What the name of a file begins with that is not locked yet, or whose maker died before it had its real name.
const UNNAMED: &str = "new-";
pub(super) const OWNER: &str = "owner-";
pub(super) const ATTEMPT: &str = "attempt-";

/// The directory `<ledger path>.locks`. A clone is the same directory.
#[derive(Debug, Clone)]
pub struct LockDirectory {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    path: PathBuf,
    handle: OwnedFd,
}

/// What one look at a lock showed.
pub(super) enum Look {
    /// There is no such file, and the directory is the one that it would be in.
    Gone,
    /// Nobody holds this file, and nobody ever will again.
    Free(OwnedFd),
    /// Somebody holds this file.
    Held(OwnedFd),
}

impl LockDirectory {
    /// Opens the directory, and makes it, with mode 0700, where it is missing.
    ///
    /// # Errors
    /// If it can neither be opened nor made, or is something else than a directory; a symbolic link is.
    pub fn open(path: &Path) -> io::Result<Self> {
        match DirBuilder::new().mode(0o700).create(path) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            Ok(()) | Err(_) => {}
        }
        let handle = open(path, directory_flags() | OFlags::NOFOLLOW, Mode::empty())?;
        Ok(Self { inner: Arc::new(Inner { path: path.to_owned(), handle }) })
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.inner.path
    }

    /// Removes the files of dead owners, of attempts that have ended, and of whoever died while making one; says how
    /// many. What somebody holds stays.
    ///
    /// # Errors
    /// If the directory cannot be read or a file not looked at or removed; those before it are removed.
    pub fn sweep(&self) -> io::Result<usize> {
        let mut swept = 0;
        for entry in Dir::read_from(&self.inner.handle)? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy();
            let is_ours = [UNNAMED, OWNER, ATTEMPT].iter().any(|prefix| name.starts_with(prefix));
            if is_ours && self.remove_if_free(&name)? {
                swept += 1;
            }
        }
        Ok(swept)
    }

    /// What follows `prefix` in the names that begin with it, in no order. A name that is taken or removed meanwhile may
    /// or may not be among them.
    pub(super) fn names(&self, prefix: &str) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in Dir::read_from(&self.inner.handle)? {
            let entry = entry?;
            names.extend(entry.file_name().to_string_lossy().strip_prefix(prefix).map(str::to_owned));
        }
        Ok(names)
    }

    /// A new file of this name, held by whoever has the descriptor or inherits it.
    ///
    /// # Errors
    /// `AlreadyExists` if the name is in use, by the living or by the dead.
    pub(super) fn take(&self, name: &str) -> io::Result<OwnedFd> {
        loop {
            let unnamed = format!("{UNNAMED}{:032x}", ids::random_bits());
            if let Some(held) = self.take_as(&unnamed, name)? {
                return Ok(held);
            }
        }
    }

    /// `None` if a sweep came between the making of the file and its lock.
    fn take_as(&self, unnamed: &str, name: &str) -> io::Result<Option<OwnedFd>> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        let held = openat(&self.inner.handle, unnamed, flags, Mode::RUSR | Mode::WUSR)?;
        match flock(&held, FlockOperation::NonBlockingLockExclusive) {
            Err(Errno::WOULDBLOCK) => return Ok(None),
            result => result?,
        }
        let linked = linkat(&self.inner.handle, unnamed, &self.inner.handle, name, AtFlags::empty());
        // If this name stays, a sweep finds it when the lock is free.
        let _ = self.remove(unnamed);
        match linked {
            Ok(()) => Ok(Some(held)),
            Err(Errno::NOENT) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Looks whether somebody holds the lock of this name.
    ///
    /// # Errors
    /// If that cannot be told; then nobody may take its holder for dead.
    pub(super) fn look(&self, name: &str) -> io::Result<Look> {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK;
        let file = match openat(&self.inner.handle, name, flags, Mode::empty()) {
            Err(Errno::NOENT) => return self.ensure_in_place().map(|()| Look::Gone),
            result => result?,
        };
        match flock(&file, FlockOperation::NonBlockingLockShared) {
            Ok(()) => Ok(Look::Free(file)),
            Err(Errno::WOULDBLOCK) => Ok(Look::Held(file)),
            Err(error) => Err(error.into()),
        }
    }

    /// Removes the name if nobody holds its lock; says whether it did.
    pub(super) fn remove_if_free(&self, name: &str) -> io::Result<bool> {
        // A description of its own, because a lock taken through the common one would keep out no thread of this process.
        let turn = openat(&self.inner.handle, ".", directory_flags(), Mode::empty())?;
        retry_on_intr(|| flock(&turn, FlockOperation::LockExclusive))?;
        match self.look(name)? {
            // Its holder may have removed it, and another file have come in its place, before it was free.
            Look::Free(file) if self.is_named(&file, name)? => self.remove(name).map(|()| true),
            Look::Free(_) | Look::Gone | Look::Held(_) => Ok(false),
        }
    }

    fn is_named(&self, file: &OwnedFd, name: &str) -> io::Result<bool> {
        match statat(&self.inner.handle, name, AtFlags::SYMLINK_NOFOLLOW) {
            Err(Errno::NOENT) => Ok(false),
            named => Ok(is_same(&named?, &fstat(file)?)),
        }
    }

    /// Removes a name that the caller holds the lock of, or has found free in its turn.
    pub(super) fn remove(&self, name: &str) -> io::Result<()> {
        Ok(unlinkat(&self.inner.handle, name, AtFlags::empty())?)
    }

    /// Only in the directory that others look into does a missing file mean anything.
    pub(super) fn ensure_in_place(&self) -> io::Result<()> {
        let (opened, named) = (fstat(&self.inner.handle)?, stat(&self.inner.path)?);
        if is_same(&opened, &named) {
            Ok(())
        } else {
            Err(io::Error::other("the directory of the locks is not the one that was opened"))
        }
    }
}

fn directory_flags() -> OFlags {
    OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC
}

fn is_same(one: &Stat, other: &Stat) -> bool {
    (one.st_dev, one.st_ino) == (other.st_dev, other.st_ino)
}
