//! An execution as its driver would tell it to a ledger, step by step.

use std::sync::atomic::{AtomicU64, Ordering};

use decision_schema::Action;
use failstop::{
    core::{
        idempotency::Digest,
        model::{
            Conclusion, Effect, ExecutionAttempt, ExecutionId, ExecutionReport, ExecutionStatus, Outcome,
            ReasonCode,
        },
        orchestrator::KeyState,
        report::ReportStyle,
    },
    gate::Gate,
    ledger::{
        Claim, Known, Ledger, LedgerFuture, LedgerUnavailable, NotStarted, Record, Resumption, Start,
        StartGate, Started,
    },
};

/// The action of every execution here.
pub const ACTION: Action = Action::Act;

/// What is known of one execution: enough to take the next step, right or wrong.
#[derive(Debug, Clone)]
pub struct Execution {
    /// The key.
    pub key: String,
    /// What it stands for.
    pub fingerprint: Digest,
    /// Whether the executor's class allows its effect to happen more than once.
    pub may_repeat: bool,
    /// The report as it stands.
    pub report: ExecutionReport,
}

/// How a start is asked for, where it is not as it should be.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Which attempt.
    pub attempt: u32,
    /// Whether the execution has started nothing yet.
    pub is_new_work: bool,
    /// Whether what it starts may live on.
    pub may_outlive_process: bool,
    /// The gate it reads.
    pub gate: StartGate,
}

impl Asked {
    /// Attempt number `attempt` of an execution under an open gate.
    pub fn of(attempt: u32) -> Self {
        let gate = StartGate::new(Gate::new(), ACTION, false);
        Self { attempt, is_new_work: attempt == 0, may_outlive_process: false, gate }
    }
}

impl Execution {
    /// An execution under `key` whose executor must not repeat its effect.
    pub fn of(key: &str) -> Self {
        Self { key: key.into(), fingerprint: Digest::of(b"this"), may_repeat: false, report: report(key) }
    }

    /// The same, with an executor that may.
    pub fn idempotent(key: &str) -> Self {
        Self { may_repeat: true, ..Self::of(key) }
    }

    /// Another execution of the same decision.
    pub fn again(&self) -> Self {
        Self { fingerprint: self.fingerprint, may_repeat: self.may_repeat, ..Self::of(&self.key) }
    }

    /// The same with the other class.
    pub fn of_class(&self, may_repeat: bool) -> Self {
        Self { may_repeat, ..self.clone() }
    }

    /// Another decision under the same key.
    pub fn of_another_decision(&self) -> Self {
        Self { fingerprint: Digest::of(self.fingerprint.as_bytes()), ..self.again() }
    }

    /// What it claims.
    pub fn claim(&self) -> Claim<'_> {
        Claim { key: &self.key, fingerprint: self.fingerprint, may_repeat_effect: self.may_repeat }
    }

    /// Attempts started.
    pub fn attempts(&self) -> u32 {
        u32::try_from(self.report.attempts.len()).expect("few attempts")
    }

    /// What `ledger` knows of the key.
    pub async fn look_up(&self, ledger: &impl Ledger) -> Known {
        ledger.look_up(self.claim()).await.expect("the ledger can be read")
    }

    /// Where the execution is taken up.
    pub async fn resume(&self, ledger: &impl Ledger) -> Resumption {
        match self.look_up(ledger).await {
            Known::Resumable(resumption) => *resumption,
            known => panic!("not resumable: {known:?}"),
        }
    }

    /// Starts the next attempt; its fence.
    pub async fn start(&mut self, ledger: &impl Ledger) -> u64 {
        self.ask(ledger, Asked::of(self.attempts())).await.expect("it may start").fence
    }

    /// Asks for a start, which may be refused.
    pub async fn ask(&mut self, ledger: &impl Ledger, asked: Asked) -> Result<Started, NotStarted> {
        let report = self.report_if_lost(asked.attempt);
        let started = self.starting(ledger, &asked, &report).await?;
        self.report = report;
        Ok(started)
    }

    /// The step itself, for those who do not wait for its end.
    pub fn starting<'a>(
        &'a self,
        ledger: &'a impl Ledger,
        asked: &Asked,
        report_if_lost: &'a ExecutionReport,
    ) -> LedgerFuture<'a, Result<Started, NotStarted>> {
        let Asked { attempt, is_new_work, may_outlive_process, ref gate } = *asked;
        let gate = gate.clone();
        let claim = self.claim();
        ledger.start(Start { claim, attempt, is_new_work, may_outlive_process, gate, report_if_lost })
    }

    /// The report as it stands if nothing more is heard of this attempt.
    pub fn report_if_lost(&self, attempt: u32) -> ExecutionReport {
        let mut report = self.report.clone();
        report.attempts.push(attempted(attempt));
        report.conclusion = UNKNOWN;
        report
    }

    /// Records the end of the last attempt.
    pub async fn end(&mut self, ledger: &impl Ledger, fence: u64, state: KeyState) {
        self.try_end(ledger, fence, state).await.expect("it may be recorded");
    }

    /// Records the end of the last attempt, which may be refused. That a key is open need not be waited for, so neither
    /// need a refusal of it be told.
    pub async fn try_end(
        &mut self,
        ledger: &impl Ledger,
        fence: u64,
        state: KeyState,
    ) -> Result<(), LedgerUnavailable> {
        let report = self.report_of(state);
        let attempt = self.attempts().saturating_sub(1);
        ledger.record(Record { key: &self.key, fence, attempt, state, report: &report }).await?;
        if state == KeyState::Open {
            settle(ledger).await;
        }
        self.report = report;
        Ok(())
    }

    /// That a record is refused. Whether it changed something is for the caller to see: it says something else.
    pub async fn assert_refused(&self, ledger: &impl Ledger, fence: u64, state: KeyState) {
        let mut refused = self.clone();
        refused.report.total_latency_ms += 1;
        let answer = refused.try_end(ledger, fence, state).await;
        assert!(answer.is_err() || state == KeyState::Open, "{state:?} of {} by {fence}", self.key);
    }

    fn report_of(&self, state: KeyState) -> ExecutionReport {
        let (effect, conclusion) = match state {
            KeyState::Open => (Effect::NotApplied, NOT_YET),
            KeyState::Succeeded => (Effect::Applied, SUCCESS),
            KeyState::Failed => (Effect::Rejected, FAILURE),
            KeyState::InDoubt => (Effect::Unknown, UNKNOWN),
        };
        let mut report = self.report.clone();
        report.conclusion = conclusion;
        if let Some(last) = report.attempts.last_mut() {
            last.effect = effect;
            last.latency_ms = 3;
            if effect == Effect::Applied {
                last.status = ExecutionStatus::Success;
                (last.error_type, last.error_code) = (None, None);
            }
        }
        let is_unknown = |attempt: &ExecutionAttempt| attempt.effect == Effect::Unknown;
        if state == KeyState::Open && report.attempts.iter().any(is_unknown) {
            report.conclusion = UNKNOWN;
        }
        report
    }

    /// Starts an attempt and records its end.
    pub async fn carry_out(&mut self, ledger: &impl Ledger, state: KeyState) -> u64 {
        let fence = self.start(ledger).await;
        self.end(ledger, fence, state).await;
        fence
    }
}

const SUCCESS: Conclusion = Conclusion {
    status: ExecutionStatus::Success,
    outcome: Outcome::Executed,
    reason_code: None,
    fail_closed: false,
};

const FAILURE: Conclusion = Conclusion {
    status: ExecutionStatus::Failed,
    outcome: Outcome::NotExecuted,
    reason_code: Some(ReasonCode::ExecutorFailed),
    fail_closed: false,
};

const UNKNOWN: Conclusion = Conclusion {
    status: ExecutionStatus::Failed,
    outcome: Outcome::Unknown,
    reason_code: Some(ReasonCode::UnknownOutcome),
    fail_closed: true,
};

const NOT_YET: Conclusion = Conclusion { outcome: Outcome::NotExecuted, ..UNKNOWN };

/// A report before the first attempt, with an id that no other has.
fn report(key: &str) -> ExecutionReport {
    static IDS: AtomicU64 = AtomicU64::new(1);
    let id = u128::from(IDS.fetch_add(1, Ordering::Relaxed));
    ExecutionReport {
        execution_id: ExecutionId(7 << 76 | 0b10 << 62 | id),
        run_id: Some("run".into()),
        step: Some(1),
        line: None,
        action: Some(ACTION),
        conclusion: NOT_YET,
        replayed: false,
        idempotency_key: Some(key.into()),
        plan_digest: Some(Box::new(Digest::of(key.as_bytes()))),
        attempts: Vec::new(),
        total_latency_ms: 5,
        gate: None,
        output: None,
        external: decision_schema::Object::new(),
        packet: None,
    }
}

fn attempted(attempt_number: u32) -> ExecutionAttempt {
    ExecutionAttempt {
        action: ACTION,
        status: ExecutionStatus::Failed,
        attempt_number,
        latency_ms: 0,
        error_type: Some("unknown_outcome".into()),
        error_code: Some("unknown_outcome".into()),
        effect: Effect::Unknown,
        stopped: None,
        started_at_ms: 1_700_000_000_000,
        waited_ms: 0,
        wait_reason: None,
    }
}

/// The bytes of a report, but for what each call brings anew.
pub fn bytes(report: &ExecutionReport) -> String {
    let stored = ExecutionReport {
        line: None,
        external: decision_schema::Object::new(),
        packet: None,
        replayed: false,
        ..report.clone()
    };
    stored.to_json(ReportStyle::default())
}

/// Makes what was recorded so far durable: records may become so late, but in order.
pub async fn settle(ledger: &impl Ledger) {
    let mut last = Execution::of(&format!("settled {}", report("").execution_id));
    let fence = last.start(ledger).await;
    let record =
        Record { key: &last.key, fence, attempt: 0, state: KeyState::Succeeded, report: &last.report };
    ledger.record(record).await.expect("it may be recorded");
}
