//! The embedded ledger, against real files and real processes.
#![allow(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod abandoned;
mod audit;
mod basics;
mod conformance;
mod gate_file;
mod shared_gate;
mod stop;
mod support;
mod view;
