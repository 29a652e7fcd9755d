//! `failstop run`: executes decisions.

use std::{
    fs::{File, OpenOptions},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use clap::Args;
use failstop::core::report::ReportStyle;
use failstop_config::Config;

use crate::{
    clock::Stopwatch,
    exit::{Exit, Failure},
    input,
    ledger::open_for_run,
    running::{RunOptions, Runner, execute, telling},
    runtime, stderr,
};

/// What `failstop run` takes.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  failstop run decisions.jsonl > reports.jsonl
  producer | failstop run --ordered | jq .status
  echo '{\"decision\": {\"action\": \"HOLD\"}, \"run_id\": \"demo\", \"step\": 1}' | failstop run")]
pub struct RunArgs {
    /// Decisions and proposals, one JSON object a line; - is standard input.
    #[arg(value_name = "FILE", default_value = "-")]
    file: PathBuf,
    /// The configuration; default failstop.toml, if there is one.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Print reports in the order of the lines, not as executions end.
    #[arg(long)]
    ordered: bool,
    /// Effects at once, in place of policy.max_concurrency.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=16_777_216))]
    max_concurrency: Option<u32>,
    /// Append the packets of executions to this file, one JSON object a line; made where there is none.
    #[arg(long, value_name = "FILE")]
    packets: Option<PathBuf>,
    /// Show no progress on a terminal.
    #[arg(long)]
    no_progress: bool,
}

const STOP_NOT_PROVEN: &str =
    "the self-test failed: a stopped gate let a decision through; nothing is executed";

/// Runs to the end of the input, or to a signal.
///
/// # Errors
/// Where it cannot be begun, or standard output is closed.
pub fn run(args: &RunArgs) -> Result<Exit, Failure> {
    let config = Config::load(args.config.as_deref())?.with_max_concurrency(args.max_concurrency)?;
    let input = input::open(&args.file)?;
    let packets = args.packets.as_deref().map(open_packets).transpose()?;
    let runtime = runtime::current_thread()?;
    // What is wrong with the rest of the configuration is said before a ledger is made.
    config.pipeline()?;
    let ledger = open_for_run(&config)?;
    let pipeline = config.pipeline_on(ledger.shared())?;
    let options = RunOptions {
        ordered: args.ordered,
        style: ReportStyle { extended_trace: config.settings.flag("trace.extended") },
        bar: telling::bar(!args.no_progress),
        packets,
    };
    let watch = Stopwatch::start();
    let ended = runtime.block_on(async {
        pipeline.engine().prove_stop().await.map_err(|_| Failure::Machine(STOP_NOT_PROVEN))?;
        let runner = Runner::new(pipeline, execute, input, options);
        runner.map_err(|_| Failure::Machine("no thread or signal handler to be had"))?.run().await
    });
    // Whatever was abandoned may never end.
    runtime.shutdown_background();
    if !ledger.flush() {
        stderr::say("the ledger did not take down all evidence of this run (ledger_unavailable)");
    }
    let run = ended?;
    if telling::is_watched() {
        stderr::say(&run.tally.summary(watch.elapsed()));
    }
    Ok(run.exit)
}

/// Packets hold what proposers saw: nobody else may read a file that is made for them.
fn open_packets(path: &Path) -> Result<File, Failure> {
    OpenOptions::new().append(true).create(true).mode(0o600).open(path).map_err(|error| {
        let errno = error.raw_os_error().unwrap_or(0);
        Failure::Usage(format!(
            "the file of packets cannot be opened (os error {errno}) (packets_unwritable)"
        ))
    })
}
