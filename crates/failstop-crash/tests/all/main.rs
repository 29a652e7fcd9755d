//! What the faults do, and what ledgers make of them.
#![allow(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod clock;
mod disk;
mod lost_end;
mod lost_file;
mod matrix;
mod not_writable;
mod orphan;
mod stop_under_faults;
mod two_processes;
mod vfs;
