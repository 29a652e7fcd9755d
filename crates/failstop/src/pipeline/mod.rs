//! From a proposal to a packet: ops signal, guards, execution, trace.
//!
//! ```text
//! proposal ──> context: the line's, tightened by the engine's own health and history
//!          ──> modulate: six guards, fail-closed
//!          ──> Engine::execute, under the key of the line as it was received
//!          ──> PacketV2, redacted, with the execution's trace
//! ```
//!
//! What the engine knows of itself can only make a line's own words stricter, and enters no key: a line that is sent
//! again has the key that it had, whatever happened in between.

mod packet;
mod planning;
mod submission;
mod tightening;

use decision_modulation_core::{GuardPolicy, modulate};
use decision_schema::{Object, PacketV2, Proposal};
use execution_orchestration_core::model::ExecutionReport;

pub use self::{
    planning::{NotPlanned, Planned},
    submission::Submission,
};
use crate::{
    clock::Clock,
    engine::{BuildError, Engine, EngineBuilder},
    request::{Cancellation, Request},
};

/// An engine with guards before it. Clones share what the engine shares.
#[derive(Debug, Clone)]
pub struct Pipeline {
    engine: Engine,
    guards: GuardPolicy,
}

/// One proposal to be judged and, if the guards agree, executed; borrowed from whoever read it.
#[derive(Debug, Clone, Copy)]
pub struct ProposalRequest<'a> {
    /// What is proposed.
    pub proposal: &'a Proposal,
    /// The submission's context.
    pub context: &'a Object,
    /// The run this belongs to; absent: the proposal's own.
    pub run_id: Option<&'a str>,
    /// The step within the run.
    pub step: Option<i64>,
    /// On whose behalf.
    pub tenant: Option<&'a str>,
    /// The `Idempotency-Key` header, where there was one.
    pub header_key: Option<&'a str>,
    /// The envelope's `idempotency_key`.
    pub idempotency_key: Option<&'a str>,
    /// The packet that came with it, to be completed. What other stages wrote there is kept.
    pub packet: Option<&'a PacketV2>,
    /// The line of the input, from 1.
    pub line: Option<u64>,
    /// The caller's string to this execution; see [`Engine::cancel`].
    pub cancellation: Option<&'a Cancellation>,
}

impl<'a> ProposalRequest<'a> {
    /// A proposal in its context, and nothing else.
    pub const fn new(proposal: &'a Proposal, context: &'a Object) -> Self {
        Self {
            proposal,
            context,
            run_id: None,
            step: None,
            tenant: None,
            header_key: None,
            idempotency_key: None,
            packet: None,
            line: None,
            cancellation: None,
        }
    }

    fn run_id(&self) -> Option<&'a str> {
        self.run_id.or(self.proposal.run_id.as_deref())
    }
}

impl Pipeline {
    /// Builds the engine, and puts `guards` before it.
    ///
    /// # Errors
    /// Where the engine's parts contradict each other.
    pub fn build(engine: EngineBuilder, guards: GuardPolicy) -> Result<Self, BuildError> {
        Ok(Self { engine: engine.history(&guards).build()?, guards })
    }

    /// The engine. What it executes without the pipeline counts in the history too.
    pub const fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The guards' thresholds.
    pub const fn guards(&self) -> &GuardPolicy {
        &self.guards
    }

    /// Judges one proposal, executes what the guards allow, and reports both: the report's packet is complete. Never fails
    /// and never panics, as [`Engine::execute`].
    ///
    /// What a guard refuses is `skipped` (`not_allowed`), and the packet's `mismatch` names the guard; but the gate is
    /// asked first, and what it stops is `denied`. Guards read, where they are stricter than what the context says:
    /// - the engine's own health ([`Engine::health`]), if it has one;
    /// - `errors_in_window` of `steps_in_window`, `recent_failures` (errors since the last success) and
    ///   `rate_limit_events`, over the last `rate_limit_window_ms`;
    /// - `cooldown_until_ms`, which `cooldown_ms` follow on `circuit_breaker_failures` errors one after the other;
    /// - `now_ms`, the wall clock where the context has none. Else all times are told on the context's own clock.
    ///
    /// The packet has what the proposer saw as `input`, with the context's namespaced members; the rest of the context
    /// and the seven `exec.*` keys as `external`, which has registered and well-formed keys alone; the proposal as `mdm`;
    /// as `final_action` `{"action", "allowed", "reasons", "params"?, "status", "outcome", "reason_code"}`, not allowed
    /// where anybody said no. A run that has no name has the execution's id for one, and a step without a number is 0.
    pub async fn submit(&self, request: &ProposalRequest<'_>) -> ExecutionReport {
        let clock = Clock::new();
        let began = clock.now();
        let context = tightening::tightened(request.context, clock.wall_ms(began), &self.engine);
        let (decision, _) = modulate(request.proposal, &self.guards, &context);
        let execution = Request {
            run_id: request.run_id(),
            step: request.step,
            tenant: request.tenant,
            header_key: request.header_key,
            idempotency_key: request.idempotency_key,
            line: request.line,
            cancellation: request.cancellation,
            // As it was received: keys are made of it, and executors are told the same however often it is sent. An
            // allowed decision has the proposal's action and params, so the key is the proposal's; one that is not
            // allowed never comes to have a key.
            ..Request::new(&decision, request.context)
        };
        let mut report = self.engine.execute(&execution).await;
        let latency_ms = clock.now().ms_since(began);
        packet::complete(
            &mut report,
            packet::Parts { request, context, decision, latency_ms },
            self.engine.redactor(),
        );
        report
    }
}
