//! Whether the path still names the files that were opened. SQLite would go on writing to a file that was moved,
//! deleted or replaced, and nobody would ever read it again.

use std::{
    ffi::OsString,
    fs, io,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use rustix::fs::statfs;

use crate::fault::OpenError;

/// `statfs(2)` types on which locks or shared memory do not work across machines: NFS, SMB, SMB2, CIFS, 9P, Ceph, AFS,
/// Coda, Lustre, GPFS, FUSE.
const NETWORK_FILESYSTEMS: [u64; 11] = [
    0x6969,
    0x517b,
    0xfe53_4d42,
    0xff53_4d42,
    0x0102_1997,
    0x00c3_6400,
    0x5346_414f,
    0x7375_7245,
    0x0bd0_0bd0,
    0x4750_4653,
    0x6573_5546,
];

/// `path` with `suffix` behind its whole name.
pub(crate) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    name.into()
}

/// Refuses a directory whose filesystem is shared over a network.
pub(crate) fn refuse_network_filesystem(path: &Path) -> Result<(), OpenError> {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let found = statfs(directory).map_err(|errno| OpenError::NotWritable { errno: errno.raw_os_error() })?;
    let kind = u64::try_from(found.f_type).unwrap_or_default() & 0xffff_ffff;
    if NETWORK_FILESYSTEMS.contains(&kind) { Err(OpenError::NetworkFilesystem) } else { Ok(()) }
}

/// Which files a ledger's are.
#[derive(Debug)]
pub(crate) struct Identity {
    opened: [(PathBuf, Inode); 3],
    database: Written,
}

type Inode = (u64, u64);

/// When a file was last written (seconds, nanoseconds), and its size.
type Written = (i64, i64, u64);

impl Identity {
    /// The files as they are now, all of which must be there: the database, and what SQLite keeps beside it for as long
    /// as it is open.
    pub(crate) fn of(path: &Path) -> io::Result<Self> {
        let named = |path: PathBuf| fs::metadata(&path).map(|found| (path, inode(&found)));
        Ok(Self {
            opened: [named(path.to_owned())?, named(beside(path, "-wal"))?, named(beside(path, "-shm"))?],
            database: written(&fs::metadata(path)?),
        })
    }

    /// Whether the paths still name them.
    pub(crate) fn is_unchanged(&self) -> bool {
        self.opened.iter().all(|(path, opened)| fs::metadata(path).is_ok_and(|now| inode(&now) == *opened))
    }

    /// Whether the database was written since this was last asked: by a checkpoint, or by somebody who put other content
    /// into the same file, which SQLite would not notice in the pages that it remembers.
    pub(crate) fn was_written(&mut self) -> bool {
        let Ok(now) = fs::metadata(&self.opened[0].0) else { return true };
        std::mem::replace(&mut self.database, written(&now)) != written(&now)
    }
}

fn inode(found: &fs::Metadata) -> Inode {
    (found.dev(), found.ino())
}

fn written(found: &fs::Metadata) -> Written {
    (found.mtime(), found.mtime_nsec(), found.size())
}
