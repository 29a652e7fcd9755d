//! `failstop status`: the gate, and how many keys stand where.

use std::fmt::Write as _;

use clap::Args;
use decision_schema::Value;
use failstop::core::stop::Level;
use failstop_sqlite::{
    gate_file::GateFileError,
    view::{RunningAttempt, Status, View},
};

use crate::{
    exit::{Exit, Failure},
    ledger::{LedgerArgs, shown, unopened},
    table::{Paint, Utc, plain},
};

/// What `failstop status` takes.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  failstop status
  failstop status --json | jq .in_doubt
  watch failstop status --ledger prod.db")]
pub struct StatusArgs {
    /// Print JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    ledger: LedgerArgs,
}

/// Prints it. Keys in doubt are no error: they are what this is for.
///
/// # Errors
/// Where the ledger cannot be read.
pub fn status(args: &StatusArgs) -> Result<Exit, Failure> {
    let view = args.ledger.view()?;
    let status = view.status().map_err(|error| unopened(view.path(), error))?;
    let text = if args.json {
        format!("{}\n", Value::from(status.to_object(&view)))
    } else {
        as_text(&view, &status, Paint::for_stdout())
    };
    super::print(&text).map(|()| Exit::Done)
}

/// An attempt that runs, in one line for people.
pub fn running_line(attempt: &RunningAttempt) -> String {
    let group = attempt
        .group
        .map_or("process group unknown".to_owned(), |group| format!("process group {}", group.id));
    let owner = if attempt.is_orphan { ", its owner is dead" } else { "" };
    format!("attempt {}, {group}, since {}{owner}", attempt.attempt, Utc(attempt.since_ms))
}

fn as_text(view: &View, status: &Status, paint: Paint) -> String {
    let mut text = format!("ledger     {}\n", plain(&shown(view.path())));
    write_gate(&status.gate, paint, &mut text);
    let counts = &status.counts;
    let owners = status.living_owners.map_or("unknown".to_owned(), |owners| owners.to_string());
    let in_doubt = match (counts.in_doubt, counts.abandoned) {
        (0, _) => "0".to_owned(),
        (count, 0) => paint.alarm(&count.to_string()),
        (count, abandoned) => paint.alarm(&format!("{count} ({abandoned} with an attempt that still runs)")),
    };
    // Writing into a string cannot fail.
    let _ = writeln!(
        text,
        "owners     {owners}\nrunning    {}\nopen       {}\nin doubt   {in_doubt}\nsucceeded  {}\nfailed     {}\nevents     {}",
        counts.running, counts.open, counts.succeeded, counts.failed, counts.events
    );
    for orphan in &status.orphans {
        let _ =
            writeln!(text, "{}     {}: {}", paint.alarm("orphan"), plain(&orphan.key), running_line(orphan));
    }
    text
}

/// The global scope, and every other that is not at `run`.
fn write_gate(
    gate: &Result<failstop_sqlite::gate_file::GateState, GateFileError>,
    paint: Paint,
    text: &mut String,
) {
    let state = match gate {
        Ok(state) => state,
        Err(fault) => {
            let _ = writeln!(text, "gate       {}: {fault}", paint.alarm("stop"));
            return;
        }
    };
    let told = state.entries().iter().enumerate().filter(|(at, entry)| *at == 0 || entry.level > Level::Run);
    for (_, entry) in told {
        let level = match entry.level {
            Level::Run => entry.level.to_string(),
            Level::Drain | Level::Stop | Level::Halt => paint.alarm(entry.level.as_str()),
        };
        let reason =
            if entry.reason.is_empty() { String::new() } else { format!(": {}", plain(&entry.reason)) };
        let _ = writeln!(
            text,
            "gate       {level} {} (epoch {}, since {}){reason}",
            entry.scope,
            entry.epoch,
            Utc(entry.at_ms)
        );
    }
}
