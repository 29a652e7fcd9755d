//! Kills, tears and starves ledgers at every write, and counts effects.
//!
//! A [`victim`] is a process that executes decisions on a ledger and leaves its effects at a [`target`] that outlives
//! it. A round of the [`matrix`] strikes one or more of its lives (at a write of the ledger, by [`vfs`]; at a [`strike`]
//! point of an executor; from outside), lets a last one end, and then has a checker compare what was reported, what the
//! ledger holds and what really happened. Read `matrix/round.rs` first, then `matrix/checker.rs`.

pub mod decision;
pub mod dice;
pub mod matrix;
pub mod strike;
pub mod target;
pub mod vfs;
pub mod victim;
