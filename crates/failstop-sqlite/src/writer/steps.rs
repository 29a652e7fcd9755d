//! What one transaction does with keys. Every step asks [`KeyRecord`] first, and writes the event before the rows that
//! follow from it.

use decision_schema::{Value, json::parse_canonical};
use failstop::{
    core::{
        ledger::{Beginning, EventKind, KeyRecord, Sight, Standing, body, withdraw_last_attempt},
        model::{Conclusion, ExecutionReport, ExecutionStatus, Outcome},
        orchestrator::{KeyState, Prior},
    },
    ledger::{Known, LedgerUnavailable, NotStarted, Resumption, Started},
};
use rusqlite::Connection;

use super::{
    Owner,
    chain::{Head, Saying},
    command::{ClaimedKey, RecordCommand, ResolveCommand, StartCommand},
    gate::GateReading,
};
use crate::{
    fault::ResolveError,
    rows::{self, KeyRow, Said},
};

/// Why a transaction is given up, and with it everything in it.
#[derive(Debug)]
pub(crate) enum Broken {
    Sqlite(rusqlite::Error),
    /// What is in the ledger cannot have been written by it.
    Unreadable,
}

impl From<rusqlite::Error> for Broken {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

type Step<T> = Result<T, Broken>;

/// One transaction under way.
pub(crate) struct Steps<'t> {
    pub(crate) connection: &'t Connection,
    pub(crate) head: &'t mut Head,
    pub(crate) owner: &'t Owner,
    pub(crate) at_ms: i64,
}

impl Steps<'_> {
    pub(crate) fn start(
        &mut self,
        command: StartCommand,
        gate: &GateReading,
    ) -> Step<Result<Started, NotStarted>> {
        let StartCommand { claim, attempt, is_new_work, may_outlive_process, gate: own_gate, said, body } =
            command;
        let row = rows::load(self.connection, &claim.key)?;
        if row.is_none() && rows::is_retired(self.connection, &claim.key)? {
            return Ok(Err(NotStarted::Race(Known::Expired)));
        }
        let fence = self.head.next_seq();
        let beginning = Beginning {
            fingerprint: claim.fingerprint,
            fence,
            attempt,
            owner: self.owner.id,
            may_repeat: claim.may_repeat,
        };
        let next = match &row {
            None => KeyRecord::first(&beginning),
            Some(row) => row.record.restart(&beginning),
        };
        let is_taken =
            row.is_some_and(|row| row.record.owner != self.owner.id && self.owner.is_someone_at(&row.record));
        let record = match (next, row) {
            (Ok(record), _) if !is_taken => record,
            (_, Some(row)) => return Ok(Err(NotStarted::Race(self.know(row, &claim)?))),
            // A later attempt of a key without a record: the ledger is not the one that had it.
            (_, None) => return Ok(Err(NotStarted::Unavailable)),
        };
        let verdict = own_gate.verdict(gate.verdict(own_gate.action()));
        if verdict.bars_start(is_new_work) {
            return Ok(Err(NotStarted::Gate(verdict)));
        }
        let lock = may_outlive_process.then(|| self.owner.locks.prepare_attempt(fence));
        let Ok(lock) = lock.transpose() else { return Ok(Err(NotStarted::Unavailable)) };
        let saying = Saying {
            gate_epoch: Some(gate.epoch()),
            ..Saying::of_key(EventKind::Started, &claim.key, fence, body)
        };
        let at = (self.append(saying)?, self.at_ms);
        let id = match row {
            Some(row) => {
                rows::update(self.connection, row.id, &record, &said, at)?;
                row.id
            }
            None => rows::insert(self.connection, &claim.key, &record, &said, at)?,
        };
        rows::begin_attempt(self.connection, id, fence, &said)?;
        Ok(Ok(Started { fence, lock }))
    }

    pub(crate) fn record(&mut self, command: RecordCommand) -> Step<Result<(), LedgerUnavailable>> {
        let RecordCommand { key, fence, attempt, state, said, body } = command;
        let row = rows::load(self.connection, &key)?;
        let next = row.and_then(|row| Some((row, row.record.conclude(fence, state).ok()?)));
        let Some((row, record)) = next else {
            tracing::warn!(attempt, fence, "a record that contradicts the ledger was refused");
            let claims = body::late(attempt, said.outcome());
            self.append(Saying::of_key(EventKind::Late, &key, fence, claims))?;
            return Ok(Err(LedgerUnavailable));
        };
        self.conclude(&key, row.id, &record, state, &said, body)?;
        Ok(Ok(()))
    }

    fn conclude(
        &mut self,
        key: &str,
        id: i64,
        record: &KeyRecord,
        state: KeyState,
        said: &Said,
        body: String,
    ) -> Step<()> {
        let kind = match state {
            KeyState::Open => EventKind::Open,
            KeyState::Succeeded => EventKind::Succeeded,
            KeyState::Failed => EventKind::Failed,
            KeyState::InDoubt => EventKind::InDoubt,
        };
        let seq = self.append(Saying::of_key(kind, key, record.fence, body))?;
        rows::update(self.connection, id, record, said, (seq, self.at_ms))?;
        Ok(rows::end_attempt(self.connection, id, said)?)
    }

    /// A start that nobody waited for any more: its executor was not entered, so the attempt had no effect.
    pub(crate) fn withdraw(&mut self, key: &str, attempt: u32) -> Step<()> {
        let Some(row) = rows::load(self.connection, key)? else { return Ok(()) };
        let is_ours = row.record.owner == self.owner.id && row.record.attempts == attempt + 1;
        let Ok(record) = row.record.conclude(row.record.fence, KeyState::Open) else { return Ok(()) };
        if !is_ours {
            return Ok(());
        }
        let mut report = self.report(row.last_event)?;
        withdraw_last_attempt(&mut report, record.may_have_effect);
        let (said, body) = (Said::from(&report), body::stands(&report));
        self.conclude(key, row.id, &record, KeyState::Open, &said, body)
    }

    /// What is known of a key; one whose owner died in an attempt is in doubt from here on.
    pub(crate) fn look_up(&mut self, claim: &ClaimedKey) -> Step<Known> {
        match rows::load(self.connection, &claim.key)? {
            Some(row) => self.know(row, claim),
            None if rows::is_retired(self.connection, &claim.key)? => Ok(Known::Expired),
            None => Ok(Known::Fresh),
        }
    }

    fn know(&mut self, row: KeyRow, claim: &ClaimedKey) -> Step<Known> {
        let is_alive = self.owner.is_someone_at(&row.record);
        let sight = row.record.sight(claim.fingerprint, claim.may_repeat, is_alive);
        if sight == Sight::Orphaned {
            let report = self.orphan(&claim.key, row)?;
            return Ok(Known::InDoubt(Box::new(report)));
        }
        Ok(match plainly_known(sight, &row.record) {
            Plainly::Known(known) => known,
            Plainly::Reported(with_report) => with_report(self.report(row.last_event)?, &row.record),
        })
    }

    /// Records that the owner of a running attempt is dead.
    pub(crate) fn orphan(&mut self, key: &str, row: KeyRow) -> Step<ExecutionReport> {
        let record = row.record.orphan().map_err(|_| Broken::Unreadable)?;
        let report = self.report(row.last_event)?;
        let (said, body) = (Said::from(&report), body::stands(&report));
        self.conclude(key, row.id, &record, KeyState::InDoubt, &said, body)?;
        self.owner.locks.forget_attempt(record.fence);
        Ok(report)
    }

    pub(crate) fn resolve(
        &mut self,
        command: &ResolveCommand,
    ) -> Step<Result<ExecutionReport, ResolveError>> {
        let key = command.key.as_str();
        let Some(mut row) = rows::load(self.connection, key)? else {
            return Ok(Err(ResolveError::UnknownKey));
        };
        if self.owner.is_running(key, &row.record) {
            return Ok(Err(ResolveError::StillRunning));
        }
        if row.record.orphan().is_ok() {
            self.orphan(key, row)?;
            row = rows::load(self.connection, key)?.ok_or(Broken::Unreadable)?;
        }
        let Ok(record) = row.record.resolve(command.resolution) else {
            return Ok(Err(ResolveError::NotInDoubt { state: row.record.standing.as_str() }));
        };
        let mut report = self.report(row.last_event)?;
        report.conclusion = resolved_conclusion(report.conclusion, &record);
        let ResolveCommand { resolution, who, reason, evidence, .. } = command;
        let body = body::resolved(*resolution, who, reason, evidence.as_deref(), &report);
        let seq = self.append(Saying::of_key(EventKind::Resolved, key, record.fence, body))?;
        rows::update(self.connection, row.id, &record, &Said::from(&report), (seq, self.at_ms))?;
        Ok(Ok(report))
    }

    pub(crate) fn append(&mut self, saying: Saying) -> Step<u64> {
        Ok(self.head.append(self.connection, self.at_ms, saying)?)
    }

    fn report(&self, seq: u64) -> Step<ExecutionReport> {
        report_in(&rows::body(self.connection, seq)?).ok_or(Broken::Unreadable)
    }
}

/// The report in an event's body.
pub(crate) fn report_in(body: &str) -> Option<ExecutionReport> {
    let body = parse_canonical(body.as_bytes(), body::MAX_BODY_BYTES).ok()?;
    ExecutionReport::from_value(body.as_object().and_then(|body| body.get("report")).unwrap_or(&Value::Null))
        .ok()
}

/// What is known without the stored report, or how it is known with it.
pub(crate) enum Plainly {
    Known(Known),
    Reported(fn(ExecutionReport, &KeyRecord) -> Known),
}

/// What a sight means, but for orphans, which must be recorded first.
pub(crate) fn plainly_known(sight: Sight, record: &KeyRecord) -> Plainly {
    match sight {
        Sight::Reused => Plainly::Known(Known::Reused),
        Sight::InProgress => Plainly::Known(Known::InProgress),
        Sight::Finished => Plainly::Reported(|report, _| Known::Finished(Box::new(report))),
        Sight::InDoubt | Sight::Orphaned => Plainly::Reported(|report, _| Known::InDoubt(Box::new(report))),
        Sight::Resumable { .. } => {
            debug_assert!(!record.is_terminal(), "what has ended is not taken up");
            Plainly::Reported(|report, record| {
                let unknown = record.may_have_effect || record.standing == Standing::Started;
                let prior = Prior { attempts: record.attempts, unknown };
                Known::Resumable(Box::new(Resumption { prior, fence: record.fence, report }))
            })
        }
    }
}

/// How an execution ended according to whoever resolved it. What was seen of the attempts stays as it was seen.
fn resolved_conclusion(conclusion: Conclusion, record: &KeyRecord) -> Conclusion {
    if record.is_terminal() {
        return Conclusion {
            status: ExecutionStatus::Success,
            outcome: Outcome::Executed,
            reason_code: None,
            fail_closed: false,
        };
    }
    Conclusion {
        status: ExecutionStatus::Failed,
        outcome: Outcome::NotExecuted,
        fail_closed: false,
        ..conclusion
    }
}
