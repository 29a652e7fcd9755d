//! The embedded ledger: one SQLite file, and beside it the gate and the locks of living owners.
#![forbid(unsafe_code)]

pub mod gate_file;
