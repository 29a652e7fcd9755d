//! `failstop stop`: stops a ledger's executions, in every process that has it open.

use clap::{Args, ValueEnum};
use decision_schema::Value;
use failstop::core::{
    redaction::{Profile, Redactor},
    stop::{Level, Scope},
};
use failstop_config::Config;
use failstop_sqlite::{
    OpenError, SqliteLedger,
    gate_file::{GateFault, GateFileError},
    stop::{Reach, StopOrder, Stopped, stop as stop_ledger},
};

use crate::{
    exit::{Exit, Failure},
    ledger::{self, LedgerArgs, shown, unopened},
    running::telling,
    stderr,
    table::plain,
};

/// How long after the owners' grace an execution is still waited for, milliseconds: what hearing of a stop and writing
/// down its end may take.
const AFTER_GRACE_MS: u64 = 1_000;

/// The grace where no configuration is asked, milliseconds; that of the default policy.
const DEFAULT_GRACE_MS: u64 = 2_000;

/// What `failstop stop` takes.
#[derive(Debug, Args)]
#[command(after_help = "\
The stop is in force when this returns, and before anything is waited for. It stays until it is released.

Exit codes: 0 nothing that was in flight runs any more (drain: it is in force), 1 the stop is in force but something \
was not seen to end.

Examples:
  failstop stop --reason 'wrong target'
  failstop stop --level halt --reason fire
  failstop stop --level drain --scope action:ACT --reason maintenance --json")]
pub struct StopArgs {
    /// How far: drain lets what runs go on, stop ends it with its grace, halt ends it at once.
    #[arg(long, value_enum, default_value_t = LevelName::Stop)]
    level: LevelName,
    /// What: global, or action:NAME.
    #[arg(long, default_value = "global", value_parser = scope)]
    scope: Scope,
    /// Why; shown to everybody who asks for the status.
    #[arg(long)]
    reason: String,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    ledger: LedgerArgs,
}

/// The levels that a stop can have.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum LevelName {
    Drain,
    Stop,
    Halt,
}

/// Reads a scope of the gate.
pub fn scope(name: &str) -> Result<Scope, String> {
    Scope::from_name(name)
        .ok_or_else(|| "it must be global, or action: and one of HOLD, ACT, EXIT, CANCEL, STOP".to_owned())
}

/// Stops, and says what was reached.
///
/// # Errors
/// Where the gate cannot be worked.
pub fn stop(args: &StopArgs) -> Result<Exit, Failure> {
    let config = if args.ledger.is_named() { None } else { Some(args.ledger.config()?) };
    let path = args.ledger.path_in(config.as_ref()).map_err(|_| only_in_memory())?;
    if !path.exists() {
        if !config.as_ref().is_some_and(Config::is_from_file) {
            // In the wrong place there is nothing to stop, and nobody must believe that there was.
            return Err(unopened(&path, OpenError::Missing));
        }
        // Who stops before the first run of a configuration means that run too.
        let made: SqliteLedger = ledger::open(&path, u64::MAX)?;
        stderr::say(&format!("new ledger {}", shown(&path)));
        drop(made);
    }
    let grace_ms = config.as_ref().map_or(DEFAULT_GRACE_MS, longest_grace_ms);
    let order = StopOrder {
        scope: args.scope,
        level: args.level.into(),
        reason: redactor(config.as_ref()).redact_text(&args.reason).into_owned(),
        grace_ms: grace_ms.saturating_add(AFTER_GRACE_MS),
    };
    let bar = telling::bar(true);
    let stopped = stop_ledger(&path, &order, |running| bar.set_message(format!("{running} still running")));
    bar.finish_and_clear();
    let stopped = stopped.map_err(|error| unlatched(&error))?;
    let text = if args.json {
        format!("{}\n", Value::from(stopped.to_object(&order)))
    } else {
        as_text(&order, &stopped)
    };
    super::print(&text)?;
    // A drain is done when it is in force: what runs may go on to its end.
    let is_done = if order.level == Level::Drain { stopped.is_acknowledged } else { stopped.is_confirmed() };
    Ok(if is_done { Exit::Done } else { Exit::NotAllDone })
}

impl From<LevelName> for Level {
    fn from(name: LevelName) -> Self {
        match name {
            LevelName::Drain => Self::Drain,
            LevelName::Stop => Self::Stop,
            LevelName::Halt => Self::Halt,
        }
    }
}

/// What takes secrets out of what an operator says.
pub fn redactor(config: Option<&Config>) -> Redactor {
    config.map_or_else(|| Redactor::new(Profile::Strict), Config::redactor)
}

fn longest_grace_ms(config: &Config) -> u64 {
    config.policy.timeout().grace_ms
}

/// Only the process that runs could hold the latch then.
fn only_in_memory() -> Failure {
    Failure::Usage(
        "ledger.kind = \"memory\": only the running process itself can be stopped. Make the file that its gate.file \
         names, send it SIGTERM, or keep a ledger in a file (stop_in_memory)"
            .to_owned(),
    )
}

/// Why the gate could not be worked, as a command's failure.
pub fn unlatched(error: &GateFileError) -> Failure {
    let everything_is_stopped = match error {
        GateFileError::Fault(GateFault::Missing | GateFault::Replaced | GateFault::Truncated { .. }) => {
            ": nothing starts without it"
        }
        _ => "",
    };
    Failure::Ledger(format!("{error}{everything_is_stopped} (gate_unlatched)"))
}

fn as_text(order: &StopOrder, stopped: &Stopped) -> String {
    let StopOrder { scope, level, .. } = order;
    let epoch = stopped.epoch;
    let count = |reach| stopped.count(reach).unwrap_or_default();
    let how = if stopped.has_changed { "" } else { ", as it was before" };
    let mut lines = vec![format!("{scope} is at {level} or above, epoch {epoch}{how}")];
    if !stopped.is_acknowledged {
        lines.push("a start that read the gate before may still be under way".to_owned());
    }
    if !stopped.is_recorded {
        lines.push("the change does not stand in the ledger yet; the next owner records it".to_owned());
    }
    lines.push(match (&stopped.executions, stopped.owners) {
        (None, _) => "the ledger cannot be read: what was in flight is unknown".to_owned(),
        (Some(all), Some(0)) if all.is_empty() => {
            "nobody has the ledger open: there was nothing to reach".to_owned()
        }
        (Some(all), _) if all.is_empty() => "nothing was in flight".to_owned(),
        (Some(all), _) if *level == Level::Drain => {
            format!("in flight, and going on to their ends: {}", all.len() - count(Reach::Confirmed))
        }
        (Some(_), _) => format!(
            "in flight: {} confirmed ended, {} told and not heard of, {} unconfirmed",
            count(Reach::Confirmed),
            count(Reach::Requested),
            count(Reach::Unconfirmed)
        ),
    });
    let not_ended = stopped.executions.iter().flatten();
    let not_ended = not_ended.filter(|one| one.reach != Reach::Confirmed && *level != Level::Drain);
    lines.extend(not_ended.map(|one| format!("  {}  {}", one.reach.as_str(), plain(&one.key))));
    lines.push(String::new());
    lines.join("\n")
}
