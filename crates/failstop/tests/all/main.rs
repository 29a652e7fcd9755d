//! All integration tests of the engine, in one binary.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod brakes;
#[cfg(target_os = "linux")]
mod command;
mod driver;
mod full_driver;
mod gate;
mod health;
mod http;
mod hygiene;
mod keys;
mod ledger_faults;
mod limits;
#[cfg(target_os = "linux")]
mod locks;
mod many_in_flight;
mod one_attempt;
mod pipeline;
mod reference_vectors;
mod spans;
mod submission;
mod support;
mod under;
