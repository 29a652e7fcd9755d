//! Programs as executors.
//!
//! A program runs in a process group of its own with a cleaned environment. It finds its request, one JSON object, on
//! standard input, and may answer with one on standard output. It counts as running until its whole group has ended:
//! descendants that outlive the leader belong to the attempt. Told to stop, the group gets TERM, and KILL at the end of
//! the grace.
//!
//! Where the attempt has a lock, the program inherits it under a number of 10 or above, and its descendants with it;
//! the attempt counts as running until the last of them has let go of it. So one that left the group (`setsid`,
//! `setpgid`), which no signal of ours reaches, is waited for: the attempt's time ends unconfirmed, and slot and key
//! stay held. The lock also outlives this process, so that an orphan is never taken for ended.
//!
//! **Who escapes:** a descendant that has left the group and has closed the descriptor of the lock, as daemons do that
//! close all they do not know; and without a lock whoever has left the group. That is outside of what is promised.

mod capture;
mod exit;
mod group;
mod members;
mod probe;
mod spawn;
mod spec;

use std::time::Duration;

use execution_orchestration_core::model::EffectClass;
pub use probe::{ProbeAnswer, probe};
use rustix::process::Signal;
pub use spec::{CommandSpec, DEFAULT_INHERITED_ENV, DEFAULT_MAX_OUTPUT_BYTES};
use tokio::time::timeout;

use self::{capture::Capture, group::Group};
use super::{Answer, Attempt, Cancel, Executor, Urgency, request};

/// How long output is waited for after the end of the whole group. What is in the pipe is read in any case; only a
/// process that left the group can keep the pipe open.
const LAST_OUTPUT: Duration = Duration::from_millis(100);

/// Carries a decision out by starting a program.
///
/// Effects: exit 0 is `applied`, 75 `not_applied`, other codes and death by a signal `unknown`, all unless configured
/// otherwise; a program that does not exist or cannot be executed is `rejected`; one that could not be started for want
/// of resources is `not_applied`. An answer on standard output says it more precisely.
#[derive(Debug, Clone)]
pub struct CommandExecutor {
    spec: CommandSpec,
}

impl CommandExecutor {
    /// An executor that starts this program. Whether the program exists is found out at use.
    pub const fn new(spec: CommandSpec) -> Self {
        Self { spec }
    }

    /// What was configured.
    pub const fn spec(&self) -> &CommandSpec {
        &self.spec
    }
}

/// Ends the group, gently until the end of the grace. Output is read on, so that a program that prints while it cleans
/// up is not held up.
async fn stop(group: &mut Group, capture: &mut Capture, cancel: &Cancel) {
    group.signal(Signal::TERM);
    tokio::select! {
        biased;
        _ = group.ended() => return,
        () = cancel.at_least(Urgency::Kill) => {}
        never = capture.read_for_ever() => match never {},
    }
    group.signal(Signal::KILL);
    tokio::select! {
        biased;
        _ = group.ended() => {}
        never = capture.read_for_ever() => match never {},
    }
}

impl Executor for CommandExecutor {
    async fn run<'a>(&'a self, attempt: Attempt<'a>) -> Answer {
        // Both are asked for before there is a process, so that the engine never takes one for ended that it cannot see.
        let (cancel, hold) = (attempt.cancel(), attempt.hold());
        let mut leader = match spawn::spawn(&self.spec, &request::to_json(&attempt), attempt.lock) {
            Ok(leader) => leader,
            Err(answer) => return answer,
        };
        let mut capture = Capture::new(&mut leader, self.spec.max_output_bytes);
        let mut group = Group::new(leader, attempt.lock, hold);
        let status = tokio::select! {
            biased;
            status = group.ended() => status,
            () = cancel.at_least(Urgency::Signal) => {
                stop(&mut group, &mut capture, &cancel).await;
                return Answer::unknown().with_code("stopped");
            }
            never = capture.read_for_ever() => match never {},
        };
        // Whether it ends in time or not, what was read so far is what there is.
        let _ = timeout(LAST_OUTPUT, capture.read_to_end()).await;
        let (stdout_bytes, stderr_bytes) = (capture.stdout_bytes(), capture.stderr_bytes());
        tracing::debug!(stdout_bytes, stderr_bytes, "program ended");
        exit::interpret(status, capture.whole_stdout(), &self.spec.exit_effects)
    }

    fn name(&self) -> &str {
        &self.spec.name
    }

    fn effect_class(&self) -> EffectClass {
        self.spec.effect_class
    }

    fn may_outlive_process(&self) -> bool {
        true
    }
}
