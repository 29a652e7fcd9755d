//! A victim's process, held by a handle that can never come to mean another.

use std::{
    fs::{self, File},
    io,
    os::{fd::OwnedFd, unix::process::ExitStatusExt as _},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal},
};

use super::Blow;
use crate::{strike::STRIKE_VARIABLE, vfs::FAULTS_VARIABLE, victim::Life};

/// How a life ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Death {
    /// By SIGKILL.
    Killed,
    /// By itself, with this code.
    Exited(i32),
    /// By another signal, such as an abort: something is wrong with the harness.
    Signalled(i32),
    /// It did not end in time, and was killed.
    Stuck,
}

/// A victim at work.
#[derive(Debug)]
pub struct Victim {
    child: Child,
    handle: OwnedFd,
    stderr: PathBuf,
}

impl Victim {
    /// Starts the program `victim` for this life, under this blow.
    ///
    /// # Errors
    /// Where it cannot be started.
    pub fn start(victim: &Path, life: &Life, blow: Option<&Blow>) -> io::Result<Self> {
        Self::start_with(victim, life, blow, &[])
    }

    /// The same, with these variables in its environment.
    ///
    /// # Errors
    /// Where it cannot be started.
    pub fn start_with(
        victim: &Path,
        life: &Life,
        blow: Option<&Blow>,
        variables: &[(&str, String)],
    ) -> io::Result<Self> {
        let stderr = life.place.directory().join(format!("stderr-{}", life.number));
        let mut command = Command::new(victim);
        command.arg("live").arg(life.place.directory());
        command.args([life.number, life.in_flight].map(|number| number.to_string()));
        command.arg(life.max_total_time_ms.to_string()).args(&life.url);
        command.env_remove(FAULTS_VARIABLE).env_remove(STRIKE_VARIABLE);
        match blow {
            Some(Blow::Faults(plan)) => command.env(FAULTS_VARIABLE, plan.to_string()),
            Some(Blow::Strike(strike)) => command.env(STRIKE_VARIABLE, strike.to_string()),
            Some(Blow::Outside(_)) | None => &mut command,
        };
        command.envs(variables.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(File::create(&stderr)?);
        let child = command.spawn()?;
        let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        let handle = pidfd_open(pid.ok_or(io::ErrorKind::InvalidData)?, PidfdFlags::empty())?;
        Ok(Self { child, handle, stderr })
    }

    /// Another handle of the same process.
    ///
    /// # Errors
    /// Where there are too many already.
    pub fn handle(&self) -> io::Result<OwnedFd> {
        self.handle.try_clone()
    }

    /// Kills it.
    pub fn kill(&self) {
        // One that is dead already needs no signal.
        let _ = pidfd_send_signal(&self.handle, Signal::KILL);
    }

    /// Whether it ends within this time.
    ///
    /// # Errors
    /// Where that cannot be told.
    pub fn ends_within(&self, time: Duration) -> io::Result<bool> {
        let limit = Timespec::try_from(time).map_err(io::Error::other)?;
        Ok(poll(&mut [PollFd::new(&self.handle, PollFlags::IN)], Some(&limit))? > 0)
    }

    /// Waits for its end, and kills it where that does not come within `limit`.
    ///
    /// # Errors
    /// Where it cannot be waited for.
    pub fn wait(&mut self, limit: Duration) -> io::Result<Death> {
        let is_stuck = !self.ends_within(limit)?;
        if is_stuck {
            self.kill();
        }
        let status = self.child.wait()?;
        Ok(match (is_stuck, status.code(), status.signal()) {
            (true, ..) => Death::Stuck,
            (false, Some(code), _) => Death::Exited(code),
            (false, None, Some(signal)) if signal == Signal::KILL.as_raw() => Death::Killed,
            (false, None, signal) => Death::Signalled(signal.unwrap_or_default()),
        })
    }

    /// What it said on standard error.
    ///
    /// # Errors
    /// Where that cannot be read.
    pub fn said(&self) -> io::Result<String> {
        fs::read_to_string(&self.stderr)
    }
}

/// Nobody else would end it where the harness breaks off.
impl Drop for Victim {
    fn drop(&mut self) {
        self.kill();
        let _ = self.child.wait();
    }
}
