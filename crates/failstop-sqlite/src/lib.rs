//! The embedded ledger: one SQLite file, and beside it the gate and the locks of living owners.
//!
//! [`SqliteLedger`] is what an engine writes to; `view` looks at a ledger without taking part in it, and `audit`
//! proves what stands in it. Read `schema.rs` first, then `writer/`: one thread, one transaction for all that came in
//! while the last was being flushed.
//!
//! Files, for a ledger at `failstop.db`: the database and SQLite's own `-wal` and `-shm`; `failstop.db.gate`, the shared
//! gate; `failstop.db.locks/`, one file for each living owner and for each attempt that may outlive its owner.
#![forbid(unsafe_code)]

pub mod audit;
mod birth;
mod clock;
mod connection;
mod fault;
pub mod gate_file;
mod housekeeping;
mod identity;
mod ledger;
mod owner;
mod reader;
mod rows;
mod schema;
pub mod stop;
mod tuning;
pub mod view;
mod watch;
mod writer;

pub use fault::{OpenError, ResolveError};
pub use ledger::{Options, Resolver, SqliteLedger};
#[doc(hidden)]
pub use tuning::Tuning;
