//! The reports of an execution: as it stands, as it ends, and of what is refused at the door.

use execution_orchestration_core::{
    ledger::withdraw,
    model::{Conclusion, ExecutionAttempt, ExecutionReport, ExecutionStatus, ReasonCode},
    stop::Verdict,
};

use super::Drive;
use crate::{
    engine::{self, House},
    executor::Executor,
    ids,
    ledger::Evidence,
    reporting::{self, Brought},
    request::Request,
};

/// The report of what the gate refuses at admission. Nothing is built for it: a stop stays cheap under any load.
pub(crate) fn refuse_at_the_gate<E: Executor>(
    house: House<'_>,
    request: &Request<'_>,
    executor: Option<&E>,
    verdict: Verdict,
) -> ExecutionReport {
    let id = ids::execution_id(house.clock.wall_ms(house.clock.now()));
    let (external, packet) = reporting::brought(&house.redactor, request);
    let report = ExecutionReport {
        gate: Some(verdict.stamp),
        plan_digest: house.plan_digests.then(|| engine::plan(house.policy, request, executor).digest()),
        external,
        packet,
        ..reporting::begin(request, id, Conclusion::refused(ReasonCode::from(verdict.code)), Vec::new())
    };
    if let Some(ledger) = house.ledger() {
        ledger.note(Evidence::Denied(&report));
    }
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
        self.report_with(attempts, Brought::default())
    }

    // One literal, so that the report is written where it is wanted rather than moved there.
    fn report_with(
        &mut self,
        attempts: Vec<ExecutionAttempt>,
        (external, packet): Brought,
    ) -> ExecutionReport {
        let conclusion = self.machine.conclusion().unwrap_or_else(|| reporting::lost_conclusion(&attempts));
        let concluded_at = self.kept.as_ref().and_then(|kept| kept.concluded_at);
        let wants_digest = self.house.plan_digests || self.machine.plan().key().is_some();
        ExecutionReport {
            idempotency_key: self.machine.plan().key().map(str::to_owned),
            plan_digest: wants_digest.then(|| self.machine.plan_digest()),
            total_latency_ms: concluded_at.unwrap_or(self.now).ms_since(self.machine.admitted_at()),
            gate: self.machine.gate(),
            output: self.output.as_deref().cloned(),
            external,
            packet,
            ..reporting::begin(self.request, self.id, conclusion, attempts)
        }
    }

    pub(super) fn finish(&mut self) -> ExecutionReport {
        let brought = reporting::brought(&self.house.redactor, self.request);
        if let Some(stored) = self.kept.as_mut().and_then(|kept| kept.stored.take()) {
            return reporting::replay(*stored, self.machine.conclusion(), self.request.line, brought);
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
        let report = self.report_with(attempts, brought);
        // What was tried has its records; what was not is an event and touches no key.
        match report.conclusion.status {
            ExecutionStatus::Denied | ExecutionStatus::Skipped => {
                if let Some(ledger) = self.house.ledger() {
                    ledger.note(Evidence::Denied(&report));
                }
            }
            ExecutionStatus::Success | ExecutionStatus::Failed => {}
        }
        report
    }
}
