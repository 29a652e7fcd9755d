//! The gate of one process: latched levels per scope, a watched file beside them, and the call that wakes everybody.
//!
//! Reading is a few atomic loads. Engaging is cheap, idempotent and never fails; releasing wants the epoch it releases
//! and a reason. Whatever cannot be read means stop (INV-EXE-4).

mod mirror;
mod watched_file;

use std::sync::Arc;

use decision_schema::Action;
use execution_orchestration_core::{
    stop::{GateEntry, Level, Scope, StopCode, Verdict},
    time::Timestamp,
};
use mirror::Mirror;
pub use watched_file::{WatchError, WatchedFile};

use crate::{
    clock::{self, Clock},
    sync::{
        Mutex, Notified, Notify, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
};

/// The scopes that can be latched: global, then one per action.
const SCOPES: usize = 1 + Action::ALL.len();

/// The kill switch of one process. Clones share one gate.
#[derive(Debug, Clone)]
pub struct Gate {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    /// `epoch << 2 | level` per scope: all that a check reads.
    latches: [AtomicU64; SCOPES],
    /// Why and when, per scope; the lock orders the writers.
    changes: Mutex<Changes>,
    watched: Option<WatchedFile>,
    /// The gate of the ledger, where it has one.
    shared: OnceLock<Mirror>,
    staleness: Option<Staleness>,
    stirred: Notify,
}

#[derive(Debug)]
struct Changes {
    epoch: u64,
    reasons: [String; SCOPES],
    at_ms: [i64; SCOPES],
}

#[derive(Debug)]
struct Staleness {
    clock: Clock,
    max_ms: u64,
    /// When the watched file was last looked at, or somebody said so.
    refreshed_at: AtomicU64,
    /// When the shared gate was last read.
    shared_refreshed_at: AtomicU64,
}

/// Why a gate was not released.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReleaseError {
    /// It changed since the epoch that was named.
    #[error("the gate's epoch is {actual}, not {expected}")]
    EpochMismatch {
        /// The epoch that was named.
        expected: u64,
        /// The epoch in force.
        actual: u64,
    },
    /// Nobody said why.
    #[error("a release needs a reason")]
    ReasonMissing,
    /// The scope cannot be latched.
    #[error("scope {scope} is not latched and cannot be released")]
    NotLatched {
        /// The scope that was named.
        scope: Scope,
    },
}

impl Gate {
    /// A gate at `run`, epoch 1.
    pub fn new() -> Self {
        Self::with_sources(None, 0)
    }

    /// A gate that also obeys a watched file, and that counts as stale where [`Gate::refresh`] was not called for
    /// `max_staleness_ms` (0: need not be called).
    pub fn with_sources(watched: Option<WatchedFile>, max_staleness_ms: u64) -> Self {
        let staleness = (max_staleness_ms > 0).then(|| Staleness {
            clock: Clock::new(),
            max_ms: max_staleness_ms,
            refreshed_at: AtomicU64::new(0),
            shared_refreshed_at: AtomicU64::new(0),
        });
        let has_file = watched.is_some();
        let gate = Self {
            inner: Arc::new(Inner {
                latches: std::array::from_fn(|_| AtomicU64::new(pack(Level::Run, 1))),
                changes: Mutex::new(Changes {
                    epoch: 1,
                    reasons: Default::default(),
                    at_ms: [clock::unix_ms(); SCOPES],
                }),
                watched,
                shared: OnceLock::new(),
                staleness,
                stirred: Notify::new(),
            }),
        };
        if has_file {
            watched_file::keep_watching(&gate);
        }
        gate
    }

    /// What the gate means for `action` now, every source included.
    #[inline]
    pub fn verdict(&self, action: Action) -> Verdict {
        let Inner { latches, watched, shared, staleness, .. } = &*self.inner;
        if watched.is_some() || staleness.is_some() || shared.get().is_some() {
            return latched(latches, action).or(self.verdict_of_sources(action));
        }
        // Returned as it was made: a choice between verdicts that are ready is made by a copy (6 ns of a refusal).
        latched(latches, action)
    }

    /// What the sources beside the gate's own latches mean.
    fn verdict_of_sources(&self, action: Action) -> Verdict {
        let Inner { watched, shared, staleness, .. } = &*self.inner;
        let shared = shared.get();
        shared
            .map_or(Verdict::RUN, |shared| shared.verdict(action))
            .or(watched.as_ref().map_or(Verdict::RUN, WatchedFile::verdict))
            .or(staleness.as_ref().map_or(Verdict::RUN, |staleness| {
                staleness.verdict(watched.is_some() || shared.is_none(), shared.is_some())
            }))
    }

    /// Shows this process what a ledger's shared gate says: every entry as it was read, or `None` where it could not be,
    /// which means stop. From the first call on the gate obeys it too; a change wakes every wait.
    pub fn reflect(&self, shared: Option<&[GateEntry]>) {
        if let (Some(_), Some(staleness)) = (shared, &self.inner.staleness) {
            staleness.note(&staleness.shared_refreshed_at);
        }
        if self.inner.shared.get_or_init(Mirror::new).show(shared) {
            self.stir();
        }
    }

    /// Raises `scope` to at least `level` and returns the epoch in force. Raising what is already there changes
    /// nothing; a latch is never lowered by this.
    pub fn engage(&self, scope: Scope, level: Level, reason: &str) -> u64 {
        // A scope that cannot be latched stops everything rather than nothing.
        let at = index(scope).unwrap_or(0);
        let epoch = {
            let mut changes = self.inner.changes.lock();
            let (current, epoch) = unpack(self.inner.latches[at].load(Ordering::Acquire));
            if level <= current { epoch } else { self.write(&mut changes, at, level, reason) }
        };
        self.stir();
        epoch
    }

    /// Lowers `scope` to `run`, if `expected_epoch` is the epoch of its last change.
    ///
    /// # Errors
    /// Where somebody changed it since, where no reason is given, or where the scope is no latch.
    pub fn release(&self, scope: Scope, expected_epoch: u64, reason: &str) -> Result<u64, ReleaseError> {
        let at = index(scope).ok_or(ReleaseError::NotLatched { scope })?;
        if reason.trim().is_empty() {
            return Err(ReleaseError::ReasonMissing);
        }
        let epoch = {
            let mut changes = self.inner.changes.lock();
            let (level, actual) = unpack(self.inner.latches[at].load(Ordering::Acquire));
            if actual != expected_epoch {
                return Err(ReleaseError::EpochMismatch { expected: expected_epoch, actual });
            }
            if level == Level::Run { actual } else { self.write(&mut changes, at, Level::Run, reason) }
        };
        self.stir();
        Ok(epoch)
    }

    fn write(&self, changes: &mut Changes, at: usize, level: Level, reason: &str) -> u64 {
        changes.epoch += 1;
        reason.clone_into(&mut changes.reasons[at]);
        changes.at_ms[at] = clock::unix_ms();
        self.inner.latches[at].store(pack(level, changes.epoch), Ordering::Release);
        changes.epoch
    }

    /// Every latch as `status` shows it: global first.
    pub fn entries(&self) -> Vec<GateEntry> {
        let changes = self.inner.changes.lock();
        scopes()
            .enumerate()
            .map(|(at, scope)| {
                let (level, epoch) = unpack(self.inner.latches[at].load(Ordering::Acquire));
                GateEntry {
                    scope,
                    level,
                    epoch,
                    reason: changes.reasons[at].clone(),
                    at_ms: changes.at_ms[at],
                }
            })
            .collect()
    }

    /// Says that the gate's sources have been looked at just now; see [`Gate::with_sources`].
    pub fn refresh(&self) {
        if let Some(staleness) = &self.inner.staleness {
            staleness.note(&staleness.refreshed_at);
        }
    }

    /// Resolves at the next [`Gate::stir`] after it was enabled.
    pub(crate) fn stirred(&self) -> Notified<'_> {
        self.inner.stirred.notified()
    }

    /// Makes every wait of the process look at the gate again.
    pub(crate) fn stir(&self) {
        self.inner.stirred.notify_waiters();
    }
}

impl Default for Gate {
    fn default() -> Self {
        Self::new()
    }
}

impl Staleness {
    fn note(&self, refreshed_at: &AtomicU64) {
        refreshed_at.store(self.clock.now().as_nanos(), Ordering::Release);
    }

    fn is_stale(&self, refreshed_at: &AtomicU64) -> bool {
        let refreshed_at = Timestamp::from_nanos(refreshed_at.load(Ordering::Acquire));
        self.clock.now().ms_since(refreshed_at) > self.max_ms
    }

    /// Each source that there is must have been looked at in time: none speaks for another.
    fn verdict(&self, has_own: bool, has_shared: bool) -> Verdict {
        let is_stale = has_own && self.is_stale(&self.refreshed_at)
            || has_shared && self.is_stale(&self.shared_refreshed_at);
        if is_stale { Verdict::new(Level::Stop, StopCode::Stale, Scope::Global, 0) } else { Verdict::RUN }
    }
}

fn scopes() -> impl Iterator<Item = Scope> {
    std::iter::once(Scope::Global).chain(Action::ALL.into_iter().map(Scope::Action))
}

const fn index(scope: Scope) -> Option<usize> {
    match scope {
        Scope::Global => Some(0),
        Scope::Action(action) => Some(1 + action as usize),
        Scope::Context => None,
    }
}

/// What these latches mean for `action`: the higher of global and its own, global on a tie.
#[inline]
fn latched(latches: &[AtomicU64; SCOPES], action: Action) -> Verdict {
    const LEVEL: u64 = 3;
    let [global, own] = [0, 1 + action as usize].map(|at| latches[at].load(Ordering::Acquire));
    if (global | own) & LEVEL == Level::Run as u64 {
        Verdict::RUN
    } else if own & LEVEL > global & LEVEL {
        latch_verdict(Scope::Action(action), own)
    } else {
        latch_verdict(Scope::Global, global)
    }
}

const fn latch_verdict(scope: Scope, latch: u64) -> Verdict {
    let (level, epoch) = unpack(latch);
    Verdict::new(level, StopCode::Stopped, scope, epoch)
}

const fn pack(level: Level, epoch: u64) -> u64 {
    (epoch << 2) | level as u64
}

const fn unpack(latch: u64) -> (Level, u64) {
    let level = match latch & 3 {
        0 => Level::Run,
        1 => Level::Drain,
        2 => Level::Stop,
        _ => Level::Halt,
    };
    (level, latch >> 2)
}
