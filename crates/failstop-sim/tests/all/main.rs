//! What the models promise, and that they can fail.

#![expect(clippy::print_stdout, reason = "how much was explored, and what was found, for `--nocapture`")]

mod bounds;
mod explorer;
mod mutations;
mod promises;
