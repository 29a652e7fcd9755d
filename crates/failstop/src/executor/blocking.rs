//! Executors made of blocking closures, each attempt on a thread of its own.
//!
//! Not on the runtime's blocking pool, whose threads a runtime waits for when it shuts down: one hung closure would keep
//! the whole process from ending. A thread cannot be killed. At its deadline it is told ([`BlockingAttempt::is_signalled`]) and, after the grace,
//! abandoned: the report says `stopped: unconfirmed`, and slot and key stay held until the thread really ends.

use std::{
    borrow::Cow,
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use decision_schema::{Action, Object};
use execution_orchestration_core::model::EffectClass;

use super::{Answer, Attempt, Cancel, Executor};

/// One attempt, as a blocking closure sees it: the same as [`Attempt`], but owned.
#[derive(Debug)]
pub struct BlockingAttempt {
    /// What to do.
    pub action: Action,
    /// The decision's parameters.
    pub params: Option<Object>,
    /// The submission's context.
    pub context: Object,
    /// The run this belongs to.
    pub run_id: Option<String>,
    /// The step within the run.
    pub step: Option<i64>,
    /// On whose behalf.
    pub tenant: Option<String>,
    /// Counted from 0.
    pub attempt_number: u32,
    /// The key in force, to be forwarded to the target.
    pub idempotency_key: Option<String>,
    /// Strictly increasing over all attempts of a ledger; 0 where there is no ledger.
    pub fence: u64,
    /// When the attempt will be told to stop, Unix wall time in milliseconds.
    pub deadline_ms: i64,
    cancel: Cancel,
}

impl BlockingAttempt {
    /// Whether the attempt has been told to stop. Cheap enough to ask in a loop.
    pub fn is_signalled(&self) -> bool {
        self.cancel.is_signalled()
    }
}

/// An executor made of a blocking closure; see [`blocking`].
pub struct Blocking<F> {
    closure: Arc<F>,
    name: &'static str,
    effect_class: EffectClass,
}

impl<F> std::fmt::Debug for Blocking<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Blocking").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Makes an executor of a blocking closure. What it returns is an [`Answer`], or, as in the reference,
/// `(bool, Option<String>)`.
pub fn blocking<F, R>(closure: F) -> Blocking<F>
where
    F: Fn(BlockingAttempt) -> R + Send + Sync + 'static,
    R: Into<Answer>,
{
    Blocking { closure: Arc::new(closure), name: "blocking", effect_class: EffectClass::NonIdempotent }
}

impl<F> Blocking<F> {
    /// With a name, which plans and their digests show.
    #[must_use]
    pub fn named(self, name: &'static str) -> Self {
        Self { name, ..self }
    }

    /// With a promise about repeating the effect.
    #[must_use]
    pub fn with_effect_class(self, effect_class: EffectClass) -> Self {
        Self { effect_class, ..self }
    }
}

impl<F, R> Executor for Blocking<F>
where
    F: Fn(BlockingAttempt) -> R + Send + Sync + 'static,
    R: Into<Answer>,
{
    fn run<'a>(&'a self, attempt: Attempt<'a>) -> impl Future<Output = Answer> + Send {
        let closure = Arc::clone(&self.closure);
        let hold = attempt.hold();
        let owned = BlockingAttempt {
            action: attempt.action,
            params: attempt.params.cloned(),
            context: attempt.context.clone(),
            run_id: attempt.run_id.map(Into::into),
            step: attempt.step,
            tenant: attempt.tenant.map(Into::into),
            attempt_number: attempt.attempt_number,
            idempotency_key: attempt.idempotency_key.map(Into::into),
            fence: attempt.fence,
            deadline_ms: attempt.deadline_ms,
            cancel: attempt.cancel(),
        };
        let (answer_to, answer) = tokio::sync::oneshot::channel();
        let on_thread = move || {
            let answer =
                catch_unwind(AssertUnwindSafe(|| closure(owned).into())).unwrap_or_else(|_| broken());
            drop(hold);
            // Nobody listens where the attempt was abandoned.
            let _ = answer_to.send(answer);
        };
        async move {
            // Detached: the thread ends with its closure, and the hold says until when it counts.
            match std::thread::Builder::new().name("failstop-blocking".into()).spawn(on_thread) {
                Ok(_) => answer.await.unwrap_or_else(|_| Answer::unknown()),
                Err(_) => Answer::not_applied().with_code("spawn_failed"),
            }
        }
    }

    fn name(&self) -> &str {
        self.name
    }

    fn effect_class(&self) -> EffectClass {
        self.effect_class
    }
}

/// The answer of an attempt that panicked. The message is nobody's business (INV-EXE-SEC-1).
pub(crate) fn broken() -> Answer {
    Answer::broke(Cow::Borrowed("panic"))
}
