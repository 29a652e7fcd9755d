//! Rules about the house itself.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod dependencies;
mod foreign;
mod sources;

use std::{
    path::Path,
    process::{Command, Output},
};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

fn output_of(program: &str, arguments: &[&str]) -> Output {
    Command::new(program).args(arguments).current_dir(root()).output().unwrap()
}
