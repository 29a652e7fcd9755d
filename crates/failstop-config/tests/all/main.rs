//! Configuration from a file, variables and values.

#![allow(clippy::unwrap_used, reason = "a test may panic")]
