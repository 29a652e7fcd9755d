//! A directory with a configuration, and the program run in it.

use std::{
    fs,
    io::Write as _,
    path::PathBuf,
    process::{Child, Command, Output, Stdio},
};

use decision_schema::{Value, json};

/// A directory of its own for one test.
pub struct Shop {
    directory: tempfile::TempDir,
}

/// What a run said.
pub struct Said {
    /// The exit code.
    pub code: i32,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

/// Idempotency off and everything done by nothing.
pub const NOOP: &str = "[policy.idempotency]\nenabled = false\n[executor]\nkind = \"noop\"\n";

impl Shop {
    /// A directory without a configuration.
    pub fn bare() -> Self {
        Self { directory: tempfile::tempdir().unwrap() }
    }

    /// A directory with this configuration.
    pub fn with(config: &str) -> Self {
        let shop = Self::bare();
        shop.write("failstop.toml", config);
        shop
    }

    /// A directory whose every action is carried out by the shell script `body`, under these further keys.
    pub fn with_script(body: &str, policy: &str) -> Self {
        let shop = Self::with(&format!(
            "{}\n[policy.idempotency]\nenabled = false\n[executor]\nkind = \"command\"\nprogram = \"./act.sh\"\n",
            patient(policy)
        ));
        shop.script("act.sh", body);
        shop
    }

    /// A directory whose every action is carried out by the shell script `body`, its ledger being a file.
    pub fn keyed(body: &str, more: &str) -> Self {
        let more = patient(more);
        let shop = Self::with(&format!("{more}\n[executor]\nkind = \"command\"\nprogram = \"./act.sh\"\n"));
        shop.script("act.sh", body);
        shop
    }

    /// Writes a file.
    pub fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        fs::write(self.path(name), text).unwrap();
    }

    /// Writes a shell script that can be started. Another process writes it: what is written here is open in whatever
    /// other tests start meanwhile, and nothing can be started while it is open for writing.
    pub fn script(&self, name: &str, body: &str) {
        let mut writer = Command::new("/bin/sh")
            .args(["-c", "cat > \"$0\" && chmod 755 \"$0\""])
            .arg(self.path(name))
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        write!(writer.stdin.take().unwrap(), "#!/bin/sh\n{body}\n").unwrap();
        assert!(writer.wait().unwrap().success());
    }

    /// Reads a file; empty where there is none.
    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    /// The path of a file.
    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// The program with these arguments, to be started here in an environment that has no settings.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_failstop"));
        command.args(args).current_dir(self.directory.path()).env_clear();
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command
    }

    /// Runs the program with `input` on standard input.
    pub fn run(&self, args: &[&str], input: impl AsRef<[u8]>) -> Said {
        run_command(self.command(args), input)
    }
}

/// These keys, with so much time for each execution that only a hang reaches its end; unless they name their own.
fn patient(keys: &str) -> String {
    if keys.contains("[policy.timeout]") {
        return keys.to_owned();
    }
    format!("[policy.timeout]\ntimeout_per_action_ms = 600000\nmax_total_time_ms = 600000\n{keys}")
}

/// Runs `command` with `input` on standard input.
pub fn run_command(mut command: Command, input: impl AsRef<[u8]>) -> Said {
    let mut child = spawn(&mut command);
    let mut stdin = child.stdin.take().unwrap();
    let input = input.as_ref().to_vec();
    let writer = std::thread::spawn(move || {
        // A program that stops reading is what some tests are about.
        let _ = stdin.write_all(&input);
    });
    let said = child.wait_with_output().unwrap().into();
    writer.join().unwrap();
    said
}

/// Starts `command` with pipes.
pub fn spawn(command: &mut Command) -> Child {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

impl From<Output> for Said {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Said {
    /// Standard output as JSON, line by line.
    pub fn reports(&self) -> Vec<Value> {
        self.stdout.lines().map(|line| json::parse(line.as_bytes()).unwrap()).collect()
    }
}

/// The string at `key`, or `null`.
pub fn text<'v>(report: &'v Value, key: &str) -> &'v str {
    report.get(key).and_then(Value::as_str).unwrap_or("null")
}

/// The integer at `key`.
pub fn number(report: &Value, key: &str) -> i64 {
    report.get(key).and_then(Value::as_i64).unwrap()
}

/// A decision as a line, with `n` in its params.
pub fn decision(action: &str, n: usize) -> String {
    format!(
        "{{\"decision\":{{\"action\":\"{action}\",\"params\":{{\"domain:n\":{n}}}}},\"run_id\":\"test\",\"step\":{n}}}\n"
    )
}
