//! `failstop run`: lines in, executions, reports out. Read [`Runner`] first: one loop that owns everything.
//!
//! A thread reads, a thread writes, and this loop never waits for either, so that timers, the gate and signals are
//! always served. An execution that is done at its first poll costs no task.

mod executions;
pub mod intake;
mod order;
mod runner;
mod signals;
mod sink;
mod tally;
pub mod telling;

pub use runner::{RunOptions, Runner, execute};
