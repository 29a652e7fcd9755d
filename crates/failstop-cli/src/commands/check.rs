//! `failstop check`: validates the configuration and prints what is in force.

use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
};

use clap::Args;
use decision_schema::{Action, Object, Value};
use failstop::core::stop::Level;
use failstop_config::{
    Config, assemble::executor_sections, fault::Place, pipeline::can_errors_trip, reference, schema,
    settings::Entry,
};
use failstop_sqlite::view::View;

use crate::{
    exit::{Exit, Failure},
    ledger::LedgerFound,
};

/// What `failstop check` takes.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  failstop check
  failstop check --config prod.toml --json | jq .warnings
  failstop check --schema > failstop.schema.json")]
pub struct CheckArgs {
    /// The configuration; default failstop.toml, if there is one.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    /// Print the JSON Schema of the configuration, and check nothing.
    #[arg(long)]
    schema: bool,
    /// Print every key there is, as the reference page does, and check nothing.
    #[arg(long)]
    keys: bool,
}

/// Prints what is in force, and what is worth a warning.
///
/// # Errors
/// Where the configuration is wrong.
pub fn check(args: &CheckArgs) -> Result<Exit, Failure> {
    if args.schema {
        return super::print(&format!("{}\n", schema::schema())).map(|()| Exit::Done);
    }
    if args.keys {
        return super::print(&reference::page()).map(|()| Exit::Done);
    }
    let config = Config::load(args.config.as_deref())?;
    config.pipeline()?;
    let text = if args.json { format!("{}\n", as_json(&config)) } else { as_table(&config) };
    super::print(&text).map(|()| Exit::Done)
}

/// `{"config", "ledger": {"path", "state"}, "settings": {path: {"value", "from"}}, "warnings": [...]}`.
fn as_json(config: &Config) -> Value {
    let settings = config.settings.iter().map(|(path, entry)| {
        let told = Object::from_iter([("value", shown(path, entry)), ("from", origin(entry).into())]);
        (path, Value::from(told))
    });
    let file = config.file.as_ref().map(|file| file.display().to_string());
    Value::from(Object::from_iter([
        ("config", Value::from(file)),
        ("ledger", LedgerFound::by(config).as_json().into()),
        ("settings", settings.collect::<Object>().into()),
        ("warnings", warnings(config).into()),
    ]))
}

fn as_table(config: &Config) -> String {
    let file = config.file.as_ref().map_or("no file".to_owned(), |file| file.display().to_string());
    let mut text = format!("configuration: {file}\nledger: {}\n", LedgerFound::by(config));
    let rows: Vec<_> = config
        .settings
        .iter()
        .map(|(path, entry)| (path, shown(path, entry).to_string(), origin(entry)))
        .collect();
    let width = |of: fn(&(&str, String, String)) -> usize| rows.iter().map(of).max().unwrap_or(0);
    let (paths, values) = (width(|row| row.0.len()), width(|row| row.1.len()).min(40));
    for (path, value, origin) in &rows {
        // Writing into a string cannot fail.
        let _ = writeln!(text, "  {path:paths$}  {value:values$}  {origin}");
    }
    for warning in warnings(config) {
        let _ = writeln!(text, "warning: {warning}");
    }
    text
}

/// The value as it may be shown: of a URL only its host, because tokens stand in paths too.
fn shown(path: &str, entry: &Entry) -> Value {
    match (path.rsplit_once('.'), entry.url_host()) {
        (Some((_, "url")), Some(host)) => host.into(),
        _ => entry.shown(),
    }
}

fn origin(entry: &Entry) -> String {
    match &entry.place {
        None => "default".to_owned(),
        Some(Place::Whole) => "file".to_owned(),
        Some(Place::File { line, .. }) => format!("line {line}"),
        Some(Place::Variable(name) | Place::Value(name)) => name.clone(),
    }
}

/// What is allowed, and probably not meant.
fn warnings(config: &Config) -> Vec<String> {
    let mut warnings = Vec::new();
    let settings = &config.settings;
    let sections: Vec<String> = executor_sections().map(|(_, section)| section).collect();
    if !sections.iter().any(|section| settings.has_section(section)) {
        warnings.push("no executor is configured: every decision will be denied (no_executor)".to_owned());
    }
    for section in &sections {
        if config.program(section).is_some_and(|program| !can_be_found(&program)) {
            warnings.push(format!(
                "{section}.program does not exist or is not executable: attempts will be rejected"
            ));
        }
    }
    for probe in Action::ALL.into_iter().filter_map(|action| config.probe(action)) {
        let warning = "a probe does not exist or is not executable: resolve --probe will not know anything";
        if !can_be_found(&probe.program) && !warnings.iter().any(|said| said == warning) {
            warnings.push(warning.to_owned());
        }
    }
    warnings.extend(ledger_warnings(config));
    if config.health.as_ref().is_some_and(|health| !can_errors_trip(health)) {
        warnings.push(
            "policy.health: errors alone cannot make health RED; raise weight_errors or score_threshold_red"
                .to_owned(),
        );
    }
    let timeout = config.policy.timeout();
    if timeout.timeout_per_action_ms > timeout.max_total_time_ms {
        warnings.push(
            "policy.timeout.timeout_per_action_ms is above max_total_time_ms, which ends attempts first"
                .to_owned(),
        );
    }
    warnings
}

fn ledger_warnings(config: &Config) -> Vec<String> {
    let settings = &config.settings;
    let kind = settings.text("ledger.kind").unwrap_or_default();
    let unused: &[&str] = if kind == "memory" { &["ledger.path", "ledger.url"] } else { &["ledger.url"] };
    let mut warnings: Vec<String> = unused
        .iter()
        .filter(|path| settings.place(path) != Place::Whole)
        .map(|path| format!("{path} is not used by ledger.kind = {kind:?}"))
        .collect();
    match LedgerFound::by(config) {
        LedgerFound::Memory => warnings.push(
            "ledger.kind = \"memory\": keys are forgotten at exit, so a second run repeats effects"
                .to_owned(),
        ),
        LedgerFound::Faulty(_, error) => {
            warnings.push(format!("a run would fail: {error} ({})", error.code()));
        }
        LedgerFound::Ready(view) => warnings.extend(gate_warnings(&view)),
        LedgerFound::Unused | LedgerFound::New(_) => {}
    }
    warnings
}

/// What the gate beside the ledger keeps from being executed.
fn gate_warnings(view: &View) -> Vec<String> {
    let state = match view.gate() {
        Ok(state) => state,
        Err(fault) => {
            return vec![format!("{fault}, so every decision will be denied (gate_unreadable)")];
        }
    };
    let engaged = state.entries().iter().filter(|entry| entry.level > Level::Run);
    engaged
        .map(|entry| format!("the gate is at {} for {} (gate_stopped)", entry.level, entry.scope))
        .collect()
}

/// Whether a program can be started: at its path, or where `PATH` leads.
fn can_be_found(program: &Path) -> bool {
    if program.components().count() > 1 || program.is_absolute() {
        return is_executable(program);
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|directory| is_executable(&directory.join(program)))
}

fn is_executable(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    file.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}
