//! `failstop release`: lowers a scope of the gate to `run`.

use clap::Args;
use failstop::core::stop::Scope;
use failstop_sqlite::stop::{ReleaseError, ReleaseOrder, release as release_ledger};

use super::{
    resolve::user_name,
    stop::{redactor, scope, unlatched},
};
use crate::{
    exit::{Exit, Failure},
    ledger::{LedgerArgs, unopened},
};

/// What `failstop release` takes.
#[derive(Debug, Args)]
#[command(after_help = "\
The epoch is that of the scope's last change, as failstop status shows it: whoever releases says which stop he has \
seen. It restarts no work by itself.

Exit codes: 0 released, 1 refused.

Examples:
  failstop status
  failstop release --epoch 7 --reason 'target repaired'
  failstop release --scope action:ACT --epoch 9 --reason 'maintenance is over' --who ada")]
pub struct ReleaseArgs {
    /// What: global, or action:NAME.
    #[arg(long, default_value = "global", value_parser = scope)]
    scope: Scope,
    /// The epoch of its last change.
    #[arg(long)]
    epoch: u64,
    /// Why; kept in the ledger.
    #[arg(long)]
    reason: String,
    /// Who releases; default your user name.
    #[arg(long)]
    who: Option<String>,
    #[command(flatten)]
    ledger: LedgerArgs,
}

/// Releases, and says the new epoch.
///
/// # Errors
/// Where it is refused, or the gate or the ledger cannot be worked.
pub fn release(args: &ReleaseArgs) -> Result<Exit, Failure> {
    let config = if args.ledger.is_named() { None } else { Some(args.ledger.config()?) };
    let path = args.ledger.path_in(config.as_ref())?;
    let redactor = redactor(config.as_ref());
    let redacted = |text: &str| redactor.redact_text(text).into_owned();
    let order = ReleaseOrder {
        scope: args.scope,
        expected_epoch: args.epoch,
        who: redacted(&args.who.clone().unwrap_or_else(user_name)),
        reason: redacted(&args.reason),
    };
    let epoch = release_ledger(&path, &order).map_err(|error| match error {
        ReleaseError::Gate(error) => unlatched(&error),
        ReleaseError::LedgerUnusable(error) => unopened(&path, error),
        error => Failure::Refused(format!("{error} (release_refused)")),
    })?;
    super::print(&format!("{} is at run, epoch {epoch}\n", args.scope)).map(|()| Exit::Done)
}
