//! `failstop audit`: proves a ledger from its events, exports them, and says where they end.

use std::{
    fmt::Write as _,
    fs::{self, File, OpenOptions},
    io::{self, BufRead, BufReader, BufWriter},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use clap::{Args, Subcommand};
use decision_schema::Value;
use failstop_sqlite::audit::{
    self, AuditError, AuditReport, Checkpoint, ParseCheckpointError, verify_export_watched, verify_watched,
};
use indicatif::{ProgressBar, ProgressStyle};

use crate::{
    exit::{Exit, Failure},
    ledger::{LedgerArgs, shown},
    running::telling,
    stderr,
    table::{Paint, Utc, plain},
};

/// What `failstop audit` takes.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  failstop audit verify --checkpoint kept.jsonl
  failstop audit export -o chain.jsonl
  failstop audit checkpoint >> /somewhere/else/kept.jsonl")]
pub struct AuditArgs {
    #[command(subcommand)]
    what: What,
}

/// What can be done with a chain.
#[derive(Debug, Subcommand)]
enum What {
    /// Prove the chain of events, and every table from it; change nothing.
    Verify(VerifyArgs),
    /// Write every event as a line of JSON, which can be proved on its own.
    Export(ExportArgs),
    /// Print where the chain ends, as one line of JSON to be kept elsewhere.
    Checkpoint(CheckpointArgs),
}

/// What `failstop audit verify` takes.
#[derive(Debug, Args)]
#[command(after_help = "\
Exit codes: 0 nothing found, 1 findings, 2 usage, 3 it cannot be read.

That nothing was cut from the end, and that the whole was not computed anew, is proved only against \
a checkpoint that was kept where whoever may write the ledger may not write.

Examples:
  failstop audit verify
  failstop audit verify --ledger prod.db --checkpoint kept.jsonl --json
  failstop audit verify --export chain.jsonl --checkpoint kept.jsonl")]
struct VerifyArgs {
    /// A checkpoint, or a file with one a line; can be given more than once.
    #[arg(long = "checkpoint", value_name = "FILE|JSON")]
    checkpoints: Vec<String>,
    /// Prove an exported chain in place of a ledger; - is standard input.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["config", "ledger"])]
    export: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    ledger: LedgerArgs,
}

/// What `failstop audit export` takes.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  failstop audit export -o chain.jsonl
  failstop audit export --ledger prod.db | gzip > chain.jsonl.gz")]
struct ExportArgs {
    /// A new file to write; standard output if there is none.
    #[arg(short, long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    ledger: LedgerArgs,
}

/// What `failstop audit checkpoint` takes.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  failstop audit checkpoint >> /somewhere/else/kept.jsonl
  failstop audit checkpoint --ledger prod.db | logger -t failstop")]
struct CheckpointArgs {
    #[command(flatten)]
    ledger: LedgerArgs,
}

/// Does what was asked for.
///
/// # Errors
/// Where the ledger or the export cannot be read, or the result not be written.
pub fn audit(args: &AuditArgs) -> Result<Exit, Failure> {
    match &args.what {
        What::Verify(args) => verify(args),
        What::Export(args) => export(args),
        What::Checkpoint(args) => checkpoint(args),
    }
}

fn verify(args: &VerifyArgs) -> Result<Exit, Failure> {
    let mut kept = Vec::new();
    for named in &args.checkpoints {
        kept.extend(checkpoints(named)?);
    }
    let bar = bar();
    let told = |events| bar.set_position(events);
    let report = if let Some(file) = &args.export {
        verify_export_watched(&mut opened(file)?, &kept, told).map_err(|error| unread(file, error))?
    } else {
        let path = args.ledger.path()?;
        verify_watched(&path, &kept, told).map_err(|error| unread(&path, error))?
    };
    bar.finish_and_clear();
    let text = if args.json {
        format!("{}\n", Value::from(report.to_object()))
    } else {
        as_text(&report, Paint::for_stdout())
    };
    super::print(&text)?;
    if kept.is_empty() && !args.json {
        stderr::say("no kept checkpoint was given, so a cut end or a chain computed anew would not show");
    }
    Ok(if report.is_clean() { Exit::Done } else { Exit::NotAllDone })
}

fn export(args: &ExportArgs) -> Result<Exit, Failure> {
    let path = args.ledger.path()?;
    let exported = if let Some(file) = &args.out {
        let mut out = BufWriter::new(new_file(file)?);
        audit::export(&path, &mut out).map_err(|error| unread(&path, error))?
    } else {
        let mut out = BufWriter::new(io::stdout().lock());
        audit::export(&path, &mut out).map_err(|error| match error {
            AuditError::Stream { .. } => Failure::OutputClosed,
            error => unread(&path, error),
        })?
    };
    stderr::say(&format!("{} events; the last: {}", exported.events, exported.head));
    Ok(Exit::Done)
}

fn checkpoint(args: &CheckpointArgs) -> Result<Exit, Failure> {
    let path = args.ledger.path()?;
    let latest = audit::latest(&path).map_err(|error| unread(&path, error))?;
    super::print(&format!("{latest}\n")).map(|()| Exit::Done)
}

/// The checkpoint that `named` is, or those in the file that it names.
fn checkpoints(named: &str) -> Result<Vec<Checkpoint>, Failure> {
    let unreadable =
        |error: ParseCheckpointError| Failure::Usage(format!("--checkpoint: {error} ({})", error.code()));
    if named.trim_start().starts_with('{') {
        return named.parse().map(|checkpoint| vec![checkpoint]).map_err(unreadable);
    }
    let text = fs::read_to_string(named).map_err(|error| {
        let errno = error.raw_os_error().unwrap_or(0);
        Failure::Usage(format!(
            "--checkpoint: the file cannot be read (os error {errno}) (audit_checkpoint_unreadable)"
        ))
    })?;
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    let kept: Vec<Checkpoint> = lines.map(str::parse).collect::<Result<_, _>>().map_err(unreadable)?;
    // A file that was emptied must not look like one that agrees.
    if kept.is_empty() { Err(unreadable(ParseCheckpointError)) } else { Ok(kept) }
}

fn opened(file: &Path) -> Result<Box<dyn BufRead>, Failure> {
    if file == Path::new("-") {
        return Ok(Box::new(BufReader::new(io::stdin())));
    }
    let opened = File::open(file).map_err(|error| unread(file, AuditError::from(error)))?;
    Ok(Box::new(BufReader::new(opened)))
}

/// Evidence is written over nothing: not over a ledger, and not over evidence.
fn new_file(file: &Path) -> Result<File, Failure> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(file).map_err(|error| {
        let errno = error.raw_os_error().unwrap_or(0);
        Failure::Usage(format!(
            "the file to export to is there already or cannot be made (os error {errno}) (audit_stream)"
        ))
    })
}

fn unread(file: &Path, error: AuditError) -> Failure {
    Failure::Ledger(format!("{}: {error} ({})", shown(file), error.code()))
}

/// Shows on a terminal how far it is.
fn bar() -> ProgressBar {
    if !telling::is_watched() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new_spinner();
    if let Ok(style) = ProgressStyle::with_template("{spinner} {pos} events, {per_sec}, {elapsed}") {
        bar.set_style(style);
    }
    bar
}

fn as_text(report: &AuditReport, paint: Paint) -> String {
    let mut text = String::new();
    for finding in &report.findings {
        let seq = finding.seq.map_or("-".to_owned(), |seq| seq.to_string());
        let key = finding.key.as_deref().map_or(String::new(), |key| format!("  {}", plain(key)));
        // Writing into a string cannot fail.
        let _ = writeln!(text, "{}  event {seq}  {}{key}", paint.alarm(finding.kind.code()), finding.kind);
    }
    let total = report.findings.total();
    let kept = report.findings.iter().len() as u64;
    if total > kept {
        let _ = writeln!(text, "and {} more", total - kept);
    }
    let verdict =
        if report.is_clean() { "clean".to_owned() } else { paint.alarm(&format!("{total} findings")) };
    let _ = writeln!(
        text,
        "{verdict}: {} events, {} keys, {} retired",
        report.events, report.keys, report.retired
    );
    if let Some(head) = report.head {
        let _ = writeln!(text, "the chain ends at {head}, {}", Utc(head.at_ms));
    }
    text
}
