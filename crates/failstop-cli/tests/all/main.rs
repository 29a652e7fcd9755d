//! The command line, run as its users run it.
#![allow(clippy::unwrap_used)] // outside of test functions too, a test that cannot go on has failed

mod audit;
mod bad_lines;
mod configuration;
mod explain;
mod gate;
mod help;
mod in_doubt;
mod ledger;
mod order;
mod plan;
mod probe;
mod proposals;
mod reading;
mod redact;
mod secrets;
mod shop;
mod signals;
mod stopping;
