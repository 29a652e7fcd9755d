//! The ledger: the chain of its events and the records that follow, and what one transaction does with them.

use std::hash::{Hash, Hasher};

use decision_schema::Action;
use execution_orchestration_core::{
    idempotency::Digest,
    ledger::{Beginning, KeyRecord},
    orchestrator::KeyState,
    stop::{Level, Verdict},
};

use super::{
    bounds::{Bounds, KeyPlan, Mutation},
    gate::{FIRST_EPOCH, Gate},
    process::{Answer, Command, Known, OPENING, owner_id},
};

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Ledger {
    pub(super) told: Vec<Told>,
    pub(super) rows: Vec<Option<Row>>,
}

/// One event. Its number is its place, behind the making of the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Told {
    Started { key: u8, owner: usize, attempt: u32, gate_epoch: u64, is_new_work: bool },
    Ended { key: u8, fence: u64, state: KeyState, may_have_effect: bool },
    Late { key: u8, fence: u64, attempt: u32 },
    Gate { scope: usize, level: Level, epoch: u64 },
    Release { scope: usize, expected_epoch: u64 },
}

/// A key's record, which has no hash of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Row(pub(super) KeyRecord);

impl Hash for Row {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let KeyRecord { standing, fence, attempts, owner, may_have_effect, .. } = self.0;
        (standing, fence, attempts, owner, may_have_effect).hash(state);
    }
}

impl Ledger {
    pub(super) fn new(keys: usize) -> Self {
        Self { told: Vec::new(), rows: vec![None; keys] }
    }

    /// The number of the next event: what a start takes for its fence.
    pub(super) fn next_seq(&self) -> u64 {
        self.told.len() as u64 + 2
    }

    pub(super) fn record(&self, key: u8) -> Option<KeyRecord> {
        self.rows[usize::from(key)].map(|row| row.0)
    }

    pub(super) fn recorded_epoch(&self) -> u64 {
        let epochs =
            self.told.iter().map(|told| if let Told::Gate { epoch, .. } = told { *epoch } else { 0 });
        epochs.max().unwrap_or(0).max(FIRST_EPOCH)
    }

    pub(super) fn is_announced(&self, scope: usize, expected_epoch: u64) -> bool {
        self.told.contains(&Told::Release { scope, expected_epoch })
    }

    pub(super) fn has_started(&self, key: u8, fence: u64) -> bool {
        let at = usize::try_from(fence).unwrap_or(0).checked_sub(2);
        let told = at.and_then(|at| self.told.get(at));
        matches!(told, Some(Told::Started { key: started, .. }) if *started == key)
    }
}

/// What the gate says to one group.
#[derive(Debug, Clone, Copy)]
pub(super) enum Reading {
    NotRead,
    Held(Gate),
}

/// One transaction under way.
pub(super) struct Steps<'w> {
    pub(super) bounds: &'w Bounds,
    pub(super) mutation: Option<Mutation>,
    pub(super) ledger: Ledger,
    pub(super) reading: Reading,
    /// Who writes.
    pub(super) process: usize,
    /// Which processes' locks are held.
    pub(super) living: Vec<bool>,
    pub(super) answers: Vec<(u8, Answer)>,
}

impl Steps<'_> {
    pub(super) fn perform(&mut self, group: &[Command]) {
        let is_late = self.mutation == Some(Mutation::RecordGateBehindStarts);
        if !is_late {
            self.record_gate();
        }
        for command in group {
            self.perform_one(*command);
        }
        if is_late {
            self.record_gate();
        }
    }

    /// A gate that has gone back behind what is recorded of it means stop, and is not recorded.
    fn gate(&self) -> Option<Gate> {
        match self.reading {
            Reading::Held(gate) if gate.epoch() >= self.ledger.recorded_epoch() => Some(gate),
            Reading::Held(_) | Reading::NotRead => None,
        }
    }

    fn record_gate(&mut self) {
        let Some(gate) = self.gate() else { return };
        let recorded = self.ledger.recorded_epoch();
        let mut changed: Vec<_> =
            gate.slots.iter().enumerate().filter(|(_, slot)| slot.epoch > recorded).collect();
        changed.sort_by_key(|(_, slot)| slot.epoch);
        let told = changed.into_iter().map(|(scope, slot)| Told::Gate {
            scope,
            level: slot.level,
            epoch: slot.epoch,
        });
        self.ledger.told.extend(told);
    }

    fn perform_one(&mut self, command: Command) {
        match command {
            Command::RecoverDead { is_opening } => {
                self.recover_dead();
                if is_opening {
                    self.answers.push((OPENING, Answer::Done));
                }
            }
            Command::Recover { job, key } => {
                let known = self.know(key);
                self.answers.push((job, Answer::Known(known)));
            }
            Command::Start { job, key, attempt, is_new_work } => {
                let answer = self.start(key, attempt, is_new_work);
                self.answers.push((job, answer));
            }
            Command::Record { job, key, fence, attempt, state } => {
                self.record(key, fence, attempt, state);
                self.answers.extend(job.map(|job| (job, Answer::Done)));
            }
            Command::Withdraw { key, attempt } => self.withdraw(key, attempt),
            Command::RecordGate { job } => self.answers.extend(job.map(|job| (job, Answer::Done))),
            Command::Announce { job, scope, expected_epoch } => {
                self.ledger.told.push(Told::Release { scope, expected_epoch });
                self.answers.extend(job.map(|job| (job, Answer::Done)));
            }
        }
    }

    fn start(&mut self, key: u8, attempt: u32, is_new_work: bool) -> Answer {
        let row = self.ledger.record(key);
        let KeyPlan { action, may_repeat } = self.bounds.keys[usize::from(key)];
        let fence = self.ledger.next_seq();
        let owner = owner_id(self.process);
        let beginning = Beginning { fingerprint: fingerprint(), fence, attempt, owner, may_repeat };
        let next = match row {
            Some(_) if self.mutation == Some(Mutation::StartUnasked) => {
                KeyRecord::first(&Beginning { attempt: 0, ..beginning })
            }
            Some(row) => row.restart(&beginning),
            None => KeyRecord::first(&beginning),
        };
        let is_taken = row.is_some_and(|row| self.is_someone_at(&row));
        let Some(record) = next.ok().filter(|_| !is_taken) else {
            return Answer::Known(self.know(key));
        };
        let verdict = self.gate().map(|gate| gate.verdict(action));
        if verdict.is_none_or(|verdict: Verdict| verdict.bars_start(is_new_work)) {
            return Answer::Barred;
        }
        let gate_epoch = self.gate().map_or(0, |gate| gate.epoch());
        let told = Told::Started { key, owner: self.process, attempt, gate_epoch, is_new_work };
        self.ledger.told.push(told);
        self.ledger.rows[usize::from(key)] = Some(Row(record));
        Answer::Started { fence }
    }

    fn record(&mut self, key: u8, fence: u64, attempt: u32, state: KeyState) {
        let concluded = self.ledger.record(key).and_then(|record| record.conclude(fence, state).ok());
        match concluded {
            Some(record) => self.conclude(key, record, state),
            None => self.ledger.told.push(Told::Late { key, fence, attempt }),
        }
    }

    fn conclude(&mut self, key: u8, record: KeyRecord, state: KeyState) {
        let KeyRecord { fence, may_have_effect, .. } = record;
        self.ledger.told.push(Told::Ended { key, fence, state, may_have_effect });
        self.ledger.rows[usize::from(key)] = Some(Row(record));
    }

    fn withdraw(&mut self, key: u8, attempt: u32) {
        let Some(row) = self.ledger.record(key) else { return };
        let is_ours = row.owner == owner_id(self.process) && row.attempts == attempt + 1;
        let is_asked = self.mutation != Some(Mutation::WithdrawUnasked);
        if let Ok(record) = row.conclude(row.fence, KeyState::Open)
            && (is_ours || !is_asked)
        {
            self.conclude(key, record, KeyState::Open);
        }
    }

    fn know(&mut self, key: u8) -> Known {
        let Some(row) = self.ledger.record(key) else { return Known::Fresh };
        let may_repeat = self.bounds.keys[usize::from(key)].may_repeat;
        let is_alive = self.is_someone_at(&row);
        match Known::of(row.sight(fingerprint(), may_repeat, is_alive), row.attempts, row.fence) {
            Known::Orphaned => {
                self.orphan(key, row);
                Known::Closed
            }
            known @ (Known::Fresh | Known::Resumable { .. } | Known::Closed) => known,
        }
    }

    fn orphan(&mut self, key: u8, row: KeyRecord) {
        let (record, state) = if self.mutation == Some(Mutation::ReopenOrphans) {
            (row.conclude(row.fence, KeyState::Open), KeyState::Open)
        } else {
            (row.orphan(), KeyState::InDoubt)
        };
        if let Ok(record) = record {
            self.conclude(key, record, state);
        }
    }

    fn recover_dead(&mut self) {
        for (key, plan) in (0..).zip(&self.bounds.keys) {
            let row = self.ledger.record(key);
            let row =
                row.filter(|row| row.standing == execution_orchestration_core::ledger::Standing::Started);
            if let Some(row) = row.filter(|row| !plan.may_repeat && !self.is_owner_living(row)) {
                self.orphan(key, row);
            }
        }
    }

    fn is_someone_at(&self, row: &KeyRecord) -> bool {
        !row.is_terminal() && row.owner != owner_id(self.process) && self.is_owner_living(row)
    }

    fn is_owner_living(&self, row: &KeyRecord) -> bool {
        let is_living = |process| self.living[process] && row.owner == owner_id(process);
        self.mutation != Some(Mutation::SkipOwnerLock) && (0..self.living.len()).any(is_living)
    }
}

/// Each key stands for one decision.
pub(super) fn fingerprint() -> Digest {
    use std::sync::LazyLock;
    static DIGEST: LazyLock<Digest> = LazyLock::new(|| Digest::of(b"decision"));
    *DIGEST
}

impl Told {
    /// In a few words, for a trace.
    pub(super) fn describe(self) -> String {
        match self {
            Self::Started { key, owner, attempt, gate_epoch, .. } => {
                format!("STARTED(key {key}, attempt {attempt}, process {owner}, epoch {gate_epoch})")
            }
            Self::Ended { key, fence, state, .. } => format!("{state:?}(key {key}, fence {fence})"),
            Self::Late { key, fence, .. } => format!("late(key {key}, fence {fence})"),
            Self::Gate { scope, level, epoch } => {
                format!("gate({}, {level:?}, epoch {epoch})", super::gate::SCOPES[scope])
            }
            Self::Release { scope, expected_epoch } => {
                format!("release of {} at epoch {expected_epoch}", super::gate::SCOPES[scope])
            }
        }
    }
}

/// The action under which a key starts.
pub(super) fn action_of(bounds: &Bounds, key: u8) -> Action {
    bounds.keys[usize::from(key)].action
}
