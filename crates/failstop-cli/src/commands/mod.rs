//! One file per command.

pub mod audit;
pub mod check;
pub mod completions;
pub mod explain;
pub mod list;
pub mod man;
pub mod plan;
pub mod redact;
pub mod release;
pub mod resolve;
pub mod run;
pub mod show;
pub mod status;
pub mod stop;

use std::io::{self, Write as _};

use crate::{
    cli::{Cli, Command},
    exit::{Exit, Failure},
};

/// Does what was asked for.
///
/// # Errors
/// Why it could not be begun, or was broken off.
pub fn dispatch(cli: &Cli) -> Result<Exit, Failure> {
    match &cli.command {
        Command::Run(args) => run::run(args),
        Command::Plan(args) => plan::plan(args),
        Command::Check(args) => check::check(args),
        Command::Stop(args) => stop::stop(args),
        Command::Release(args) => release::release(args),
        Command::Status(args) => status::status(args),
        Command::List(args) => list::list(args),
        Command::Show(args) => show::show(args),
        Command::Resolve(args) => resolve::resolve(args),
        Command::Audit(args) => audit::audit(args),
        Command::Redact(args) => redact::redact(args),
        Command::Explain(args) => explain::explain(args),
        Command::Completions(args) => completions::completions(args),
        Command::Man(args) => man::man(args),
    }
}

/// Prints `text` on standard output.
fn print(text: &str) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()).map_err(|_| Failure::OutputClosed)
}
