//! Everything that must hold before a change is done.

use std::process::Command;

use crate::{
    python,
    steps::Steps,
    workspace::{cargo, root},
};

const NO_STD_CRATES: &[&str] =
    &["decision-modulation-core", "decision-schema", "execution-orchestration-core", "ops-health-core"];

/// A target without an operating system: what builds there cannot use `std`, nor can anything it depends on.
const BARE_METAL: &str = "thumbv7em-none-eabi";

/// Runs all checks, whatever the earlier ones say, and returns whether all succeeded.
pub fn run() -> bool {
    let mut steps = Steps::default();
    steps.step("format", [cargo(&["fmt", "--all", "--check"])]);
    steps.step(
        "lints",
        [cargo(&["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"])],
    );
    steps.step("cores without std", [no_std()]);
    steps.step("tests", [cargo(&["test", "--workspace", "--locked", "--all-targets", "--no-fail-fast"])]);
    steps.step("atomics", atomics());
    steps.step("examples in docs", [cargo(&["test", "--workspace", "--locked", "--doc"])]);
    steps.step("docs", [docs()]);
    steps.check("python", python::test);
    steps.sum_up()
}

/// The rooms with atomics in every interleaving, seconds once built: a package of its own with a place of its own to be
/// built in, so that neither build makes the other begin again.
fn atomics() -> [Command; 3] {
    let of_models = |arguments: &[&str]| {
        let mut command = cargo(arguments);
        command.current_dir(root().join("loom")).env("CARGO_TARGET_DIR", root().join("target/loom"));
        command
    };
    [
        of_models(&["fmt", "--check"]),
        of_models(&["clippy", "--locked", "--all-targets", "--", "-D", "warnings"]),
        of_models(&["test", "--locked", "--no-fail-fast"]),
    ]
}

fn no_std() -> Command {
    let mut command = cargo(&["build", "--locked", "--no-default-features"]);
    command.args(NO_STD_CRATES.iter().flat_map(|name| ["-p", name]));
    if has_bare_metal() {
        command.args(["--target", BARE_METAL]);
    } else {
        println!("target {BARE_METAL} is not installed: `#![no_std]` alone is the referee");
    }
    command
}

fn has_bare_metal() -> bool {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let libdir = Command::new(rustc).args(["--print", "target-libdir", "--target", BARE_METAL]).output().ok();
    libdir
        .and_then(|output| String::from_utf8(output.stdout).ok())
        .is_some_and(|libdir| std::path::Path::new(libdir.trim()).is_dir())
}

fn docs() -> Command {
    let mut command = cargo(&["doc", "--workspace", "--no-deps", "--locked"]);
    command.env("RUSTDOCFLAGS", "-D warnings");
    command
}
