//! How a command ends: exit codes, and what stops one before it has begun.

use std::process::ExitCode;

use failstop_config::fault::InvalidConfig;

use crate::stderr;

/// The exit codes, which scripts rely on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// 0: every decision ended `success` or `skipped`.
    Done,
    /// 1: some were denied, failed or unknown, or lines were bad or left unread; what was asked for was refused.
    NotAllDone,
    /// 2: usage or configuration.
    Usage,
    /// 3: our fault: a ledger that is lost, reports that could not be written, a bug.
    OurFault,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Done => 0,
            Exit::NotAllDone => 1,
            Exit::Usage => 2,
            Exit::OurFault => 3,
        })
    }
}

/// Why a command could not do its work.
#[derive(Debug)]
pub enum Failure {
    /// What was asked for cannot be done; the message names no input text.
    Usage(String),
    /// The configuration is wrong.
    Config(InvalidConfig),
    /// Standard output cannot be written.
    OutputClosed,
    /// The file of packets cannot be written any more.
    PacketsUnwritable,
    /// The ledger cannot be opened, read or written.
    Ledger(String),
    /// What was asked for is refused; the message names no input text.
    Refused(String),
    /// The machine refused what we need, such as threads.
    Machine(&'static str),
}

impl Failure {
    /// Says it on standard error, and what to exit with.
    pub fn say(&self) -> Exit {
        let (message, exit) = match self {
            Self::Usage(message) => (message.clone(), Exit::Usage),
            Self::Ledger(message) => (message.clone(), Exit::OurFault),
            Self::Refused(message) => (message.clone(), Exit::NotAllDone),
            Self::Config(invalid) => (invalid.to_string(), Exit::Usage),
            Self::OutputClosed => {
                ("standard output cannot be written (output_closed)".to_owned(), Exit::OurFault)
            }
            Self::PacketsUnwritable => {
                ("the file of packets cannot be written (packets_unwritable)".to_owned(), Exit::OurFault)
            }
            Self::Machine(what) => ((*what).to_owned(), Exit::OurFault),
        };
        stderr::say(&message);
        exit
    }
}

impl From<InvalidConfig> for Failure {
    fn from(invalid: InvalidConfig) -> Self {
        Self::Config(invalid)
    }
}
