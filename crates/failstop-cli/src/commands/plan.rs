//! `failstop plan`: prints plans and executes nothing.

use std::{
    fmt::Write as _,
    io::{self, BufWriter, Write as _},
    path::PathBuf,
};

use clap::Args;
use decision_schema::InputFault;
use failstop::{
    core::report::ReportStyle,
    invalid_input,
    pipeline::{Pipeline, Planned, Submission},
};
use failstop_config::Config;

use crate::{
    clock,
    exit::{Exit, Failure},
    input::{self, Chunks, Lines},
    running::intake::parse,
    stderr,
};

/// What `failstop plan` takes.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  failstop plan decisions.jsonl
  failstop plan decisions.jsonl | jq -r .plan_digest")]
pub struct PlanArgs {
    /// Decisions, one JSON object a line; - is standard input.
    #[arg(value_name = "FILE", default_value = "-")]
    file: PathBuf,
    /// The configuration; default failstop.toml, if there is one.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Effects at once, in place of policy.max_concurrency; it is part of the plan.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=16_777_216))]
    max_concurrency: Option<u32>,
}

/// Prints one object a line: `{"line", "plan_digest", "plan"}`, where the digest is that of the text of `plan`. A line
/// that would be refused has its report in that place.
///
/// # Errors
/// Where the configuration is wrong or standard output is closed.
pub fn plan(args: &PlanArgs) -> Result<Exit, Failure> {
    let config = Config::load(args.config.as_deref())?.with_max_concurrency(args.max_concurrency)?;
    let pipeline = config.pipeline()?;
    let mut chunks = Chunks::new(input::open(&args.file)?.source);
    let mut lines = Lines::default();
    let mut out = BufWriter::new(io::stdout().lock());
    let (mut text, mut exit) = (String::new(), Exit::Done);
    while let Some(chunk) = chunks.next().map_err(|_| input::unreadable())? {
        lines.refill(chunk);
        while let Some(line) = lines.next() {
            text.clear();
            if let Err(message) = plan_line(&pipeline, parse(line.number, line.bytes), line.number, &mut text)
            {
                stderr::say(&message);
                exit = Exit::NotAllDone;
            }
            text.push('\n');
            out.write_all(text.as_bytes()).map_err(|_| Failure::OutputClosed)?;
        }
        out.flush().map_err(|_| Failure::OutputClosed)?;
    }
    Ok(exit)
}

/// Appends the plan, or the report of a line that would be refused and what is to be said of it.
fn plan_line(
    pipeline: &Pipeline,
    parsed: Result<Submission, InputFault>,
    line: u64,
    out: &mut String,
) -> Result<(), String> {
    let submission = parsed.map_err(|fault| {
        invalid_input(Some(line), clock::unix_ms(), &fault).write_json(ReportStyle::default(), out);
        format!("line {line}: {fault} ({})", fault.code())
    })?;
    let Planned { plan, digest } = submission.plan(pipeline).map_err(|refused| {
        refused.report.write_json(ReportStyle::default(), out);
        format!("line {line}: {}", refused.message)
    })?;
    // Writing into a string cannot fail.
    let _ = write!(out, "{{\"line\":{line},\"plan_digest\":\"sha256:{digest}\",\"plan\":{plan}}}");
    Ok(())
}
