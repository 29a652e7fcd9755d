//! The writer: one thread, one connection, and all that came in while the last group was being flushed in one
//! transaction.
//!
//! A group is: the files' identity, the write lock, the chain's end, the gate under its shared lock (where the group has
//! starts), the steps, COMMIT, the identity again, the answers, and only then the gate's lock is let go.

mod chain;
mod command;
mod gate;
mod group;
mod steps;

use std::{
    path::{Path, PathBuf},
    sync::{Arc, mpsc},
    thread,
    time::Duration,
};

pub(crate) use chain::{Head, Saying};
pub(crate) use command::{ClaimedKey, Command, RecordCommand, ResolveCommand, StartCommand};
pub(crate) use gate::{last_epoch, recorded, write_first};
use rusqlite::Connection;
pub(crate) use steps::{Broken, Plainly, Steps, plainly_known, report_in};

use crate::{
    clock, connection,
    fault::OpenError,
    gate_file::GateFile,
    housekeeping,
    identity::{Identity, beside},
    ledger::Options,
    owner::Owner,
};

/// The most commands in one transaction: as many as one flush takes to write down.
const MAX_GROUP: usize = 1_024;

/// A group of so many waits for no more: their work outweighs the flush they share.
const SHARED_ENOUGH: usize = 64;

/// How often old records are looked after, milliseconds.
const HOUSEKEEPING_MS: i64 = 60_000;

/// How long an idle writer sleeps.
const IDLE: Duration = Duration::from_secs(60);

/// The writer's side of a ledger.
pub(crate) struct Writer {
    path: PathBuf,
    connection: Connection,
    head: Head,
    owner: Owner,
    ledger_id: String,
    gate: Option<GateFile>,
    identity: Identity,
    retention_ms: i64,
    /// How long a group waits for the next command while more executions are under way than are in it.
    gathering: Duration,
    /// Ends without effect (OPEN) whose group was not written. Were they forgotten while this owner lives, its next
    /// start under the key would count them as given up. There are no more of them than executions under way.
    unwritten: Vec<Arc<RecordCommand>>,
    /// How many commands were in the last group.
    last_group: usize,
    /// When old records are looked after next, Unix wall time in milliseconds.
    housekeeping_at_ms: i64,
}

impl Writer {
    pub(crate) fn new(
        path: &Path,
        connection: Connection,
        owner: Owner,
        ledger_id: String,
        Options { retention_ms, tuning }: Options,
    ) -> Result<Self, OpenError> {
        connection::tune(&connection, &tuning)?;
        let head = Head::load(&connection)?;
        let identity = Identity::of(path).map_err(|_| OpenError::NotWritable { errno: 0 })?;
        let path = path.to_owned();
        let mut writer = Self {
            path,
            connection,
            head,
            owner,
            ledger_id,
            gate: None,
            identity,
            retention_ms,
            gathering: tuning.gathering,
            unwritten: Vec::new(),
            last_group: 0,
            housekeeping_at_ms: i64::MIN,
        };
        writer.open_gate();
        Ok(writer)
    }

    /// A gate that is missing or damaged means stop, until it is back.
    fn open_gate(&mut self) {
        self.gate = GateFile::open(&beside(&self.path, ".gate"), &self.ledger_id).ok();
    }

    /// Hands everything to a thread of its own. It ends, all commands done, when the queue's last sender is dropped;
    /// the receiver that comes back then says so.
    pub(crate) fn start(mut self) -> Result<(mpsc::Sender<Command>, mpsc::Receiver<()>), OpenError> {
        let (queue, commands) = mpsc::channel();
        let (ended, has_ended) = mpsc::channel();
        let thread = thread::Builder::new().name("failstop-writer".to_owned());
        let work = move || {
            self.serve(&commands);
            drop(self);
            drop(ended);
        };
        thread.spawn(work).map_err(|_| OpenError::NoThread)?;
        Ok((queue, has_ended))
    }

    fn serve(&mut self, commands: &mpsc::Receiver<Command>) {
        loop {
            match commands.recv_timeout(IDLE) {
                Ok(first) => {
                    let group = self.gather(first, commands);
                    self.commit_group(group);
                }
                Err(mpsc::RecvTimeoutError::Timeout) => {}
                Err(mpsc::RecvTimeoutError::Disconnected) => return,
            }
            self.keep_house();
        }
    }

    /// All that has come, and what is about to: whoever was answered by the last flush is back in moments, and would
    /// miss this one by as little, so that every flush would serve half of those in flight. One alone waits for nobody.
    fn gather(&mut self, first: Command, commands: &mpsc::Receiver<Command>) -> Vec<Command> {
        let mut group = vec![first];
        loop {
            group.extend(commands.try_iter().take(MAX_GROUP - group.len()));
            let is_one_of_many = group.len() > 1 || self.last_group > 1;
            let is_full = group.len() >= self.owner.keys.held_count().min(SHARED_ENOUGH);
            if is_full || !is_one_of_many {
                break;
            }
            let Ok(next) = commands.recv_timeout(self.gathering) else { break };
            group.push(next);
        }
        self.last_group = group.len();
        group
    }

    /// Retires old records, now and then.
    pub(crate) fn keep_house(&mut self) {
        let now_ms = clock::unix_ms();
        // A clock that was set back must not put it off for long.
        let is_due =
            now_ms >= self.housekeeping_at_ms || self.housekeeping_at_ms > now_ms + 2 * HOUSEKEEPING_MS;
        if is_due {
            self.housekeeping_at_ms = now_ms + HOUSEKEEPING_MS;
            housekeeping::retire_old(self, now_ms.saturating_sub(self.retention_ms));
        }
    }

    /// Runs `work` in one transaction; `None` where it could not be made durable.
    pub(crate) fn transact<T>(
        &mut self,
        work: impl FnOnce(&mut Steps<'_>) -> Result<T, Broken>,
    ) -> Option<T> {
        let done = group::transact(self, work);
        if let Err(Broken::Sqlite(error)) = &done {
            // SQLite's own text may have what was bound; its code has not.
            let code = error.sqlite_error().map_or(0, |error| error.extended_code);
            tracing::error!(code, "a group was not written");
        }
        done.ok()
    }

    pub(crate) fn owner(&self) -> &Owner {
        &self.owner
    }

    pub(crate) const fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Opens the connection that writes; see [`connection::open_writer`].
    pub(crate) fn connect(path: &Path) -> Result<Connection, OpenError> {
        connection::open_writer(path)
    }
}
