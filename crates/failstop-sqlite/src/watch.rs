//! The watch on the shared gate: one thread that looks at its file, shows this process's gates what it sees, and has
//! changes recorded.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, mpsc},
    thread,
    time::Duration,
};

use failstop::gate::Gate;
use parking_lot::Mutex;

use crate::{
    fault::OpenError,
    gate_file::{GateFile, GateState},
    identity::beside,
    writer::Command,
};

/// How often the gate is looked at. Attempts in flight are told within 250 ms of a stop; most of that is left for a
/// busy machine.
const PAUSE: Duration = Duration::from_millis(50);

/// Looks for as long as it is not ended.
#[derive(Debug)]
pub(crate) struct Watch {
    watched: Arc<Watched>,
    alive: Option<mpsc::Sender<()>>,
    thread: Option<thread::JoinHandle<()>>,
}

#[derive(Debug)]
struct Watched {
    path: PathBuf,
    ledger_id: String,
    seen: Mutex<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    /// Opened anew when it is back after it was missing or damaged as a whole.
    file: Option<GateFile>,
    /// As it was last read; `None` where it could not be.
    state: Option<GateState>,
    gates: Vec<Gate>,
}

impl Watch {
    /// Looks once, and from then on every so often.
    pub(crate) fn start(
        path: &Path,
        ledger_id: String,
        writer: mpsc::Sender<Command>,
    ) -> Result<Self, OpenError> {
        let path = beside(path, ".gate");
        let watched = Arc::new(Watched { path, ledger_id, seen: Mutex::default() });
        watched.look(&writer);
        let (alive, ending) = mpsc::channel::<()>();
        let looking = Arc::clone(&watched);
        let thread = thread::Builder::new().name("failstop-gate".to_owned());
        let work = move || {
            while ending.recv_timeout(PAUSE) == Err(mpsc::RecvTimeoutError::Timeout) {
                looking.look(&writer);
            }
        };
        let thread = thread.spawn(work).map_err(|_| OpenError::NoThread)?;
        Ok(Self { watched, alive: Some(alive), thread: Some(thread) })
    }

    /// Ends the watch and waits for its thread: it sends to the writer, which ends when nobody can any more.
    pub(crate) fn end(&mut self) {
        self.alive = None;
        // A look at a file of 3 KiB ends soon; one that panicked has ended already.
        let _ = self.thread.take().map(thread::JoinHandle::join);
    }

    /// Shows `gate` what the shared gate says, now and from now on.
    pub(crate) fn attach(&self, gate: &Gate) {
        let mut seen = self.watched.seen.lock();
        show(gate, seen.state.as_ref());
        seen.gates.push(gate.clone());
    }
}

impl Watched {
    /// Looks at the file, shows what is new, and has it recorded.
    fn look(&self, writer: &mpsc::Sender<Command>) {
        let mut seen = self.seen.lock();
        if seen.file.is_none() {
            seen.file = GateFile::open(&self.path, &self.ledger_id).ok();
        }
        let state = seen.file.as_ref().and_then(|file| file.read().ok());
        if state.is_none() {
            seen.file = None;
        }
        if state.is_some() && state != seen.state {
            // This is no wait; and a writer that is gone has nothing to record any more.
            let _ = writer.send(Command::RecordGate);
        }
        for gate in &seen.gates {
            show(gate, state.as_ref());
        }
        seen.state = state;
    }
}

fn show(gate: &Gate, state: Option<&GateState>) {
    gate.reflect(state.map(|state| state.entries().as_slice()));
}
