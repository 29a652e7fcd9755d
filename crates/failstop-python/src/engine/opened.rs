//! Which ledgers this process and those it was forked from have opened.
//!
//! SQLite knows in the process's memory which locks it holds, and a fork copies that memory: in a child, it would take the
//! parent's locks for its own. So a child opens no ledger that was opened before the fork.

use std::path::{Path, PathBuf};

use parking_lot::Mutex;

use crate::timers;

static OPENED: Mutex<Vec<(PathBuf, usize)>> = Mutex::new(Vec::new());

/// Notes that a ledger is about to be opened; whether it may be.
pub fn note(path: &Path) -> bool {
    let (path, forks) = (settled(path), timers::forks());
    // Whoever held this when the process was forked is not here to give it back.
    let Some(mut opened) = OPENED.try_lock_for(std::time::Duration::from_secs(1)) else { return false };
    if opened.iter().any(|(known, at)| *known == path && *at != forks) {
        return false;
    }
    if !opened.iter().any(|(known, _)| *known == path) {
        opened.push((path, forks));
    }
    true
}

/// The path by which a file is known, whether it is there already or not.
fn settled(path: &Path) -> PathBuf {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    path.canonicalize().unwrap_or_else(|_| match (parent.canonicalize(), path.file_name()) {
        (Ok(parent), Some(name)) => parent.join(name),
        _ => path.to_owned(),
    })
}
