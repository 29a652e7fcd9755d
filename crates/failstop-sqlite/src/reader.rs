//! The reader: looks keys up beside the writer, many in one snapshot.

use std::{path::Path, sync::mpsc, thread, time::Duration};

use failstop::{core::ledger::Sight, ledger::LedgerUnavailable};
use parking_lot::Mutex;
use rusqlite::Connection;
use tokio::sync::oneshot;

use crate::{
    connection,
    fault::OpenError,
    owner::Owner,
    rows::{self, KeyRow},
    writer::ClaimedKey,
};

/// The most look-ups in one snapshot.
const MAX_BATCH: usize = 256;

/// What the tables say of a key.
#[derive(Debug)]
pub(crate) enum Seen {
    /// Nothing.
    Fresh,
    /// Its record was retired.
    Retired,
    /// Its owner died in an attempt: the writer must record that first.
    Orphaned(ClaimedKey),
    /// A record, what it means, and the body of the event with its report, where that is needed.
    Kept(KeyRow, Sight, Option<String>),
}

type Answer = oneshot::Sender<Result<Seen, LedgerUnavailable>>;

/// Hands look-ups to the reader's thread, which ends with it.
#[derive(Debug)]
pub(crate) struct Reader {
    queue: Option<mpsc::Sender<(ClaimedKey, Answer)>>,
    has_ended: Mutex<mpsc::Receiver<()>>,
}

impl Reader {
    pub(crate) fn start(path: &Path, owner: Owner) -> Result<Self, OpenError> {
        let connection = connection::open_reader(path)?;
        let (queue, asked) = mpsc::channel();
        let (ended, has_ended) = mpsc::channel();
        let work = move || {
            serve(&connection, &owner, &asked);
            drop(connection);
            drop(ended);
        };
        let thread = thread::Builder::new().name("failstop-reader".to_owned());
        thread.spawn(work).map_err(|_| OpenError::NoThread)?;
        Ok(Self { queue: Some(queue), has_ended: has_ended.into() })
    }

    /// Lets the thread end, and waits so long at most until it has closed the file.
    pub(crate) fn end(&mut self, at_most: Duration) {
        self.queue = None;
        // The end of the channel is the end of the thread.
        let _ = self.has_ended.lock().recv_timeout(at_most);
    }

    pub(crate) async fn look_up(&self, claim: ClaimedKey) -> Result<Seen, LedgerUnavailable> {
        let (answer, answered) = oneshot::channel();
        let queue = self.queue.as_ref().ok_or(LedgerUnavailable)?;
        queue.send((claim, answer)).map_err(|_| LedgerUnavailable)?;
        answered.await.map_err(|_| LedgerUnavailable)?
    }
}

fn serve(connection: &Connection, owner: &Owner, asked: &mpsc::Receiver<(ClaimedKey, Answer)>) {
    while let Ok(first) = asked.recv() {
        let batch: Vec<_> = std::iter::once(first).chain(asked.try_iter().take(MAX_BATCH - 1)).collect();
        let snapshot = connection.unchecked_transaction();
        for (claim, answer) in batch {
            let seen = match &snapshot {
                Ok(snapshot) => see(snapshot, owner, claim).map_err(|_| LedgerUnavailable),
                Err(_) => Err(LedgerUnavailable),
            };
            // Whoever does not wait any more needs no answer.
            let _ = answer.send(seen);
        }
    }
}

fn see(connection: &Connection, owner: &Owner, claim: ClaimedKey) -> rusqlite::Result<Seen> {
    let Some(row) = rows::load(connection, &claim.key)? else {
        return Ok(if rows::is_retired(connection, &claim.key)? { Seen::Retired } else { Seen::Fresh });
    };
    let is_alive = owner.is_someone_at(&row.record);
    let sight = row.record.sight(claim.fingerprint, claim.may_repeat, is_alive);
    Ok(match sight {
        Sight::Orphaned => Seen::Orphaned(claim),
        Sight::Reused | Sight::InProgress => Seen::Kept(row, sight, None),
        Sight::Resumable { .. } | Sight::Finished | Sight::InDoubt => {
            Seen::Kept(row, sight, Some(rows::body(connection, row.last_event)?))
        }
    })
}
