//! Executors made of async closures.

use std::future::Future;

use execution_orchestration_core::model::EffectClass;

use super::{Answer, Attempt, Executor};

/// An executor made of an async closure; see [`from_fn`].
#[derive(Debug, Clone)]
pub struct FromFn<F> {
    closure: F,
    name: &'static str,
    effect_class: EffectClass,
}

/// Makes an executor of an async closure. What it returns is an [`Answer`], or, as in the reference,
/// `(bool, Option<String>)`.
///
/// The future must yield to be stopped: a stop drops it where it waits. Work that blocks belongs into
/// [`super::blocking`].
///
/// ```
/// use failstop::executor::{Answer, from_fn};
///
/// let executor = from_fn(|attempt| {
///     let is_first = attempt.attempt_number == 0;
///     async move { if is_first { Answer::not_applied() } else { Answer::applied() } }
/// });
/// # let _ = executor;
/// ```
pub const fn from_fn<F, Fut>(closure: F) -> FromFn<F>
where
    F: Fn(Attempt<'_>) -> Fut + Send + Sync,
    Fut: Future + Send,
    Fut::Output: Into<Answer>,
{
    FromFn { closure, name: "closure", effect_class: EffectClass::NonIdempotent }
}

impl<F> FromFn<F> {
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

impl<F, Fut> Executor for FromFn<F>
where
    F: Fn(Attempt<'_>) -> Fut + Send + Sync,
    Fut: Future + Send,
    Fut::Output: Into<Answer>,
{
    fn run<'a>(&'a self, attempt: Attempt<'a>) -> impl Future<Output = Answer> + Send {
        let running = (self.closure)(attempt);
        async move { running.await.into() }
    }

    fn name(&self) -> &str {
        self.name
    }

    fn effect_class(&self) -> EffectClass {
        self.effect_class
    }
}
