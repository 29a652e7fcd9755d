//! What must hold whatever bytes come from outside: of lines, configurations, exports, files and answers.
//!
//! Each module has one function `check`, which takes bytes as a stranger would hand them in and panics where a promise
//! is broken. Fuzzers call it with bytes of their own (`cargo xtask fuzz`), and a test with all of `fuzz/corpus`, so what
//! they once found is asked for ever after. Read [`lines`] first.
//!
//! Wherever the bytes have an `@`, an unmistakable word takes its place, and no error may show it.
#![forbid(unsafe_code)]

pub mod answers;
pub mod checkpoints;
pub mod config;
pub mod exports;
pub mod gate_file;
pub mod json;
pub mod lines;
mod planted;
pub mod redaction;
pub mod reports;
mod respelled;

/// What takes bytes and panics where a promise is broken.
pub type Check = fn(&[u8]);

/// Every check by its name, which is also that of its fuzz target and of its directory in `fuzz/corpus`.
pub const CHECKS: [(&str, Check); 9] = [
    ("answers", answers::check),
    ("checkpoints", checkpoints::check),
    ("config", config::check),
    ("exports", exports::check),
    ("gate_file", gate_file::check),
    ("json", json::check),
    ("lines", lines::check),
    ("redaction", redaction::check),
    ("reports", reports::check),
];
