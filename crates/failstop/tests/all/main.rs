//! All integration tests of the engine, in one binary.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

#[cfg(target_os = "linux")]
mod command;
mod http;
mod one_attempt;
mod driver;
