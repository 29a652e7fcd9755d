//! `failstop run`: executes decisions.

use std::path::PathBuf;

use clap::Args;
use failstop::core::report::ReportStyle;

use crate::{
    clock::Stopwatch,
    config::Config,
    exit::{Exit, Failure},
    input,
    ledger::RunLedger,
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
    /// Decisions, one JSON object a line; - is standard input.
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
    let runtime = runtime::current_thread()?;
    // What is wrong with the rest of the configuration is said before a ledger is made.
    config.engine()?;
    let ledger = RunLedger::open(&config)?;
    let engine = config.engine_on(ledger.shared())?;
    let options = RunOptions {
        ordered: args.ordered,
        style: ReportStyle { extended_trace: config.settings.flag("trace.extended") },
        bar: telling::bar(!args.no_progress),
    };
    let watch = Stopwatch::start();
    let ended = runtime.block_on(async {
        engine.prove_stop().await.map_err(|_| Failure::Machine(STOP_NOT_PROVEN))?;
        let runner = Runner::new(engine, execute, input, options);
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
