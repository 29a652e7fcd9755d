//! `failstop man`: man pages.

use std::path::PathBuf;

use clap::{Args, CommandFactory as _};
use clap_mangen::{Man, generate_to};

use crate::{
    cli::Cli,
    exit::{Exit, Failure},
};

/// What `failstop man` takes.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  failstop man | man -l -
  failstop man --out ~/.local/share/man/man1")]
pub struct ManArgs {
    /// Write a page for failstop and for each command into this directory, which must exist.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

/// Prints or writes the pages.
///
/// # Errors
/// Where they cannot be written.
pub fn man(args: &ManArgs) -> Result<Exit, Failure> {
    if let Some(directory) = &args.out {
        let written = generate_to(Cli::command(), directory);
        return written
            .map(|()| Exit::Done)
            .map_err(|_| Failure::Usage("the directory cannot be written".into()));
    }
    let mut page = Vec::new();
    Man::new(Cli::command()).render(&mut page).map_err(|_| Failure::OutputClosed)?;
    super::print(&String::from_utf8_lossy(&page)).map(|()| Exit::Done)
}
