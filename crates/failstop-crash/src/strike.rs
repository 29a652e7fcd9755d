//! Deaths that strike at a moment of one attempt, rather than at a write.

use std::{fmt, str::FromStr};

use rustix::process::{Pid, PidfdFlags, Signal, getppid, pidfd_open, pidfd_send_signal};

use crate::decision::names;

/// When in an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Moment {
    /// The executor is called; nothing was sent or started.
    Entered,
    /// Just before the effect, where it happens: in the victim, its program or the server.
    BeforeAct,
    /// Just after it.
    AfterAct,
    /// The executor has its answer, and the engine has not.
    Answered,
    /// The report is written.
    Reported,
}

names!(Moment {
    Entered => "entered",
    BeforeAct => "before-act",
    AfterAct => "after-act",
    Answered => "answered",
    Reported => "reported",
});

/// SIGKILL to the victim at a moment of an attempt under a key. Text: `MOMENT@KEY/ATTEMPT`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Strike {
    /// When.
    pub moment: Moment,
    /// Under which key.
    pub key: String,
    /// In which attempt, from 0; of no account where a report was written.
    pub attempt: u32,
}

/// The environment variable that names the strike of a victim's life.
pub const STRIKE_VARIABLE: &str = "FAILSTOP_STRIKE";

/// The text is no strike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a strike is MOMENT@KEY/ATTEMPT")]
pub struct BadStrike;

impl Strike {
    /// Whether this is the moment.
    pub fn is_at(&self, moment: Moment, key: &str, attempt: u32) -> bool {
        self.moment == moment && self.key == key && (self.attempt == attempt || moment == Moment::Reported)
    }
}

impl fmt::Display for Strike {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}/{}", self.moment, self.key, self.attempt)
    }
}

impl FromStr for Strike {
    type Err = BadStrike;

    fn from_str(text: &str) -> Result<Self, BadStrike> {
        let (moment, at) = text.split_once('@').ok_or(BadStrike)?;
        let (key, attempt) = at.rsplit_once('/').ok_or(BadStrike)?;
        Ok(Self {
            moment: Moment::from_name(moment).ok_or(BadStrike)?,
            key: key.to_owned(),
            attempt: attempt.parse().map_err(|_| BadStrike)?,
        })
    }
}

/// SIGKILL to this process, so that nothing of it runs any more: no destructor, no handler, no flush.
///
/// # Panics
/// Where the system refuses that.
pub fn die() -> ! {
    rustix::process::kill_process(rustix::process::getpid(), Signal::KILL)
        .expect("a process may kill itself");
    loop {
        std::thread::park();
    }
}

/// SIGKILL to the victim that started this program, and to nobody else: where it is no longer our parent it is dead
/// already.
pub fn kill_parent(victim: u32) {
    let victim = i32::try_from(victim).ok().and_then(Pid::from_raw);
    let Some(victim) = victim.filter(|victim| getppid() == Some(*victim)) else { return };
    let Ok(handle) = pidfd_open(victim, PidfdFlags::empty()) else { return };
    // Asked again, now that the handle cannot come to mean another process any more.
    if getppid() == Some(victim) {
        let _ = pidfd_send_signal(handle, Signal::KILL);
    }
}
