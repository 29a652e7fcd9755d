//! The thread that writes: reports to standard output, packets to their file, what is said of lines to standard error.

use std::{
    fs::File,
    io::{self, Write as _},
    thread,
};

use decision_schema::Value;
use failstop::core::{model::ExecutionReport, trace::add_execution_trace};
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
    packets: String,
    notes: String,
}

/// What could not be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lost {
    /// Standard output is closed.
    Reports,
    /// The file of packets cannot be written.
    Packets,
}

/// Collects what is to be written, and has it written by a thread of its own.
pub struct Sink {
    parcel: Parcel,
    wants_packets: bool,
    to: mpsc::Sender<Parcel>,
    closed: oneshot::Receiver<Result<(), Lost>>,
}

impl Sink {
    /// A sink that keeps out of the way of `bar`, and appends packets to `packets`.
    ///
    /// # Errors
    /// Where there is no thread to be had.
    pub fn new(bar: ProgressBar, packets: Option<File>) -> io::Result<Self> {
        let (to, from) = mpsc::channel(PARCELS_AHEAD);
        let wants_packets = packets.is_some();
        let (close, closed) = oneshot::channel();
        thread::Builder::new().name("failstop-output".into()).spawn(move || {
            // Nobody listens any more if the run was given up.
            let _ = close.send(write_all(from, packets, &bar));
        })?;
        Ok(Self { parcel: Parcel::default(), wants_packets, to, closed })
    }

    /// Where reports are appended, each with its line break.
    pub fn reports(&mut self) -> &mut String {
        &mut self.parcel.reports
    }

    /// Appends the packet of a report, with its trace, where packets are wanted.
    pub fn packet(&mut self, report: &ExecutionReport) {
        let Some(packet) = report.packet.as_ref().filter(|_| self.wants_packets) else { return };
        let mut packet = packet.clone();
        let external = packet.get("external").and_then(Value::as_object).cloned().unwrap_or_default();
        packet.insert("external", add_execution_trace(&external, report));
        Value::Object(packet).write_to(&mut self.parcel.packets);
        self.parcel.packets.push('\n');
    }

    /// Says something about a line.
    pub fn note(&mut self, message: &str) {
        for text in ["failstop: ", message, "\n"] {
            self.parcel.notes.push_str(text);
        }
    }

    /// Whether more may be collected.
    pub fn has_room(&self) -> bool {
        let Parcel { reports, packets, notes } = &self.parcel;
        reports.len().max(packets.len()).max(notes.len()) < FULL
    }

    /// Whether there is anything to hand over.
    pub fn has_text(&self) -> bool {
        !(self.parcel.reports.is_empty() && self.parcel.packets.is_empty() && self.parcel.notes.is_empty())
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

    /// Hands over the rest, and waits until all is written.
    ///
    /// # Errors
    /// Where something could not be.
    pub async fn close(mut self) -> Result<(), Lost> {
        if self.has_text() && !self.pass_on().await {
            // Reports have nowhere to go, but what was said of lines still has.
            let _ = io::stderr().write_all(self.parcel.notes.as_bytes());
        }
        drop(self.to);
        self.closed.await.unwrap_or(Err(Lost::Reports))
    }
}

impl Parcel {
    /// All of it; the place is left with as much room as a full one needs.
    fn take(&mut self) -> Self {
        let fresh = Self {
            reports: String::with_capacity(FULL + FULL / 8),
            packets: String::new(),
            notes: String::new(),
        };
        std::mem::replace(self, fresh)
    }
}

fn write_all(
    mut from: mpsc::Receiver<Parcel>,
    mut to_packets: Option<File>,
    bar: &ProgressBar,
) -> Result<(), Lost> {
    let mut stdout = io::stdout().lock();
    let mut written = Ok(());
    while let Some(Parcel { reports, packets, notes }) = from.blocking_recv() {
        bar.suspend(|| {
            // A standard error that is closed is no reason to stop.
            let _ = io::stderr().write_all(notes.as_bytes());
            if written.is_ok() {
                let flushed = stdout.write_all(reports.as_bytes()).and_then(|()| stdout.flush());
                written = flushed.map_err(|_| Lost::Reports).and(append(to_packets.as_mut(), &packets));
            }
        });
        if written.is_err() {
            // What is on its way is still taken, for its notes; nothing more is accepted.
            from.close();
        }
    }
    written
}

/// One write a line, so that several runs may append to one file.
fn append(file: Option<&mut File>, packets: &str) -> Result<(), Lost> {
    let Some(file) = file else { return Ok(()) };
    packets
        .split_inclusive('\n')
        .try_for_each(|line| file.write_all(line.as_bytes()))
        .map_err(|_| Lost::Packets)
}
