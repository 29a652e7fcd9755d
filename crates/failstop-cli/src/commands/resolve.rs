//! `failstop resolve`: says, for good, what happened under a key in doubt.

use std::time::Duration;

use clap::Args;
use decision_schema::{Action, Object, Value};
use failstop::{
    core::{
        ledger::{Resolution, Standing},
        redaction::Redactor,
        report::ReportStyle,
    },
    executor::command::{ProbeAnswer, probe},
};
use failstop_config::Config;
use failstop_sqlite::{
    ResolveError, Resolver,
    view::{Shown, View},
};

use super::stop::redactor;
use crate::{
    exit::{Exit, Failure},
    ledger::{self, LedgerArgs, unopened},
    runtime,
};

/// What `failstop resolve` takes.
#[derive(Debug, Args)]
#[command(
    group = clap::ArgGroup::new("what").required(true).args(["applied", "not_applied", "probe"]),
    after_help = "\
A resolution is for good. After --applied the key replays a success; after --not-applied a \
resubmission may run again if attempts are left. It is refused while an attempt under the key runs.

Examples:
  failstop resolve payout-0815 --applied --reason 'seen in the bank statement' --evidence TICKET-7
  failstop resolve payout-0815 --not-applied --reason 'the target never got it' --who ada
  failstop resolve payout-0815 --probe"
)]
pub struct ResolveArgs {
    /// The idempotency key, as failstop list --state IN_DOUBT prints it.
    key: String,
    /// The effect happened.
    #[arg(long, requires = "reason")]
    applied: bool,
    /// The effect did not happen, and will not.
    #[arg(long, requires = "reason")]
    not_applied: bool,
    /// Ask the probe of the executor that the configuration has for the key's action.
    #[arg(long, conflicts_with = "ledger")]
    probe: bool,
    /// Why; kept with the key.
    #[arg(long)]
    reason: Option<String>,
    /// Who says so; default your user name, or probe.
    #[arg(long)]
    who: Option<String>,
    /// What it rests on: a ticket, a receipt; kept with the key.
    #[arg(long)]
    evidence: Option<String>,
    #[command(flatten)]
    ledger: LedgerArgs,
}

/// Resolves the key, and prints the report that it stands at from now on.
///
/// # Errors
/// Where it is refused, or the ledger cannot be opened.
pub fn resolve(args: &ResolveArgs) -> Result<Exit, Failure> {
    let config = if args.ledger.is_named() { None } else { Some(args.ledger.config()?) };
    let path = args.ledger.path_in(config.as_ref())?;
    // Looked at first, so that no ledger is made where there is none.
    let view = View::open(&path).map_err(|error| unopened(&path, error))?;
    let resolution = match &config {
        Some(config) if args.probe => ask_probe(config, &view, &args.key)?,
        _ if args.applied => Resolution::Applied,
        _ => Resolution::NotApplied,
    };
    drop(view);
    let redactor = redactor(config.as_ref());
    let resolver = args.resolver(&redactor);
    // What is old enough to be retired is for a run to say, which knows for how long it is to be kept.
    let ledger = ledger::open(&path, u64::MAX)?;
    let report = ledger.resolve(&args.key, resolution, &resolver).map_err(refused)?;
    let mut text = report.to_json(ReportStyle::default());
    text.push('\n');
    super::print(&text).map(|()| Exit::Done)
}

impl ResolveArgs {
    /// What is kept of who and why, without secrets that have a known form.
    fn resolver(&self, redactor: &Redactor) -> Resolver {
        let redacted = |text: &str| redactor.redact_text(text).into_owned();
        let (who, reason) = if self.probe {
            ("probe".to_owned(), "the executor's probe was asked")
        } else {
            (user_name(), "")
        };
        Resolver {
            who: redacted(self.who.as_deref().unwrap_or(&who)),
            reason: redacted(self.reason.as_deref().unwrap_or(reason)),
            evidence: self.evidence.as_deref().map(redacted),
        }
    }
}

fn refused(error: ResolveError) -> Failure {
    let message = format!("{error} ({})", error.code());
    match error {
        ResolveError::ReasonMissing => Failure::Usage(message),
        ResolveError::LedgerUnavailable => Failure::Ledger(message),
        _ => Failure::Refused(message),
    }
}

/// Asks the probe that the configuration has for the action of a key in doubt.
fn ask_probe(config: &Config, view: &View, key: &str) -> Result<Resolution, Failure> {
    let shown = view.show(key).map_err(|error| unopened(view.path(), error))?;
    let shown = shown.as_ref().ok_or_else(|| refused(ResolveError::UnknownKey))?;
    let state = shown.entry.as_ref().ok_or_else(|| refused(ResolveError::UnknownKey))?.state;
    if shown.running.is_some() || state == Standing::Started {
        return Err(refused(ResolveError::StillRunning));
    }
    if state != Standing::InDoubt {
        return Err(refused(ResolveError::NotInDoubt { state: state.as_str() }));
    }
    let action = shown.entry.as_ref().and_then(|entry| Action::from_name(entry.action.as_deref()?));
    let Some(spec) = action.and_then(|action| config.probe(action)) else {
        return Err(Failure::Usage(
            "no probe is configured for the executor of this action (resolve_no_probe)".to_owned(),
        ));
    };
    let time = Duration::from_millis(config.policy.timeout().timeout_per_action_ms);
    let answer = runtime::current_thread()?.block_on(probe(&spec, &question(key, shown), time));
    match answer {
        ProbeAnswer::Applied => Ok(Resolution::Applied),
        ProbeAnswer::NotApplied => Ok(Resolution::NotApplied),
        ProbeAnswer::Unknown => Err(Failure::Refused(
            "the probe cannot tell; the key stays in doubt (resolve_probe_unknown)".to_owned(),
        )),
    }
}

/// What a probe is told: `{"action", "idempotency_key", "run_id", "step", "attempts", "fence"}`.
fn question(key: &str, shown: &Shown) -> String {
    let report = shown.report.as_ref().and_then(|report| report.as_ref().ok());
    let entry = shown.entry.as_ref();
    Value::from(Object::from_iter([
        ("action", Value::from(entry.and_then(|entry| entry.action.clone()))),
        ("idempotency_key", key.into()),
        ("run_id", report.and_then(|report| report.run_id.clone()).into()),
        ("step", report.and_then(|report| report.step).into()),
        ("attempts", entry.map(|entry| entry.record.attempts).into()),
        ("fence", entry.map(|entry| entry.record.fence).into()),
    ]))
    .to_string()
}

/// The name that the environment has for the user, else the number that the system has.
pub fn user_name() -> String {
    let named = ["USER", "LOGNAME"].into_iter().filter_map(|name| std::env::var(name).ok());
    named
        .into_iter()
        .find(|name| !name.trim().is_empty())
        .unwrap_or_else(|| format!("uid {}", rustix::process::getuid().as_raw()))
}
