//! How fast the binary is: a million decisions with `noop`, and how soon it is there.

use std::{
    fmt::Write as _,
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use crate::{machine::children_cpu_s, rounds, table::Row};

const DECISIONS: u32 = 1_000_000;
const RUNS: usize = 3;
const STARTS: usize = 30;

/// No ledger, no keys: what is measured is reading, deciding, reporting and writing.
const CONFIG: &str =
    "[policy.idempotency]\nenabled = false\n[ledger]\nkind = \"memory\"\n[executor]\nkind = \"noop\"\n";

pub fn measure() -> Vec<Row> {
    let what = "failstop run, noop, no ledger";
    match Bench::prepare() {
        Ok(bench) => {
            let rows = bench.measure();
            let _ = fs::remove_dir_all(&bench.scratch);
            rows
        }
        Err(why) => vec![Row::skipped(what, why)],
    }
}

/// The binary and its files.
struct Bench {
    failstop: PathBuf,
    scratch: PathBuf,
}

impl Bench {
    fn prepare() -> Result<Self, &'static str> {
        let own = std::env::current_exe().map_err(|_| "no path of our own")?;
        let failstop = own.with_file_name("failstop");
        build()?;
        let scratch = std::env::temp_dir().join(format!("failstop-bench-{}", std::process::id()));
        write_inputs(&scratch).map_err(|_| "no room for the input")?;
        Ok(Self { failstop, scratch })
    }

    fn measure(&self) -> Vec<Row> {
        let mut rows = self.throughput();
        let version = self.start_ms(|command| command.arg("--version"));
        let one_line = self.start_ms(|command| self.run(command, "one.jsonl"));
        rows.push(
            Row::new("start-up, failstop --version", format!("{version:.1} ms"))
                .reach("<= 20 ms", version <= 20.0),
        );
        rows.push(
            Row::new("start-up, failstop run on one line", format!("{one_line:.1} ms"))
                .reach("<= 20 ms", one_line <= 20.0),
        );
        rows
    }

    fn throughput(&self) -> Vec<Row> {
        let (pinned, mut command) = self.on_one_core();
        self.run(&mut command, "decisions.jsonl");
        let mut figures: Vec<(f64, f64)> = (0..RUNS).map(|_| timed(&mut command)).collect();
        figures.sort_by(|a, b| a.0.total_cmp(&b.0));
        let (wall_s, cpu_s) = figures[RUNS / 2];
        let per_s = f64::from(DECISIONS) / wall_s;
        let what = if pinned {
            "failstop run, noop, no ledger, one core"
        } else {
            "failstop run, noop, no ledger (not pinned: no taskset)"
        };
        vec![
            Row::new(what, format!("{per_s:.0} decisions/s")).reach(">= 200000/s", per_s >= 200_000.0),
            Row::new(
                "  of that, user and system time",
                format!("{:.2} us a decision", cpu_s * 1e6 / f64::from(DECISIONS)),
            ),
        ]
    }

    fn on_one_core(&self) -> (bool, Command) {
        let has_taskset = Command::new("taskset").arg("--version").stdout(Stdio::null()).status().is_ok();
        if has_taskset {
            let mut command = Command::new("taskset");
            command.args(["-c", "0"]).arg(&self.failstop);
            (true, command)
        } else {
            (false, Command::new(&self.failstop))
        }
    }

    fn run<'a>(&self, command: &'a mut Command, input: &str) -> &'a mut Command {
        let config = self.scratch.join("failstop.toml");
        command.arg("run").arg(self.scratch.join(input)).arg("--config").arg(config).stdout(Stdio::null())
    }

    fn start_ms(&self, arguments: impl for<'a> Fn(&'a mut Command) -> &'a mut Command) -> f64 {
        let mut command = Command::new(&self.failstop);
        arguments(&mut command).stdout(Stdio::null()).stderr(Stdio::null());
        let samples = (0..STARTS).map(|_| rounds::time(|| succeed(&mut command)).as_secs_f64() * 1e3);
        rounds::median(samples.collect())
    }
}

/// Wall seconds and processor seconds.
fn timed(command: &mut Command) -> (f64, f64) {
    let cpu_before_s = children_cpu_s();
    let wall = rounds::time(|| succeed(command));
    (wall.as_secs_f64(), children_cpu_s() - cpu_before_s)
}

fn succeed(command: &mut Command) {
    let status = command.status().expect("the binary starts");
    assert!(status.success(), "the binary failed: {status}");
}

fn build() -> Result<(), &'static str> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let built = Command::new(cargo).args(["build", "--quiet", "--release", "-p", "failstop-cli"]).status();
    built.ok().filter(std::process::ExitStatus::success).map(|_| ()).ok_or("failstop-cli does not build")
}

fn write_inputs(scratch: &Path) -> io::Result<()> {
    fs::create_dir_all(scratch)?;
    fs::write(scratch.join("failstop.toml"), CONFIG)?;
    fs::write(scratch.join("one.jsonl"), line(0))?;
    let mut decisions = io::BufWriter::new(fs::File::create(scratch.join("decisions.jsonl"))?);
    for number in 0..DECISIONS {
        decisions.write_all(line(number).as_bytes())?;
    }
    decisions.flush()
}

fn line(number: u32) -> String {
    let mut line = String::with_capacity(256);
    let _ = writeln!(
        line,
        r#"{{"decision":{{"action":"ACT","reasons":["threshold"],"params":{{"ops:operation":"scale","ops:target":"web-{}","ops:replicas":{}}}}},"context":{{"now_ms":{},"ops_state":"GREEN"}},"run_id":"run-{}","step":{}}}"#,
        number % 100,
        number % 9,
        1_767_225_600_000_u64 + u64::from(number),
        number / 1000,
        number % 1000,
    );
    line
}
