//! The reader: looks keys up beside the writer, many in one snapshot.

use std::{path::Path, sync::mpsc, thread};

use failstop::{core::ledger::Sight, ledger::LedgerUnavailable};
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

/// Hands look-ups to the reader's thread, which ends when the last of these is dropped.
#[derive(Debug)]
pub(crate) struct Reader {
    queue: mpsc::Sender<(ClaimedKey, Answer)>,
}

impl Reader {
    pub(crate) fn start(path: &Path, owner: Owner) -> Result<Self, OpenError> {
        let connection = connection::open_reader(path)?;
        let (queue, asked) = mpsc::channel();
        let thread = thread::Builder::new().name("failstop-reader".to_owned());
        thread.spawn(move || serve(&connection, &owner, &asked)).map_err(|_| OpenError::NoThread)?;
        Ok(Self { queue })
    }

    pub(crate) async fn look_up(&self, claim: ClaimedKey) -> Result<Seen, LedgerUnavailable> {
        let (answer, answered) = oneshot::channel();
        self.queue.send((claim, answer)).map_err(|_| LedgerUnavailable)?;
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
