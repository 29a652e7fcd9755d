//! Executors: what carries a decision into the world.
//!
//! An executor is called once per attempt with an [`Attempt`] and comes back with an [`Answer`]. It may look at
//! [`Attempt::cancel`] to end early. One that never does is dropped where it waits; one that leaves something running
//! behind its future (a thread, a process group) takes a [`Hold`] for as long as that lives, so that the engine never
//! takes it for ended.

mod blocking;
mod closure;
#[cfg(target_os = "linux")]
pub mod command;
mod control;
mod erased;
pub mod http;
pub mod noop;
mod reply;
mod request;
mod secret;

use std::{borrow::Cow, future::Future};

pub(crate) use blocking::broken;
pub use blocking::{Blocking, BlockingAttempt, blocking};
pub use closure::{FromFn, from_fn};
pub use control::{Cancel, Control, Hold, Urgency};
use decision_schema::{Action, Object, Value};
pub use erased::AnyExecutor;
use execution_orchestration_core::model::{Effect, EffectClass};
pub use reply::read_answer;
pub use secret::Secret;

use crate::locks::AttemptLock;

/// One attempt, as its executor sees it.
#[derive(Debug, Clone, Copy)]
pub struct Attempt<'a> {
    /// What to do.
    pub action: Action,
    /// The decision's parameters.
    pub params: Option<&'a Object>,
    /// The submission's context.
    pub context: &'a Object,
    /// The run this belongs to.
    pub run_id: Option<&'a str>,
    /// The step within the run.
    pub step: Option<i64>,
    /// On whose behalf.
    pub tenant: Option<&'a str>,
    /// Counted from 0.
    pub attempt_number: u32,
    /// The key in force, to be forwarded to the target.
    pub idempotency_key: Option<&'a str>,
    /// Strictly increasing over all attempts of a ledger; 0 where there is no ledger.
    pub fence: u64,
    /// When the attempt will be told to stop, Unix wall time in milliseconds.
    pub deadline_ms: i64,
    /// How long that is from now, milliseconds.
    pub timeout_ms: u64,
    /// The attempt's strings to the engine.
    pub control: &'a Control,
    /// Held by whatever the attempt starts that may outlive this process; `None` where no ledger asks for it.
    pub lock: Option<&'a AttemptLock>,
}

impl Attempt<'_> {
    /// A handle that tells when to stop. Asking for it makes the engine wait out the grace after a signal; an executor
    /// that never asks is dropped at once.
    pub fn cancel(&self) -> Cancel {
        self.control.cancel()
    }

    /// A token to be kept by whatever outlives this attempt's future. Slot and key stay held until it is dropped.
    pub fn hold(&self) -> Hold {
        self.control.hold()
    }

    /// As [`hold`](Self::hold), for what no signal can reach: it is given up at its deadline, without the grace.
    pub fn hold_deaf(&self) -> Hold {
        self.control.hold_deaf()
    }
}

/// How an attempt ended, and what the executor has to say about it.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// What it did to the world.
    pub effect: Effect,
    /// Whether the attempt broke (panic, exception) rather than answered.
    pub broke: bool,
    /// The kind of fault, a short code. Unfit text is replaced.
    pub error_type: Option<Cow<'static, str>>,
    /// The fault's code. Unfit text is replaced.
    pub error_code: Option<Cow<'static, str>>,
    /// How long the target asks to be left alone, milliseconds.
    pub retry_after_ms: Option<u64>,
    /// What the executor answered; redacted and capped before anybody sees it.
    pub output: Option<Value>,
}

impl Answer {
    /// The bare answer of an effect.
    pub const fn of(effect: Effect) -> Self {
        Self { effect, broke: false, error_type: None, error_code: None, retry_after_ms: None, output: None }
    }

    /// The effect happened.
    pub const fn applied() -> Self {
        Self::of(Effect::Applied)
    }

    /// Definitely no effect; it may work later.
    pub const fn not_applied() -> Self {
        Self::of(Effect::NotApplied)
    }

    /// Definitely no effect, and there never will be one.
    pub const fn rejected() -> Self {
        Self::of(Effect::Rejected)
    }

    /// The effect may have happened.
    pub const fn unknown() -> Self {
        Self::of(Effect::Unknown)
    }

    /// The attempt panicked or raised an exception of this kind.
    pub fn broke(kind: Cow<'static, str>) -> Self {
        Self { broke: true, error_type: Some(kind), ..Self::of(Effect::Unknown) }
    }

    /// With a code for the fault.
    #[must_use]
    pub fn with_code(mut self, code: impl Into<Cow<'static, str>>) -> Self {
        self.error_code = Some(code.into());
        self
    }

    /// With a wait that the target asks for, milliseconds.
    #[must_use]
    pub const fn with_retry_after_ms(mut self, ms: u64) -> Self {
        self.retry_after_ms = Some(ms);
        self
    }

    /// With something to say.
    #[must_use]
    pub fn with_output(mut self, output: Value) -> Self {
        self.output = Some(output);
        self
    }
}

impl From<(bool, Option<String>)> for Answer {
    /// The reference's answer: success, or a refusal whose message is dropped (INV-EXE-SEC-1).
    fn from((success, _message): (bool, Option<String>)) -> Self {
        if success { Self::applied() } else { Self::not_applied() }
    }
}

/// Carries decisions into the world.
pub trait Executor: Send + Sync {
    /// Makes one attempt. Never called again for an attempt that may still be running.
    fn run<'a>(&'a self, attempt: Attempt<'a>) -> impl Future<Output = Answer> + Send;

    /// The name in plans; part of the plan digest.
    fn name(&self) -> &str;

    /// What it promises about repeating its effect.
    fn effect_class(&self) -> EffectClass {
        EffectClass::NonIdempotent
    }

    /// Whether what an attempt starts can live on when this process dies. If so, its attempts have a lock in a ledger
    /// that outlives the process too.
    fn may_outlive_process(&self) -> bool {
        false
    }
}
