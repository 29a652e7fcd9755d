//! Executors behind a pointer, for tables that route actions to executors of different types.

use std::{future::Future, pin::Pin, sync::Arc};

use execution_orchestration_core::model::EffectClass;

use super::{Answer, Attempt, Executor};

trait ErasedExecutor: Send + Sync {
    fn run_boxed<'a>(&'a self, attempt: Attempt<'a>) -> Pin<Box<dyn Future<Output = Answer> + Send + 'a>>;
    fn name(&self) -> &str;
    fn effect_class(&self) -> EffectClass;
    fn may_outlive_process(&self) -> bool;
}

impl<E: Executor + 'static> ErasedExecutor for E {
    fn run_boxed<'a>(&'a self, attempt: Attempt<'a>) -> Pin<Box<dyn Future<Output = Answer> + Send + 'a>> {
        Box::pin(self.run(attempt))
    }

    fn name(&self) -> &str {
        Executor::name(self)
    }

    fn effect_class(&self) -> EffectClass {
        Executor::effect_class(self)
    }

    fn may_outlive_process(&self) -> bool {
        Executor::may_outlive_process(self)
    }
}

/// Any executor, behind a shared pointer.
#[derive(Clone)]
pub struct AnyExecutor {
    inner: Arc<dyn ErasedExecutor>,
}

impl AnyExecutor {
    /// Puts `executor` behind a pointer.
    pub fn new(executor: impl Executor + 'static) -> Self {
        Self { inner: Arc::new(executor) }
    }
}

impl std::fmt::Debug for AnyExecutor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AnyExecutor").field("name", &self.inner.name()).finish_non_exhaustive()
    }
}

impl Executor for AnyExecutor {
    fn run<'a>(&'a self, attempt: Attempt<'a>) -> impl Future<Output = Answer> + Send {
        self.inner.run_boxed(attempt)
    }

    fn name(&self) -> &str {
        self.inner.name()
    }

    fn effect_class(&self) -> EffectClass {
        self.inner.effect_class()
    }

    fn may_outlive_process(&self) -> bool {
        self.inner.may_outlive_process()
    }
}
