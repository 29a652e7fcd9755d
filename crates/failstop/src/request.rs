//! What is asked of the engine: a decision and all that came with it.

use std::sync::atomic::{AtomicBool, Ordering};

use decision_schema::{FinalDecision, Object};
use execution_orchestration_core::idempotency::Identity;

/// One decision to be executed, borrowed from whoever read it.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The approved decision.
    pub decision: &'a FinalDecision,
    /// The submission's context.
    pub context: &'a Object,
    /// The run this belongs to.
    pub run_id: Option<&'a str>,
    /// The step within the run.
    pub step: Option<i64>,
    /// On whose behalf.
    pub tenant: Option<&'a str>,
    /// The `Idempotency-Key` header, where there was one.
    pub header_key: Option<&'a str>,
    /// The envelope's `idempotency_key`.
    pub idempotency_key: Option<&'a str>,
    /// The packet that came with it, as it was read.
    pub packet: Option<&'a Object>,
    /// The line of the input, from 1.
    pub line: Option<u64>,
    /// The caller's string to this execution; see [`crate::Engine::cancel`].
    pub cancellation: Option<&'a Cancellation>,
}

/// Lets a caller cancel one execution or several.
#[derive(Debug, Default)]
pub struct Cancellation {
    cancelled: AtomicBool,
}

impl Cancellation {
    /// A string that nobody has pulled.
    pub const fn new() -> Self {
        Self { cancelled: AtomicBool::new(false) }
    }

    /// Whether it was pulled.
    pub fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Acquire)
    }

    pub(crate) fn cancel(&self) {
        self.cancelled.store(true, Ordering::Release);
    }
}

impl<'a> Request<'a> {
    /// A decision in its context, and nothing else.
    pub const fn new(decision: &'a FinalDecision, context: &'a Object) -> Self {
        Self {
            decision,
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

    /// What its key is made of.
    pub const fn identity(&self) -> Identity<'a> {
        Identity {
            action: self.decision.action,
            params: self.decision.params.as_ref(),
            context: self.context,
            run_id: self.run_id,
            step: self.step,
            tenant: self.tenant,
        }
    }
}
