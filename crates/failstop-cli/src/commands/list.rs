//! `failstop list`: the keys of a ledger.

use std::{
    io::{self, BufWriter, Write as _},
    ops::ControlFlow,
};

use clap::{Args, ValueEnum};
use decision_schema::Value;
use failstop::core::ledger::Standing;
use failstop_sqlite::view::{Entry, Filter};

use crate::{
    exit::{Exit, Failure},
    ledger::{LedgerArgs, unopened},
    table::{Paint, Utc, plain},
};

/// What `failstop list` takes.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  failstop list
  failstop list --state IN_DOUBT --json | jq -r .key
  failstop list --state STARTED --state OPEN --ledger prod.db")]
pub struct ListArgs {
    /// Only keys that stand there now; can be given more than once.
    #[arg(long = "state", value_name = "STATE", value_enum, ignore_case = true)]
    states: Vec<State>,
    /// Print one JSON object a line.
    #[arg(long)]
    json: bool,
    /// Print so many at most.
    #[arg(long, value_name = "N")]
    limit: Option<u64>,
    #[command(flatten)]
    ledger: LedgerArgs,
}

/// Where a key may stand.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum State {
    /// Somebody is at an attempt.
    #[value(name = "STARTED")]
    Started,
    /// Attempts are left, and none runs.
    #[value(name = "OPEN")]
    Open,
    /// It took effect.
    #[value(name = "SUCCEEDED")]
    Succeeded,
    /// It ended without effect.
    #[value(name = "FAILED")]
    Failed,
    /// Nobody knows whether it took effect.
    #[value(name = "IN_DOUBT")]
    InDoubt,
}

impl From<State> for Standing {
    fn from(state: State) -> Self {
        match state {
            State::Started => Self::Started,
            State::Open => Self::Open,
            State::Succeeded => Self::Succeeded,
            State::Failed => Self::Failed,
            State::InDoubt => Self::InDoubt,
        }
    }
}

/// Prints the keys in the order of their first starts.
///
/// # Errors
/// Where the ledger cannot be read or standard output is closed.
pub fn list(args: &ListArgs) -> Result<Exit, Failure> {
    let view = args.ledger.view()?;
    let filter =
        Filter { states: args.states.iter().copied().map(Standing::from).collect(), limit: args.limit };
    let mut out = BufWriter::new(io::stdout().lock());
    let paint = Paint::for_stdout();
    let mut written = if args.json { Ok(()) } else { writeln!(out, "{}", paint.heading(HEAD)) };
    view.list(&filter, |entry| {
        if written.is_ok() {
            let line =
                if args.json { Value::from(entry.to_object()).to_string() } else { row(&entry, paint) };
            written = writeln!(out, "{line}");
        }
        if written.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })
    .map_err(|error| unopened(view.path(), error))?;
    written.and_then(|()| out.flush()).map_err(|_| Failure::OutputClosed)?;
    Ok(Exit::Done)
}

const HEAD: &str = "STARTED                   STATE      ACTION  OUTCOME       TRIES  AT IT   REASON                        KEY";

fn row(entry: &Entry, paint: Paint) -> String {
    format!(
        "{:24}  {}  {:6}  {:12}  {:5}  {:6}  {:28}  {}",
        Utc(entry.started_at_ms).to_string(),
        paint.state(Some(entry.state), 9),
        plain(entry.action.as_deref().unwrap_or("-")),
        plain(&entry.outcome),
        entry.record.attempts,
        at_it(entry),
        plain(entry.reason_code.as_deref().unwrap_or("-")),
        plain(&entry.key),
    )
}

/// Who is at a key.
pub fn at_it(entry: &Entry) -> &'static str {
    if entry.is_orphan() {
        "orphan"
    } else if entry.is_running() || entry.presence.attempt_running {
        "owner"
    } else {
        "-"
    }
}
