//! The commands and what they take. Help, completions and man pages are made from this.

use clap::{Parser, Subcommand};

use crate::commands::{
    audit::AuditArgs, check::CheckArgs, completions::CompletionsArgs, explain::ExplainArgs, list::ListArgs,
    man::ManArgs, plan::PlanArgs, redact::RedactArgs, release::ReleaseArgs, resolve::ResolveArgs,
    run::RunArgs, show::ShowArgs, status::StatusArgs, stop::StopArgs,
};

/// Executes approved decisions: bounded, deterministic, fail-closed, at most once, and stoppable.
#[derive(Debug, Parser)]
#[command(name = "failstop", version, max_term_width = 100, after_help = EXIT_CODES)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

const EXIT_CODES: &str = "\
Exit codes:
  0  every decision ended success or skipped
  1  some were denied, failed or unknown, lines were bad or left unread, or a request was refused
  2  usage or configuration
  3  our fault: a ledger that cannot be used, reports that could not be written, a bug

Examples:
  failstop check
  failstop run decisions.jsonl > reports.jsonl
  failstop list --state IN_DOUBT
  failstop explain gate_stopped";

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Execute decisions (JSON Lines) and print one report a line.
    Run(RunArgs),
    /// Print the deterministic plans; execute nothing.
    Plan(PlanArgs),
    /// Validate the configuration and print what is in force.
    Check(CheckArgs),
    /// Stop a ledger's executions, in every process that has it open.
    Stop(StopArgs),
    /// Release a stopped scope; needs its epoch and a reason.
    Release(ReleaseArgs),
    /// Show the gate, and how many keys of the ledger stand where.
    Status(StatusArgs),
    /// List the keys of the ledger.
    List(ListArgs),
    /// Show everything about one key.
    Show(ShowArgs),
    /// Say, for good, what happened under a key in doubt.
    Resolve(ResolveArgs),
    /// Prove what the ledger says, export it, print where it ends.
    Audit(AuditArgs),
    /// Print JSON without its secrets.
    Redact(RedactArgs),
    /// Say what a code of a report or an error means, and what to do.
    Explain(ExplainArgs),
    /// Print a completion script for a shell.
    Completions(CompletionsArgs),
    /// Print the man page, or write one for each command.
    Man(ManArgs),
}
