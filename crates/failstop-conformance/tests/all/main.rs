//! The suite, on the ledger that needs nothing but memory; and the rules that no ledger shows.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod complete;
mod memory;
mod rules;
