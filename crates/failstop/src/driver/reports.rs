//! The reports of an execution: as it stands, as it ends, and of what is refused at the door.

use execution_orchestration_core::{
    ledger::withdraw,
    model::{Conclusion, ExecutionAttempt, ExecutionReport, ExecutionStatus, ReasonCode},
    stop::Verdict,
};

use super::Drive;
use crate::{
    clock,
    engine::{self, House},
    executor::Executor,
    ids,
    ledger::{Evidence, Ledger},
    reporting,
    request::Request,
};

/// The report of what the gate refuses at admission. Nothing is built for it: a stop stays cheap under any load.
///
/// Not inlined, so that it writes the report where the caller wants it: inlined, the two ways to it would meet in a
/// copy (10 ns).
#[inline(never)]
pub(crate) fn refuse_at_the_gate<E: Executor>(
    house: House<'_>,
    request: &Request<'_>,
    executor: Option<&E>,
    verdict: Verdict,
) -> ExecutionReport {
    match house.ledger() {
        None => refusal(house, request, executor, verdict),
        Some(ledger) => noted(ledger, refusal(house, request, executor, verdict)),
    }
}

fn refusal<E: Executor>(
    house: House<'_>,
    request: &Request<'_>,
    executor: Option<&E>,
    verdict: Verdict,
) -> ExecutionReport {
    // Nothing of it has a time but its id, whose order among others of the same tick means nothing.
    let id = ids::execution_id(clock::coarse_unix_ms());
    let conclusion = Conclusion::refused(ReasonCode::from(verdict.code));
    let mut report = reporting::begin(request, id, conclusion, Vec::new());
    report.gate = Some(verdict.stamp);
    reporting::bring_along(&mut report, &house.redactor, request);
    if house.plan_digests {
        report.plan_digest = Some(Box::new(engine::plan(house.policy, request, executor).digest()));
    }
    report
}

/// The report of an execution that tried nothing, once the ledger was told of it.
fn noted(ledger: &dyn Ledger, report: ExecutionReport) -> ExecutionReport {
    ledger.note(Evidence::Denied(&report));
    report
}

impl Drive<'_> {
    /// The report as it stands if nothing more is ever heard of attempt `number`.
    pub(super) fn report_if_lost(&mut self, number: u32) -> ExecutionReport {
        let attempt =
            reporting::lost_attempt(self.request.decision.action, number, self.house.clock.wall_ms(self.now));
        let mut report = self.report();
        report.attempts.push(attempt);
        report.conclusion = reporting::lost_conclusion(&report.attempts);
        report
    }

    /// Keeps an attempt that was not entered for the reports to come: the ledger has it. Of an execution that has tried
    /// nothing no record will speak.
    pub(super) fn keep_withdrawn(&mut self, number: u32) {
        if self.machine.attempts().is_empty() {
            return;
        }
        let at_ms = self.house.clock.wall_ms(self.now);
        let mut attempt = reporting::lost_attempt(self.request.decision.action, number, at_ms);
        withdraw(&mut attempt);
        self.kept().withdrawn = Some(attempt);
    }

    /// The report as the machine has it now.
    pub(super) fn report(&mut self) -> ExecutionReport {
        let attempts = self.machine.attempts();
        let earlier = self.kept.iter().flat_map(|kept| &kept.earlier);
        let withdrawn = self.kept.iter().flat_map(|kept| &kept.withdrawn);
        let attempts = earlier.chain(attempts).chain(withdrawn).cloned().collect();
        self.report_with(attempts)
    }

    /// The report of these attempts, without what came in with the request.
    fn report_with(&mut self, attempts: Vec<ExecutionAttempt>) -> ExecutionReport {
        let conclusion = self.machine.conclusion().unwrap_or_else(|| reporting::lost_conclusion(&attempts));
        let concluded_at = self.kept.as_ref().and_then(|kept| kept.concluded_at);
        let mut report = reporting::begin(self.request, self.id, conclusion, attempts);
        report.total_latency_ms = concluded_at.unwrap_or(self.now).ms_since(self.machine.admitted_at());
        report.gate = self.machine.gate();
        report.output = self.output.as_deref().cloned();
        report.idempotency_key = self.machine.plan().key().map(str::to_owned);
        if self.house.plan_digests || report.idempotency_key.is_some() {
            report.plan_digest = Some(Box::new(self.machine.plan_digest()));
        }
        report
    }

    pub(super) fn finish(&mut self) -> ExecutionReport {
        if let Some(stored) = self.kept.as_mut().and_then(|kept| kept.stored.take()) {
            let mut report = reporting::replay(*stored, self.machine.conclusion(), self.request.line);
            reporting::bring_along(&mut report, &self.house.redactor, self.request);
            return report;
        }
        let Request { decision, tenant, .. } = *self.request;
        if let (Some(cooldown_ms), Some(guards)) = (decision.cooldown_ms, &self.house.guards)
            && self.machine.conclusion().is_some_and(|end| end.status == ExecutionStatus::Success)
        {
            guards.cooldowns.start(self.now, tenant, decision.action, cooldown_ms);
        }
        self.tell_outcome();
        let mut attempts = self.machine.take_attempts();
        if let Some(kept) = &mut self.kept {
            attempts.splice(0..0, std::mem::take(&mut kept.earlier));
            attempts.extend(kept.withdrawn.take());
        }
        // What was tried has its records; what was not is an event and touches no key.
        match self.house.ledger().filter(|_| self.has_tried_nothing()) {
            None => self.last_report(attempts),
            Some(ledger) => noted(ledger, self.last_report(attempts)),
        }
    }

    fn last_report(&mut self, attempts: Vec<ExecutionAttempt>) -> ExecutionReport {
        let mut report = self.report_with(attempts);
        reporting::bring_along(&mut report, &self.house.redactor, self.request);
        report
    }

    fn has_tried_nothing(&self) -> bool {
        match self.machine.conclusion().map(|end| end.status) {
            Some(ExecutionStatus::Denied | ExecutionStatus::Skipped) => true,
            // Without a conclusion it is lost, which is a failure.
            Some(ExecutionStatus::Success | ExecutionStatus::Failed) | None => false,
        }
    }
}
