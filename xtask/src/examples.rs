//! The examples: real decisions, executed by the release build, shown as they end.

use std::{
    fs,
    io::{self, BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use decision_schema::{Value, json};

use crate::{
    reports,
    steps::succeeds,
    workspace::{cargo, release_binary, root, scratch},
};

const SERVER: &str = "example-http-targets";
const ADDRESS_IN_CONFIG: &str = "127.0.0.1:8080";

const LOOK_NEXT: &str = "
Look next at
  examples/ops-automation/README.md   why each line ended as it did
  examples/http/README.md             the same over HTTP
  examples/day/README.md              a day of proposals: cargo xtask example day
  target/examples/                    the reports as they were written, and what the programs did
  cargo run --release -p failstop-cli -- plan examples/ops-automation/decisions.jsonl
                                      what would be done, without doing it
  ARCHITECTURE.md                     how it works
";

/// Both examples.
pub fn demo() -> bool {
    let succeeded = ops_automation() & http();
    print!("{LOOK_NEXT}");
    succeeded
}

/// Decisions of an ops pipeline, carried out by a program.
pub fn ops_automation() -> bool {
    let here = root().join("examples").join("ops-automation");
    let scratch = scratch("ops-automation");
    if !succeeds(&mut cargo(&["build", "--release", "-p", "failstop-cli"])) {
        return false;
    }
    println!("\nexamples/ops-automation: decisions of an ops pipeline, carried out by ./act.sh\n");
    let ran = afresh(&scratch)
        .and_then(|()| run_failstop(&here.join("decisions.jsonl"), &here.join("failstop.toml"), &scratch));
    if let Ok(journal) = fs::read_to_string(scratch.join("journal.txt")) {
        println!("\nWhat act.sh did (journal.txt):\n{}", indented(&journal));
    }
    said(ran)
}

/// Decisions carried out over HTTP, against a server that is started for it.
pub fn http() -> bool {
    let here = root().join("examples").join("http");
    let scratch = scratch("http");
    if !succeeds(&mut cargo(&["build", "--release", "-p", "failstop-cli", "-p", SERVER])) {
        return false;
    }
    println!("\nexamples/http: decisions carried out over HTTP, against a server of difficult targets\n");
    said(afresh(&scratch).and_then(|()| against_server(&here, &scratch)))
}

/// A day of proposals through the whole pipeline, its waits on a clock that does not wait.
pub fn day() -> bool {
    succeeds(&mut cargo(&["run", "--quiet", "--release", "-p", "failstop", "--example", "day"]))
}

fn against_server(here: &Path, scratch: &Path) -> io::Result<()> {
    let mut server = Server::start()?;
    let config = scratch.join("failstop.toml");
    let template = fs::read_to_string(here.join("failstop.toml"))?;
    fs::write(&config, template.replace(ADDRESS_IN_CONFIG, &server.address))?;
    let ran = run_failstop(&here.join("decisions.jsonl"), &config, scratch);
    let effects = server.stop()?;
    println!("\nWhat the server saw:\n{}", indented(&effects));
    ran
}

/// The targets of `examples/http`, in a process that ends when its standard input does.
struct Server {
    process: Child,
    output: Box<dyn BufRead>,
    address: String,
}

impl Server {
    fn start() -> io::Result<Self> {
        let mut process =
            Command::new(release_binary(SERVER)).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let output = process.stdout.take().ok_or_else(|| io::Error::other("the server has no output"))?;
        let mut output: Box<dyn BufRead> = Box::new(BufReader::new(output));
        let mut address = String::new();
        output.read_line(&mut address)?;
        Ok(Self { process, output, address: address.trim().to_owned() })
    }

    /// Stops it, and returns what it has to say.
    fn stop(&mut self) -> io::Result<String> {
        drop(self.process.stdin.take());
        let mut seen = String::new();
        io::Read::read_to_string(&mut self.output, &mut seen)?;
        self.process.wait()?;
        Ok(seen)
    }
}

/// Nobody else would end it if the example breaks off.
impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Runs `failstop run` and shows each report when it comes; keeps all in `reports.jsonl`. Exit status 1 is what is
/// expected: some decisions are there to be denied or to fail.
fn run_failstop(decisions: &Path, config: &Path, scratch: &Path) -> io::Result<()> {
    let subjects = subjects(decisions)?;
    let stderr_path = scratch.join("stderr.txt");
    let mut child = Command::new(release_binary("failstop"))
        .arg("run")
        .arg(decisions)
        .arg("--config")
        .arg(config)
        .stdout(Stdio::piped())
        .stderr(fs::File::create(&stderr_path)?)
        .spawn()?;
    let stdout = child.stdout.take().ok_or_else(|| io::Error::other("failstop has no output"))?;
    let shown = show(BufReader::new(stdout), &subjects, &scratch.join("reports.jsonl"));
    let status = child.wait()?;
    println!("\n{}", indented(&fs::read_to_string(&stderr_path)?));
    shown?;
    match status.code() {
        Some(0 | 1) => Ok(()),
        _ => Err(io::Error::other(format!("failstop ended with {status}"))),
    }
}

fn show(reports: impl BufRead, subjects: &[String], kept_in: &Path) -> io::Result<()> {
    let mut kept = fs::File::create(kept_in)?;
    println!("{}", reports::head());
    for line in reports.lines() {
        let line = line?;
        writeln!(kept, "{line}")?;
        let subject = |number: usize| subjects.get(number - 1).cloned().unwrap_or_default();
        println!("{}", reports::describe(&line, subject).unwrap_or(line));
    }
    println!("\nOne report a line: {}", below_root(kept_in).display());
    Ok(())
}

/// What each line of the input asks for, for people.
fn subjects(decisions: &Path) -> io::Result<Vec<String>> {
    let subject = |line: &str| {
        let line = json::parse(line.as_bytes()).ok()?;
        let params = line.get("decision").unwrap_or(&line).get("params")?.clone();
        let text = |name| params.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        Some(format!("{} {}", text("ops:operation"), text("ops:target")))
    };
    Ok(fs::read_to_string(decisions)?.lines().map(|line| subject(line).unwrap_or_default()).collect())
}

fn afresh(directory: &Path) -> io::Result<()> {
    if directory.exists() {
        fs::remove_dir_all(directory)?;
    }
    fs::create_dir_all(directory)
}

fn said(result: io::Result<()>) -> bool {
    result.map_err(|fault| eprintln!("the example broke off: {fault}")).is_ok()
}

fn below_root(path: &Path) -> PathBuf {
    path.strip_prefix(root()).map_or_else(|_| path.to_path_buf(), Path::to_path_buf)
}

fn indented(text: &str) -> String {
    text.lines().flat_map(|line| ["  ", line, "\n"]).collect()
}
