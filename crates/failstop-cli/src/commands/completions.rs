//! `failstop completions`: a completion script for a shell.

use clap::{Args, CommandFactory as _};
use clap_complete::{Shell, generate};

use crate::{
    cli::Cli,
    exit::{Exit, Failure},
};

/// What `failstop completions` takes.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  failstop completions bash > ~/.local/share/bash-completion/completions/failstop
  failstop completions zsh > ~/.zfunc/_failstop")]
pub struct CompletionsArgs {
    /// The shell.
    shell: Shell,
}

/// Prints the script.
///
/// # Errors
/// Where standard output is closed.
pub fn completions(args: &CompletionsArgs) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    generate(args.shell, &mut Cli::command(), "failstop", &mut script);
    super::print(&String::from_utf8_lossy(&script)).map(|()| Exit::Done)
}
