//! [`SqliteLedger`]: the trait's steps as messages to the writer's and the reader's threads.

use std::{
    fmt,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    time::Duration,
};

use failstop::core::ledger::Beginning;
use failstop::{
    core::{
        ledger::{EventKind, Resolution, body},
        model::ExecutionReport,
        orchestrator::KeyState,
        stop::Scope,
    },
    gate::Gate,
    ledger::{
        Claim, Evidence, Keys, Known, Ledger, LedgerFuture, LedgerUnavailable, NotStarted, Record, Start,
        Started,
    },
    locks::{AttemptLock, OwnerLock},
};
use tokio::sync::oneshot;

use crate::{
    birth,
    fault::{OpenError, ResolveError},
    housekeeping,
    owner::Owner,
    reader::{Reader, Seen},
    rows::Said,
    tuning::Tuning,
    watch::Watch,
    writer::{
        ClaimedKey, Command, Plainly, RecordCommand, ResolveCommand, StartCommand, Writer, plainly_known,
        report_in,
    },
};

/// How long a closing ledger waits for its writer. A disk that hangs must not keep a process from ending.
const CLOSING: Duration = Duration::from_secs(5);

/// The most evidence that may wait to be written. Denials can come faster than any disk.
const MAX_PENDING_NOTES: usize = 65_536;

/// How often a key is looked at that another process holds.
const FREED_PAUSE: Duration = Duration::from_millis(25);

/// 30 days, milliseconds.
const RETENTION_MS: i64 = 30 * 86_400_000;

/// What may be chosen about a ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Options {
    /// How long finished keys are kept for replays, milliseconds; default 30 days.
    pub retention_ms: i64,
    pub(crate) tuning: Tuning,
}

impl Default for Options {
    fn default() -> Self {
        Self { retention_ms: RETENTION_MS, tuning: Tuning::DEFAULT }
    }
}

impl Options {
    /// With finished keys kept for so long, milliseconds.
    #[must_use]
    pub const fn retention_ms(mut self, retention_ms: i64) -> Self {
        self.retention_ms = retention_ms;
        self
    }

    /// With other figures of speed. Not part of the interface.
    #[doc(hidden)]
    #[must_use]
    pub const fn tuning(mut self, tuning: Tuning) -> Self {
        self.tuning = tuning;
        self
    }
}

/// Who resolves a key, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolver {
    /// A person's or a program's name.
    pub who: String,
    /// Why; must say something.
    pub reason: String,
    /// What it rests on: a ticket, a receipt.
    pub evidence: Option<String>,
}

/// The embedded ledger: one SQLite file, shared by as many processes of one machine as open it.
///
/// Dropping it lets its writer finish; what dies with the process is what a SIGKILL would leave.
pub struct SqliteLedger {
    owner: Owner,
    reader: Reader,
    writer: Option<mpsc::Sender<Command>>,
    writer_has_ended: parking_lot::Mutex<mpsc::Receiver<()>>,
    watch: Watch,
    pending_notes: Arc<AtomicUsize>,
    is_new: bool,
    recovered: usize,
    /// Let go of last, when the writer has ended: until then this owner lives.
    _lock: OwnerLock,
}

impl fmt::Debug for SqliteLedger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteLedger").field("owner", &self.owner.id).finish_non_exhaustive()
    }
}

impl SqliteLedger {
    /// Opens the ledger at `path`, or makes it. Keys that dead owners left in the middle of an attempt are recovered
    /// before this returns.
    ///
    /// # Errors
    /// Where the file is no ledger, a newer one, damaged, locked, on a network filesystem, or cannot be written.
    pub fn open(path: &Path, options: Options) -> Result<Self, OpenError> {
        let born = birth::open_or_make(path)?;
        let owner = born.owner;
        let mut writer = Writer::new(path, born.connection, owner.clone(), born.ledger_id.clone(), options)?;
        let recovered = housekeeping::recover(&mut writer).unwrap_or(0);
        writer.keep_house();
        let reader = Reader::start(path, owner.clone())?;
        let (writer, has_ended) = writer.start()?;
        let watch = Watch::start(path, born.ledger_id, writer.clone())?;
        Ok(Self {
            owner,
            reader,
            writer: Some(writer),
            writer_has_ended: has_ended.into(),
            watch,
            pending_notes: Arc::default(),
            is_new: born.is_new,
            recovered,
            _lock: born.lock,
        })
    }

    /// Whether there was no ledger before.
    pub const fn is_new(&self) -> bool {
        self.is_new
    }

    /// How many keys were found in doubt when it was opened.
    pub const fn recovered(&self) -> usize {
        self.recovered
    }

    /// Waits until everything that was recorded or noted so far is durable, five seconds at the most; whether it is.
    /// Blocking.
    pub fn flush(&self) -> bool {
        let (done, is_done) = mpsc::sync_channel(1);
        self.send(Command::Flush(done)).is_ok() && is_done.recv_timeout(CLOSING).is_ok()
    }

    /// Says what happened under a key in doubt, for good; answers the report that it stands at from now on. After
    /// `not_applied` a resubmission may run again, if attempts are left. Blocking.
    ///
    /// # Errors
    /// Where the key is unknown, is not in doubt, or may still be having its effect; or no reason is given.
    pub fn resolve(
        &self,
        key: &str,
        resolution: Resolution,
        resolver: &Resolver,
    ) -> Result<ExecutionReport, ResolveError> {
        if resolver.reason.trim().is_empty() {
            return Err(ResolveError::ReasonMissing);
        }
        let command = ResolveCommand {
            key: key.to_owned(),
            resolution,
            who: resolver.who.clone(),
            reason: resolver.reason.clone(),
            evidence: resolver.evidence.clone(),
        };
        let (answer, answered) = mpsc::sync_channel(1);
        self.send(Command::Resolve(Box::new(command), answer))
            .map_err(|_| ResolveError::LedgerUnavailable)?;
        answered.recv().unwrap_or(Err(ResolveError::LedgerUnavailable))
    }

    /// Has changes of the gate recorded that nobody has recorded yet, soon.
    pub(crate) fn record_gate(&self) {
        // Without a writer there is nothing to record it in.
        let _ = self.send(Command::RecordGate);
    }

    /// Records that a scope of the gate is about to be released, behind every change of the gate up to now; whether it
    /// is durable. Blocking.
    pub(crate) fn announce_release(
        &self,
        scope: Scope,
        expected_epoch: u64,
        who: &str,
        reason: &str,
    ) -> bool {
        let (announced, is_announced) = mpsc::sync_channel(1);
        let body = body::release(scope, who, reason);
        let command = Command::Announce { expected_epoch, body, announced };
        self.send(command).is_ok() && is_announced.recv().unwrap_or(false)
    }

    fn send(&self, command: Command) -> Result<(), LedgerUnavailable> {
        self.writer.as_ref().ok_or(LedgerUnavailable)?.send(command).map_err(|_| LedgerUnavailable)
    }

    async fn know(&self, claim: Claim<'_>) -> Result<Known, LedgerUnavailable> {
        if self.owner.has_lost_ledger() {
            return Err(LedgerUnavailable);
        }
        match self.reader.look_up(claimed(claim)).await? {
            Seen::Fresh => Ok(Known::Fresh),
            Seen::Retired => Ok(Known::Expired),
            Seen::Orphaned(claim) => {
                let (answer, answered) = oneshot::channel();
                self.send(Command::Recover(claim, answer))?;
                answered.await.map_err(|_| LedgerUnavailable)?
            }
            Seen::Kept(row, sight, body) => match plainly_known(sight, &row.record) {
                Plainly::Known(known) => Ok(known),
                Plainly::Reported(with_report) => {
                    let report = body.as_deref().and_then(report_in).ok_or(LedgerUnavailable)?;
                    Ok(with_report(report, &row.record))
                }
            },
        }
    }

    async fn begin(&self, start: Start<'_>) -> Result<Started, NotStarted> {
        let (answer, answered) = oneshot::channel();
        let key = start.claim.key.to_owned();
        let attempt = start.attempt;
        self.send(Command::Start(Box::new(self.starting(start)), answer))
            .map_err(|_| NotStarted::Unavailable)?;
        let mut withdrawal = Withdrawal { ledger: self, start: Some((key, attempt)) };
        let started = answered.await.unwrap_or(Err(NotStarted::Unavailable));
        withdrawal.start = None;
        match started {
            Err(NotStarted::Unavailable) if self.owner.has_lost_ledger() => Err(NotStarted::Lost),
            started => started,
        }
    }

    fn starting(&self, start: Start<'_>) -> StartCommand {
        let Start { claim, attempt, is_new_work, may_outlive_process, gate, report_if_lost } = start;
        let beginning = Beginning {
            fingerprint: claim.fingerprint,
            // Given by the writer, and not part of the body.
            fence: 0,
            attempt,
            owner: self.owner.id,
            may_repeat: claim.may_repeat_effect,
        };
        StartCommand {
            claim: claimed(claim),
            attempt,
            is_new_work,
            may_outlive_process,
            said: Said::from(report_if_lost),
            body: body::started(&beginning, is_new_work, gate.is_exempt(), report_if_lost),
            gate,
        }
    }

    async fn write_down(&self, record: Record<'_>) -> Result<(), LedgerUnavailable> {
        let command = Arc::new(RecordCommand {
            key: record.key.to_owned(),
            fence: record.fence,
            attempt: record.attempt,
            state: record.state,
            said: Said::from(record.report),
            body: body::stands(record.report),
        });
        if record.state == KeyState::Open {
            // If it is lost, the key is in doubt, which is pessimistic and true. It is before the next start in any
            // case, since all go through one queue.
            return self.send(Command::Record(command, None));
        }
        let (answer, answered) = oneshot::channel();
        self.send(Command::Record(command, Some(answer)))?;
        answered.await.unwrap_or(Err(LedgerUnavailable))
    }
}

/// Tells the writer that a start which nobody waits for any more was not entered.
struct Withdrawal<'l> {
    ledger: &'l SqliteLedger,
    start: Option<(String, u32)>,
}

impl Drop for Withdrawal<'_> {
    fn drop(&mut self) {
        if let Some((key, attempt)) = self.start.take() {
            self.ledger.withdraw(&key, attempt);
        }
    }
}

fn claimed(claim: Claim<'_>) -> ClaimedKey {
    ClaimedKey {
        key: claim.key.to_owned(),
        fingerprint: claim.fingerprint,
        may_repeat: claim.may_repeat_effect,
    }
}

impl Ledger for SqliteLedger {
    fn keys(&self) -> &Keys {
        &self.owner.keys
    }

    fn look_up<'a>(&'a self, claim: Claim<'a>) -> LedgerFuture<'a, Result<Known, LedgerUnavailable>> {
        Box::pin(self.know(claim))
    }

    fn freed<'a>(&'a self, _key: &'a str) -> LedgerFuture<'a, ()> {
        Box::pin(tokio::time::sleep(FREED_PAUSE))
    }

    fn start<'a>(&'a self, start: Start<'a>) -> LedgerFuture<'a, Result<Started, NotStarted>> {
        Box::pin(self.begin(start))
    }

    fn withdraw(&self, key: &str, attempt: u32) {
        // Without a writer nothing was started.
        let _ = self.send(Command::Withdraw { key: key.to_owned(), attempt });
    }

    fn record<'a>(&'a self, record: Record<'a>) -> LedgerFuture<'a, Result<(), LedgerUnavailable>> {
        Box::pin(self.write_down(record))
    }

    fn note(&self, evidence: Evidence<'_>) {
        if self.pending_notes.fetch_add(1, Ordering::Relaxed) >= MAX_PENDING_NOTES {
            self.pending_notes.fetch_sub(1, Ordering::Relaxed);
            tracing::error!("evidence was lost: it comes faster than the ledger can write it");
            return;
        }
        let pending = PendingNote(Arc::clone(&self.pending_notes));
        let command = match evidence {
            Evidence::Denied(report) => Command::Note {
                kind: EventKind::Denied,
                key: report.idempotency_key.clone(),
                fence: None,
                body: body::stands(report),
                pending,
            },
            Evidence::Late { key, fence, attempt, effect } => Command::Note {
                kind: EventKind::Late,
                key: Some(key.to_owned()),
                fence: Some(fence),
                body: body::late(attempt, effect.as_str()),
                pending,
            },
        };
        // A ledger that is gone keeps no evidence; the report says so.
        let _ = self.send(command);
    }

    fn attach(&self, gate: &Gate) {
        self.watch.attach(gate);
    }

    fn hold_attempt(&self, fence: u64) -> Option<AttemptLock> {
        self.owner.locks.prepare_attempt(fence).ok()
    }
}

/// Counts one note as pending until it is dropped.
#[derive(Debug)]
pub(crate) struct PendingNote(Arc<AtomicUsize>);

impl Drop for PendingNote {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Drop for SqliteLedger {
    fn drop(&mut self) {
        self.watch.end();
        self.reader.end(CLOSING);
        self.writer = None;
        // The end of the channel is the end of the writer, who is the last to close the file.
        let _ = self.writer_has_ended.lock().recv_timeout(CLOSING);
    }
}
