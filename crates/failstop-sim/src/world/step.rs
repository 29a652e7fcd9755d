//! One atomic step of somebody.

use std::fmt;

/// What happens, to or in which process. For `What::LateEffect` it is nobody's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    pub(super) process: usize,
    pub(super) what: What,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    Open,
    Die,
    Watch,
    LookUp(usize),
    Withdraw(usize),
    Enter(usize),
    Land(usize),
    Learn(usize, End),
    Begin { count: usize },
    TryLock,
    ReadAgain,
    Commit,
    Answer,
    LetGo,
    Latch(usize),
    WriteLatch(usize),
    LookToSettle(usize),
    Settle(usize),
    Acknowledge(usize),
    Prepare(usize),
    Compare(usize),
    WriteRelease(usize),
    LateEffect(u8),
}

/// What an execution learns of its attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Applied,
    Refused,
    Unknown,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let process = self.process;
        match self.what {
            What::LateEffect(key) => write!(f, "a request that was given up has its effect (key {key})"),
            What::Open => write!(f, "process {process} begins to open the ledger"),
            What::Die => write!(f, "process {process} is killed"),
            What::Watch => write!(f, "process {process}, watching, sees that the gate changed"),
            What::LookUp(job) => write!(f, "process {process}, job {job}, looks its key up"),
            What::Withdraw(job) => write!(f, "process {process}, job {job}, is dropped and withdraws"),
            What::Enter(job) => write!(f, "process {process}, job {job}, enters the executor"),
            What::Land(job) => write!(f, "process {process}, job {job}: the effect happens"),
            What::Learn(job, End::Applied) => write!(f, "process {process}, job {job}, hears: applied"),
            What::Learn(job, End::Refused) => write!(f, "process {process}, job {job}, hears: refused"),
            What::Learn(job, End::Unknown) => write!(f, "process {process}, job {job}, hears nothing"),
            What::Begin { count } => write!(f, "process {process} begins a group of {count}"),
            What::TryLock => write!(f, "process {process} tries the shared lock of the epoch it read"),
            What::ReadAgain => write!(f, "process {process} reads the gate again"),
            What::Commit => write!(f, "process {process} commits"),
            What::Answer => write!(f, "process {process} gives the group's answers"),
            What::LetGo => write!(f, "process {process} lets the gate's lock go"),
            What::Latch(_) => write!(f, "process {process}, stopping, reads the gate to change it"),
            What::WriteLatch(_) => write!(f, "process {process}, stopping, writes the latch"),
            What::LookToSettle(_) => write!(f, "process {process}, stopping, reads below what to wait"),
            What::Settle(_) => write!(f, "process {process}, stopping, takes all earlier epochs alone"),
            What::Acknowledge(_) => write!(f, "process {process} acknowledges the stop"),
            What::Prepare(_) => write!(f, "process {process}, releasing, reads the gate"),
            What::Compare(_) => write!(f, "process {process}, releasing, compares the gate"),
            What::WriteRelease(_) => write!(f, "process {process}, releasing, writes the gate"),
        }
    }
}
