//! Locks that say who still lives: files in one directory beside the ledger, held by flock.
//!
//! An owner (a process that works on a ledger) holds one for its life; an attempt that may outlive its owner has one
//! that its program inherits, and hands on to all its descendants. The system lets go of a lock when the last of its
//! holders has died, however it died. So **dead means that the lock can be taken**: no process number, clock or lease
//! decides, and an error is never an answer.
//!
//! **How looking, taking and removing keep out of each other's way.**
//! - A file is locked before it gets its name. So one that was found free under its name is dead for good.
//! - To look is to try a shared lock: two who look do not mistake each other for a holder, and nobody who takes a lock
//!   ever meets one who looks.
//! - A name is removed by the holder of its lock, or, under the lock of the directory, by one who has found it free and
//!   still in its place. A name in use is never given to another file. So what is removed is what was found free.
//!
//! The directory must be on a local filesystem. A name that is missing counts as dead, as long as the directory itself
//! is still the one that was opened. Nobody else may remove files from it: a holder whose file is gone looks dead.

mod attempt;
mod directory;
#[cfg(target_os = "linux")]
mod holders;
mod owner;

pub use attempt::{AttemptLock, AttemptState, HandedOver, ProcessGroup};
pub use directory::LockDirectory;
pub use owner::{OwnerId, OwnerLock};
