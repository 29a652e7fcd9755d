//! Making a gate file: whole and durable under another name, then linked, so that nobody ever sees a part of it.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, ErrorKind, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
};

use super::GateFileError;

/// Only the owner may read the gate, and only the owner may stop by it.
const OWNER_ONLY: u32 = 0o600;

/// How many left-over names of dead processes are stepped over.
const NAME_TRIES: u32 = 1_000;

/// Distinguishes the names that threads of one process use.
static NAMES: AtomicU64 = AtomicU64::new(0);

/// Puts a file with `content` at `path` unless there is one. Never replaces anything.
pub(super) fn if_absent(path: &Path, content: &[u8]) -> Result<(), GateFileError> {
    if path.file_name().is_none() {
        return Err(GateFileError::NoFileName);
    }
    if fs::symlink_metadata(path).is_ok() {
        return Ok(());
    }
    link_whole(path, content)
        .map_err(|error| GateFileError::NotCreated { errno: error.raw_os_error().unwrap_or(0) })
}

fn link_whole(path: &Path, content: &[u8]) -> io::Result<()> {
    let (mut file, name) = temporary(path)?;
    let written = file.write_all(content).and_then(|()| file.sync_all());
    let linked = written.and_then(|()| match fs::hard_link(&name, path) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        result => result,
    });
    fs::remove_file(&name)?;
    linked?;
    File::open(directory(path))?.sync_all()
}

fn temporary(path: &Path) -> io::Result<(File, PathBuf)> {
    let mut last = io::Error::from(ErrorKind::AlreadyExists);
    for _ in 0..NAME_TRIES {
        let mut name = path.as_os_str().to_owned();
        name.push(format!(".new-{}-{}", std::process::id(), NAMES.fetch_add(1, Ordering::Relaxed)));
        match OpenOptions::new().write(true).create_new(true).mode(OWNER_ONLY).open(&name) {
            Ok(file) => return Ok((file, name.into())),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => last = error,
            Err(error) => return Err(error),
        }
    }
    Err(last)
}

fn directory(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}
