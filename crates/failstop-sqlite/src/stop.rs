//! Stop and release from outside: the gate of a ledger worked by somebody who does not own it.
//!
//! A stop is latched in the gate's file before anything else is looked at: neither a slow ledger nor a full disk stands
//! before it. Only then is asked what it reached.

use std::{
    collections::BTreeMap,
    ops::ControlFlow,
    path::{Path, PathBuf},
    time::Duration,
};

use decision_schema::{Object, Value};
use failstop::{
    core::{
        ledger::Standing,
        stop::{Level, Scope},
    },
    locks::LockDirectory,
};
use rustix::process::Signal;

use crate::{
    OpenError, Options, SqliteLedger, clock,
    gate_file::{GateFault, GateFile, GateFileError, ReleaseRefused},
    identity::beside,
    view::{Entry, Filter, View},
};

/// How long starts that read the gate before the stop may take to be done with.
const SETTLING: Duration = Duration::from_secs(5);

/// How often is looked whether the last has ended.
const PAUSE: Duration = Duration::from_millis(20);

/// How long a living owner is left to record a change of the gate, milliseconds.
const RECORDING_MS: u64 = 500;

/// The part of the grace kept for killing orphans, milliseconds.
const KILL_RESERVE_MS: u64 = 250;

/// A stop to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StopOrder {
    /// What is to be stopped.
    pub scope: Scope,
    /// How far.
    pub level: Level,
    /// Why.
    pub reason: String,
    /// How long attempts in flight have to end, milliseconds: the longest grace of the ledger's owners, and a little.
    pub grace_ms: u64,
}

/// What an execution in flight came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reach {
    /// It has ended, and nothing of it runs.
    Confirmed,
    /// Its owner lives and has been told; it has not said how it ended.
    Requested,
    /// It was given up, or its owner is dead, and something of it still runs.
    Unconfirmed,
}

impl Reach {
    /// Its name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Confirmed => "confirmed",
            Self::Requested => "requested",
            Self::Unconfirmed => "unconfirmed",
        }
    }
}

/// One execution that was in flight.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reached {
    /// Its key.
    pub key: String,
    /// Its last attempt, from 0.
    pub attempt: u32,
    /// Whether its owner was dead already.
    pub is_orphan: bool,
    /// What it came to.
    pub reach: Reach,
}

impl Reached {
    fn to_object(&self) -> Object {
        Object::from_iter([
            ("key", Value::from(self.key.as_str())),
            ("attempt", self.attempt.into()),
            ("orphan", self.is_orphan.into()),
            ("reach", self.reach.as_str().into()),
        ])
    }
}

/// What a stop did. It says nothing of effects elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stopped {
    /// The epoch of the scope's last change.
    pub epoch: u64,
    /// Whether this stop raised the level; `false` where it was there or above.
    pub has_changed: bool,
    /// Whether no start that read the gate before can still be under way.
    pub is_acknowledged: bool,
    /// Whether the gate's change stands in the ledger.
    pub is_recorded: bool,
    /// How many owners still lived when it was in force: one that obeyed at once is not among them. `None` where that could
    /// not be told.
    pub owners: Option<usize>,
    /// What was in flight and in the stop's scope; `None` where the ledger could not be read.
    pub executions: Option<Vec<Reached>>,
}

impl Stopped {
    /// Whether nothing that was in scope runs any more, and nothing can have been overlooked.
    pub fn is_confirmed(&self) -> bool {
        let all_ended = |all: &Vec<Reached>| all.iter().all(|one| one.reach == Reach::Confirmed);
        self.is_acknowledged && self.executions.as_ref().is_some_and(all_ended)
    }

    /// How many of what was in flight came to this; `None` where that could not be told.
    pub fn count(&self, reach: Reach) -> Option<usize> {
        let all = self.executions.as_ref()?;
        Some(all.iter().filter(|one| one.reach == reach).count())
    }

    /// `{"scope", "level", "epoch", "changed", "acknowledged", "recorded", "living_owners", "confirmed", "requested",
    /// "unconfirmed", "executions": [{"key", "attempt", "orphan", "reach"}]}`; counts and executions are null where the
    /// ledger could not be read.
    pub fn to_object(&self, order: &StopOrder) -> Object {
        let executions = self.executions.as_ref();
        let executions = executions.map(|all| all.iter().map(Reached::to_object).collect::<Vec<_>>());
        Object::from_iter([
            ("scope", Value::from(order.scope.to_string())),
            ("level", order.level.as_str().into()),
            ("epoch", self.epoch.into()),
            ("changed", self.has_changed.into()),
            ("acknowledged", self.is_acknowledged.into()),
            ("recorded", self.is_recorded.into()),
            ("living_owners", self.owners.into()),
            ("confirmed", self.count(Reach::Confirmed).into()),
            ("requested", self.count(Reach::Requested).into()),
            ("unconfirmed", self.count(Reach::Unconfirmed).into()),
            ("executions", executions.into()),
        ])
    }
}

/// Latches the gate of the ledger at `path`, waits until no older start can be under way, and, from level `stop` on,
/// until what is in flight has ended or the grace is over. `progress` is told how many still run. Blocking.
///
/// # Errors
/// Where the gate could not be latched. What could not be learned afterwards is said in the answer.
pub fn stop(
    path: &Path,
    order: &StopOrder,
    mut progress: impl FnMut(usize),
) -> Result<Stopped, GateFileError> {
    let gate = open_gate(path)?;
    let engaged = gate.engage(order.scope, order.level, &order.reason, clock::unix_ms())?;
    let mut flight = Flight::look(path, order);
    let epoch = flight.as_ref().and_then(|flight| rejoined(&gate, &flight.view, order.scope));
    let epoch = epoch.unwrap_or(engaged.epoch);
    let is_acknowledged = gate.settle(SETTLING).unwrap_or(false);
    if let Some(flight) = &mut flight {
        // What started between the latch and the first look is in the second.
        flight.look_again();
        if order.level >= Level::Stop {
            flight.wait(order, &mut progress);
        }
    }
    let owners = flight.as_ref().and_then(|flight| flight.owners);
    Ok(Stopped {
        epoch,
        has_changed: engaged.changed,
        is_acknowledged,
        is_recorded: is_recorded(path, epoch, owners),
        owners,
        executions: flight.map(Flight::into_reached),
    })
}

/// The epoch that the scope has now, where the gate had gone back behind what the ledger has recorded of it and is not any
/// more. One that stays behind is refused by every start.
fn rejoined(gate: &GateFile, view: &View, scope: Scope) -> Option<u64> {
    let recorded = view.recorded().ok()?;
    if !gate.read().ok()?.is_behind(&recorded) {
        return None;
    }
    gate.rejoin(&recorded, clock::unix_ms()).ok()?;
    let state = gate.read().ok()?;
    state.entries().iter().find(|entry| entry.scope == scope).map(|entry| entry.epoch)
}

/// A release to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReleaseOrder {
    /// What is to be released.
    pub scope: Scope,
    /// The epoch of its last change, as whoever decided this has seen it.
    pub expected_epoch: u64,
    /// Who releases it.
    pub who: String,
    /// Why; must say something.
    pub reason: String,
}

/// Why a gate was not released.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReleaseError {
    /// There is no gate that could be.
    #[error(transparent)]
    Gate(#[from] GateFileError),
    /// The gate refuses.
    #[error(transparent)]
    Refused(#[from] ReleaseRefused),
    /// A release is announced before it takes effect, and the ledger cannot be opened.
    #[error(transparent)]
    LedgerUnusable(OpenError),
    /// A release is announced before it takes effect, and that failed.
    #[error("the release could not be recorded in the ledger")]
    NotAnnounced,
}

/// Lowers `scope` to `run`, if `expected_epoch` is that of its last change: announced in the ledger first, and only then
/// in force. Blocking.
///
/// # Errors
/// Where it is not engaged, has changed meanwhile, no reason is given, or it could not be announced.
pub fn release(path: &Path, order: &ReleaseOrder) -> Result<u64, ReleaseError> {
    let ReleaseOrder { scope, expected_epoch, who, reason } = order;
    if reason.trim().is_empty() {
        return Err(ReleaseRefused::ReasonMissing.into());
    }
    let gate = open_gate(path)?;
    let pending = gate.prepare_release(*scope, *expected_epoch)?;
    let ledger = SqliteLedger::open(path, Options::default().retention_ms(i64::MAX))
        .map_err(ReleaseError::LedgerUnusable)?;
    if !ledger.announce_release(*scope, *expected_epoch, who, reason) {
        return Err(ReleaseError::NotAnnounced);
    }
    let epoch = gate.release(&pending, reason, clock::unix_ms())?;
    ledger.record_gate();
    ledger.flush();
    Ok(epoch)
}

fn open_gate(path: &Path) -> Result<GateFile, GateFileError> {
    let gate = beside(path, ".gate");
    let ledger_id = GateFile::ledger_id_at(&gate)?.ok_or(GateFault::Missing)?;
    GateFile::open(&gate, &ledger_id)
}

/// Whether the change of this epoch stands in the ledger. A living owner records it by itself, soon; where there is none,
/// or it died before it did, this does.
fn is_recorded(path: &Path, epoch: u64, owners: Option<usize>) -> bool {
    let stands = || View::open(path).and_then(|view| view.recorded_epoch()).is_ok_and(|last| last >= epoch);
    let watch = clock::Stopwatch::start();
    while owners != Some(0) && watch.elapsed_ms() < RECORDING_MS {
        if stands() {
            return true;
        }
        clock::pause(PAUSE);
    }
    let ledger = SqliteLedger::open(path, Options::default().retention_ms(i64::MAX));
    ledger.is_ok_and(|ledger| ledger.flush()) && stands()
}

/// What was in flight when the stop came, and what of it still is.
struct Flight {
    view: View,
    locks: Option<LockDirectory>,
    owners: Option<usize>,
    scope: Scope,
    seen: BTreeMap<String, Reached>,
    running: BTreeMap<String, Entry>,
}

impl Flight {
    fn look(path: &Path, order: &StopOrder) -> Option<Self> {
        let locks: PathBuf = beside(path, ".locks");
        let locks = LockDirectory::open(&locks).ok();
        let mut flight = Self {
            view: View::open(path).ok()?,
            owners: locks.as_ref().and_then(|locks| Some(locks.living_owners().ok()?.len())),
            locks,
            scope: order.scope,
            seen: BTreeMap::new(),
            running: BTreeMap::new(),
        };
        flight.look_again().then_some(flight)
    }

    /// Whether the ledger could be read.
    fn look_again(&mut self) -> bool {
        let filter =
            Filter { states: vec![Standing::Started, Standing::Open, Standing::InDoubt], limit: None };
        let mut running = BTreeMap::new();
        let scope = self.scope;
        let read = self.view.list(&filter, |entry| {
            let is_in_scope = match scope {
                Scope::Action(action) => entry.action.as_deref() == Some(action.as_str()),
                Scope::Global | Scope::Context => true,
            };
            let still_runs = entry.is_running() || entry.presence.attempt_running;
            if is_in_scope && still_runs {
                running.insert(entry.key.clone(), entry);
            }
            ControlFlow::Continue(())
        });
        if read.is_err() {
            return false;
        }
        for (key, entry) in &running {
            self.seen.entry(key.clone()).or_insert_with(|| Reached {
                key: key.clone(),
                attempt: entry.record.attempts.saturating_sub(1),
                is_orphan: entry.is_orphan(),
                reach: Reach::Requested,
            });
        }
        self.running = running;
        true
    }

    /// Waits until nothing that was seen runs, or the grace is over. Orphans are told by their locks, since nobody else
    /// tells them.
    fn wait(&mut self, order: &StopOrder, progress: &mut impl FnMut(usize)) {
        let reserve_ms = KILL_RESERVE_MS.min(order.grace_ms / 4);
        let watch = clock::Stopwatch::start();
        let mut told = None;
        while !self.running.is_empty() && watch.elapsed_ms() <= order.grace_ms {
            let is_late = order.level == Level::Halt || watch.elapsed_ms() + reserve_ms > order.grace_ms;
            let signal = if is_late { Signal::KILL } else { Signal::TERM };
            // KILL again and again: whoever forked meanwhile is found the next time.
            if told != Some(signal) || signal == Signal::KILL {
                self.signal_orphans(signal);
                told = Some(signal);
            }
            progress(self.running.len());
            clock::pause(PAUSE);
            self.look_again();
        }
    }

    fn signal_orphans(&self, signal: Signal) {
        let Some(locks) = &self.locks else { return };
        for entry in self.running.values().filter(|entry| entry.is_orphan()) {
            // Who cannot be told stays unconfirmed, and is said to be.
            let _ = locks.signal_attempt(entry.record.fence, signal);
        }
    }

    fn into_reached(self) -> Vec<Reached> {
        let reach_of = |key: &str| match self.running.get(key) {
            None => Reach::Confirmed,
            Some(entry) if entry.presence.owner_alive && !entry.record.is_terminal() => Reach::Requested,
            Some(_) => Reach::Unconfirmed,
        };
        self.seen.into_values().map(|one| Reached { reach: reach_of(&one.key), ..one }).collect()
    }
}
