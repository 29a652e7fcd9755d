//! The fuzz targets, with whatever bytes a fuzzer comes upon.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use crate::{steps::succeeds, workspace::root};

/// How long each target runs where nothing else is said.
const SECONDS: u32 = 60;

/// What was asked for.
struct Asked<'a> {
    targets: Vec<String>,
    /// One input, to be repeated.
    input: Option<&'a str>,
    seconds: u32,
}

/// Runs the targets that are named, all if none is, or repeats one input: `[TARGET [INPUT]] [--seconds N]`.
pub fn run(options: &[&str]) -> bool {
    let Some(asked) = asked(options) else {
        eprintln!("cargo xtask fuzz [TARGET [INPUT]] [--seconds N]; targets: {}", targets().join(", "));
        return false;
    };
    if !has_cargo_fuzz() {
        eprintln!("cargo-fuzz is not installed: cargo install cargo-fuzz --locked");
        return false;
    }
    match asked.input {
        Some(input) => asked.targets.iter().all(|target| repeat(target, input)),
        // Each on its own: what one finds says nothing of the others.
        None => asked.targets.iter().filter(|target| !fuzz(target, asked.seconds)).count() == 0,
    }
}

fn asked<'a>(options: &[&'a str]) -> Option<Asked<'a>> {
    let (named, seconds) = match options {
        [named @ .., "--seconds", seconds] => (named, seconds.parse().ok()?),
        named => (named, SECONDS),
    };
    let known = targets();
    let is_known = |target: &&str| known.iter().any(|known| known == target);
    match named {
        [] => Some(Asked { targets: known, input: None, seconds }),
        [target] if is_known(target) => {
            Some(Asked { targets: vec![(*target).to_owned()], input: None, seconds })
        }
        [target, input] if is_known(target) => {
            Some(Asked { targets: vec![(*target).to_owned()], input: Some(input), seconds })
        }
        _ => None,
    }
}

/// Every target, by the name of its file.
fn targets() -> Vec<String> {
    let entries = fs::read_dir(root().join("fuzz/fuzz_targets")).into_iter().flatten().flatten();
    let stem = |path: &Path| path.file_stem().map(|stem| stem.to_string_lossy().into_owned());
    let mut targets: Vec<String> = entries.filter_map(|entry| stem(&entry.path())).collect();
    targets.sort();
    targets
}

/// What is new goes below the target directory, so that the committed corpus stays as it is.
fn fuzz(target: &str, seconds: u32) -> bool {
    let grown = root().join("target/fuzz").join(target);
    if fs::create_dir_all(&grown).is_err() {
        eprintln!("target/fuzz cannot be made");
        return false;
    }
    let mut command = cargo_fuzz(target);
    command.arg(grown).arg(corpus(target)).args(["--", &format!("-max_total_time={seconds}")]);
    succeeds(&mut command)
}

fn repeat(target: &str, input: &str) -> bool {
    let committed = corpus(target).join(input);
    let input = if committed.exists() { committed } else { PathBuf::from(input) };
    succeeds(cargo_fuzz(target).arg(input))
}

fn corpus(target: &str) -> PathBuf {
    root().join("fuzz/corpus").join(target)
}

/// Without a sanitizer: it would need a nightly compiler, and has little to look for where `unsafe` is denied.
fn cargo_fuzz(target: &str) -> Command {
    let mut command = Command::new("cargo-fuzz");
    command.args(["fuzz", "run", "--sanitizer", "none", target]).current_dir(root());
    command
}

fn has_cargo_fuzz() -> bool {
    let mut asked = Command::new("cargo-fuzz");
    asked.args(["fuzz", "--version"]).stdout(Stdio::null()).status().is_ok_and(|status| status.success())
}
