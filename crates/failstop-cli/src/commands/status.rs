//! `failstop status`: the gate, and how many keys stand where.

use std::fmt::Write as _;

use clap::Args;
use decision_schema::{Object, Value};
use failstop::{
    core::stop::{GateEntry, Level},
    locks::ProcessGroup,
};
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
        format!("{}\n", as_json(&view, &status))
    } else {
        as_text(&view, &status, Paint::for_stdout())
    };
    super::print(&text).map(|()| Exit::Done)
}

/// `{"gate": [{"scope", "level", "epoch", "reason", "at_ms"}], "gate_fault", "running", "open", "in_doubt", "abandoned",
/// "succeeded", "failed", "events", "living_owners", "orphans": [...], "ledger": {"path", "id"}}`.
fn as_json(view: &View, status: &Status) -> Value {
    let counts = &status.counts;
    let orphans: Vec<Object> = status.orphans.iter().map(running).collect();
    let ledger =
        Object::from_iter([("path", Value::from(shown(view.path()))), ("id", view.ledger_id().into())]);
    Value::from(Object::from_iter([
        ("gate", Value::from(gate(&status.gate))),
        ("gate_fault", status.gate.as_ref().err().map(ToString::to_string).into()),
        ("running", counts.running.into()),
        ("open", counts.open.into()),
        ("in_doubt", counts.in_doubt.into()),
        ("abandoned", counts.abandoned.into()),
        ("succeeded", counts.succeeded.into()),
        ("failed", counts.failed.into()),
        ("events", counts.events.into()),
        ("living_owners", status.living_owners.into()),
        ("orphans", orphans.into()),
        ("ledger", ledger.into()),
    ]))
}

/// The gate's entries. One that cannot be read is at `stop`, for that is what it means to every start.
fn gate(gate: &Result<failstop_sqlite::gate_file::GateState, GateFileError>) -> Vec<Object> {
    match gate {
        Ok(state) => state.entries().iter().map(gate_entry).collect(),
        Err(_) => vec![Object::from_iter([
            ("scope", Value::from("global")),
            ("level", Level::Stop.as_str().into()),
            ("epoch", 0.into()),
            ("reason", "the gate cannot be read".into()),
            ("at_ms", Value::Null),
        ])],
    }
}

fn gate_entry(entry: &GateEntry) -> Object {
    Object::from_iter([
        ("scope", Value::from(entry.scope.to_string())),
        ("level", entry.level.as_str().into()),
        ("epoch", entry.epoch.into()),
        ("reason", entry.reason.as_str().into()),
        ("at_ms", entry.at_ms.into()),
    ])
}

/// `{"key", "attempt", "fence", "process_group": {"id", "start_time_ticks"}, "since_ms", "orphan"}`.
pub fn running(attempt: &RunningAttempt) -> Object {
    let group = |group: ProcessGroup| {
        Object::from_iter([
            ("id", Value::from(group.id)),
            ("start_time_ticks", group.start_time_ticks.into()),
        ])
    };
    Object::from_iter([
        ("key", Value::from(attempt.key.as_str())),
        ("attempt", attempt.attempt.into()),
        ("fence", attempt.fence.into()),
        ("process_group", attempt.group.map(group).into()),
        ("since_ms", attempt.since_ms.into()),
        ("orphan", attempt.is_orphan.into()),
    ])
}

/// The same in one line, for people.
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
