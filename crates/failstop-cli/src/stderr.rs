//! What is said to people. A standard error that is closed is no reason to stop.

use std::{
    io::{self, Write as _},
    panic::Location,
};

/// Says `message` on lines of their own.
pub fn say(message: &str) {
    let mut stderr = io::stderr().lock();
    // Nobody is left to tell if this fails.
    let _ = message.lines().try_for_each(|line| writeln!(stderr, "failstop: {line}"));
}

/// Says where a bug showed, and nothing of what it held (INV-EXE-5).
pub fn say_where(location: Option<&Location<'_>>) {
    match location {
        Some(at) => say(&format!("internal error at {}:{}:{}", at.file(), at.line(), at.column())),
        None => say("internal error"),
    }
}
