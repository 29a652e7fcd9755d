//! `failstop explain`: the page of a code.

use clap::Args;
use failstop_config::nearest::nearest;

use crate::{
    exit::{Exit, Failure},
    pages,
};

/// What `failstop explain` takes.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  failstop explain in_doubt
  failstop explain json_duplicate_key")]
pub struct ExplainArgs {
    /// A reason code of a report, or the code at the end of an error.
    code: String,
}

/// Prints the page.
///
/// # Errors
/// Where there is no such code, or standard output is closed.
pub fn explain(args: &ExplainArgs) -> Result<Exit, Failure> {
    if let Some(page) = pages::page(&args.code) {
        return super::print(page).map(|()| Exit::Done);
    }
    let codes = pages::PAGES.iter().map(|(code, _)| *code);
    let hint = match nearest(&args.code, codes.clone()) {
        Some(meant) => format!("; did you mean {meant}?"),
        None => format!("; the codes are:\n  {}", codes.collect::<Vec<_>>().join("\n  ")),
    };
    Err(Failure::Usage(format!("no such code{hint}")))
}
