//! The thread that writes: reports to standard output, what is said of lines to standard error.

use std::{
    io::{self, Write as _},
    thread,
};

use indicatif::ProgressBar;
use tokio::sync::{mpsc, oneshot};

/// Texts of this size are handed over, bytes; beyond it nothing new begins until they are.
const FULL: usize = 64 * 1024;

/// How many texts may wait to be written.
const PARCELS_AHEAD: usize = 4;

/// What is written in one go.
#[derive(Debug, Default)]
pub struct Parcel {
    reports: String,
    notes: String,
}

/// Collects what is to be written, and has it written by a thread of its own.
pub struct Sink {
    parcel: Parcel,
    to: mpsc::Sender<Parcel>,
    closed: oneshot::Receiver<io::Result<()>>,
}

impl Sink {
    /// A sink that keeps out of the way of `bar`.
    ///
    /// # Errors
    /// Where there is no thread to be had.
    pub fn new(bar: ProgressBar) -> io::Result<Self> {
        let (to, from) = mpsc::channel(PARCELS_AHEAD);
        let (close, closed) = oneshot::channel();
        thread::Builder::new().name("failstop-output".into()).spawn(move || {
            // Nobody listens any more if the run was given up.
            let _ = close.send(write_all(from, &bar));
        })?;
        Ok(Self { parcel: Parcel::default(), to, closed })
    }

    /// Where reports are appended, each with its line break.
    pub fn reports(&mut self) -> &mut String {
        &mut self.parcel.reports
    }

    /// Says something about a line.
    pub fn note(&mut self, message: &str) {
        for text in ["failstop: ", message, "\n"] {
            self.parcel.notes.push_str(text);
        }
    }

    /// Whether more may be collected.
    pub fn has_room(&self) -> bool {
        self.parcel.reports.len().max(self.parcel.notes.len()) < FULL
    }

    /// Whether there is anything to hand over.
    pub fn has_text(&self) -> bool {
        !(self.parcel.reports.is_empty() && self.parcel.notes.is_empty())
    }

    /// Hands over what is collected if the thread has room for it.
    pub fn try_pass_on(&mut self) {
        if let Ok(permit) = self.to.try_reserve() {
            permit.send(self.parcel.take());
        }
    }

    /// Waits for room and hands over what is collected; `false` where standard output is closed.
    pub async fn pass_on(&mut self) -> bool {
        match self.to.reserve().await {
            Ok(permit) => {
                permit.send(self.parcel.take());
                true
            }
            Err(_) => false,
        }
    }

    /// Hands over the rest, and waits until all is written; `false` where standard output is closed.
    pub async fn close(mut self) -> bool {
        if self.has_text() && !self.pass_on().await {
            // Reports have nowhere to go, but what was said of lines still has.
            let _ = io::stderr().write_all(self.parcel.notes.as_bytes());
            return false;
        }
        drop(self.to);
        matches!(self.closed.await, Ok(Ok(())))
    }
}

impl Parcel {
    /// All of it; the place is left with as much room as a full one needs.
    fn take(&mut self) -> Self {
        let fresh = Self { reports: String::with_capacity(FULL + FULL / 8), notes: String::new() };
        std::mem::replace(self, fresh)
    }
}

fn write_all(mut from: mpsc::Receiver<Parcel>, bar: &ProgressBar) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    let mut written = Ok(());
    while let Some(Parcel { reports, notes }) = from.blocking_recv() {
        bar.suspend(|| {
            // A standard error that is closed is no reason to stop.
            let _ = io::stderr().write_all(notes.as_bytes());
            if written.is_ok() {
                written = stdout.write_all(reports.as_bytes()).and_then(|()| stdout.flush());
            }
        });
        if written.is_err() {
            // What is on its way is still taken, for its notes; nothing more is accepted.
            from.close();
        }
    }
    written
}
