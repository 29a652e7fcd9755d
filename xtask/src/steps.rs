//! Steps that are announced, timed and summed up.

use std::{
    process::Command,
    time::{Duration, Instant},
};

/// Steps in the order in which they were made.
#[derive(Default)]
pub struct Steps {
    done: Vec<Step>,
}

struct Step {
    name: &'static str,
    took: Duration,
    succeeded: bool,
}

impl Steps {
    /// Runs `commands` as one step: all of them, until one fails.
    pub fn step(&mut self, name: &'static str, commands: impl IntoIterator<Item = Command>) {
        self.check(name, || commands.into_iter().all(|mut command| succeeds(&mut command)));
    }

    /// Runs `check` as one step.
    #[expect(clippy::disallowed_methods, reason = "people want to know how long a step takes")]
    pub fn check(&mut self, name: &'static str, check: impl FnOnce() -> bool) {
        println!("\n==> {name}");
        let start = Instant::now();
        let succeeded = check();
        let took = start.elapsed();
        println!("<== {name}: {}, {:.1} s", verdict(succeeded), took.as_secs_f64());
        self.done.push(Step { name, took, succeeded });
    }

    /// Prints the table of all steps, and returns whether all succeeded.
    pub fn sum_up(&self) -> bool {
        println!("\n{:<28} {:>9}  result", "step", "time");
        for step in &self.done {
            println!("{:<28} {:>7.1} s  {}", step.name, step.took.as_secs_f64(), verdict(step.succeeded));
        }
        self.done.iter().all(|step| step.succeeded)
    }
}

const fn verdict(succeeded: bool) -> &'static str {
    if succeeded { "ok" } else { "FAILED" }
}

/// Runs `command` to its end. One that cannot be started counts as failed, and is named.
pub fn succeeds(command: &mut Command) -> bool {
    match command.status() {
        Ok(status) => status.success(),
        Err(fault) => {
            eprintln!("{} cannot be started: {fault}", command.get_program().to_string_lossy());
            false
        }
    }
}
