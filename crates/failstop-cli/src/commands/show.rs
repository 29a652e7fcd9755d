//! `failstop show`: everything about one key.

use std::fmt::Write as _;

use clap::Args;
use decision_schema::Value;
use failstop::core::{
    ledger::{Event, Resolution},
    report::ReportStyle,
};
use failstop_sqlite::view::{Entry, Shown, body_of};

use super::{list::at_it, status::running_line};
use crate::{
    exit::{Exit, Failure},
    ledger::{LedgerArgs, unopened},
    table::{Paint, Utc, plain},
};

/// What `failstop show` takes.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  failstop show payout-0815
  failstop show payout-0815 --json | jq .report.attempts")]
pub struct ShowArgs {
    /// The idempotency key; reports and failstop list have it.
    key: String,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    ledger: LedgerArgs,
}

/// Prints the record, the report as it stands, what runs, and every event.
///
/// # Errors
/// Where the ledger cannot be read or never met the key.
pub fn show(args: &ShowArgs) -> Result<Exit, Failure> {
    let view = args.ledger.view()?;
    let shown = view.show(&args.key).map_err(|error| unopened(view.path(), error))?;
    let shown =
        shown.ok_or_else(|| Failure::Refused("the ledger never met this key (key_unknown)".to_owned()))?;
    let text = if args.json {
        format!("{}\n", Value::from(shown.to_object(&args.key)))
    } else {
        as_text(&args.key, &shown, Paint::for_stdout())
    };
    super::print(&text).map(|()| Exit::Done)
}

fn as_text(key: &str, shown: &Shown, paint: Paint) -> String {
    let mut text = String::new();
    line(&mut text, "key", &plain(key));
    match &shown.entry {
        Some(entry) => write_entry(entry, paint, &mut text),
        None if shown.is_retired => line(&mut text, "state", "retired: it ended, and was kept for its time"),
        None => line(&mut text, "state", "nothing was started under it"),
    }
    if let Some(attempt) = &shown.running {
        line(&mut text, "running", &paint.alarm(&running_line(attempt)));
    }
    match &shown.report {
        Some(Ok(report)) => line(&mut text, "report", &plain(&report.to_json(ReportStyle::default()))),
        Some(Err(fault)) => line(&mut text, "report", &paint.alarm(&format!("cannot be read: {fault}"))),
        None => {}
    }
    let _ = writeln!(
        text,
        "\n{}",
        paint.heading("SEQ       AT                        KIND       FENCE     EPOCH  WHAT")
    );
    for event in &shown.events {
        write_event(event, &mut text);
    }
    text
}

fn line(text: &mut String, name: &str, value: &str) {
    // Writing into a string cannot fail.
    let _ = writeln!(text, "{name:12}{value}");
}

fn write_entry(entry: &Entry, paint: Paint, text: &mut String) {
    line(text, "state", &paint.state(Some(entry.state), 0));
    line(text, "at it", at_it(entry));
    line(text, "action", &plain(entry.action.as_deref().unwrap_or("-")));
    let reason = entry.reason_code.as_deref().map_or(String::new(), |code| format!(" ({})", plain(code)));
    line(text, "outcome", &format!("{}{reason}", plain(&entry.outcome)));
    line(text, "resolution", entry.record.resolution.map_or("-", Resolution::as_str));
    line(text, "attempts", &format!("{}, the last with fence {}", entry.record.attempts, entry.record.fence));
    line(text, "execution", &plain(&entry.execution_id));
    line(text, "started", &Utc(entry.started_at_ms).to_string());
    line(text, "updated", &Utc(entry.updated_at_ms).to_string());
}

fn write_event(event: &Event, text: &mut String) {
    let number = |number: Option<u64>| number.map_or("-".to_owned(), |number| number.to_string());
    let _ = writeln!(
        text,
        "{:<8}  {:24}  {:9}  {:8}  {:5}  {}",
        event.seq,
        Utc(event.at_ms).to_string(),
        event.kind.as_str(),
        number(event.fence),
        number(event.gate_epoch),
        what(event),
    );
}

/// What an event says, in short.
fn what(event: &Event) -> String {
    let body = body_of(event);
    let mut said: Vec<String> = Vec::new();
    for name in ["attempt", "claims", "as", "who", "reason", "evidence"] {
        match body.get(name) {
            Some(Value::String(value)) => said.push(format!("{name} {}", plain(value))),
            Some(Value::Number(number)) => said.push(format!("{name} {}", Value::Number(*number))),
            _ => {}
        }
    }
    if let Some(report) = body.get("report") {
        let text = |name| report.get(name).and_then(Value::as_str).map(plain);
        said.extend([text("outcome"), text("reason_code")].into_iter().flatten());
    }
    said.join(", ")
}
