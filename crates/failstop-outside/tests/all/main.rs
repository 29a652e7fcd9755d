//! The corpus of the fuzz targets, replayed.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test may panic, and says before that how to repeat it"
)]

mod corpus;
