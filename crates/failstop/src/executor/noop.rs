//! The executor that does nothing: for `HOLD`, and for dry runs.

use std::future::{Future, ready};

use execution_orchestration_core::model::EffectClass;

use super::{Answer, Attempt, Executor};

/// Answers `applied` at once and changes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Noop;

impl Executor for Noop {
    fn run<'a>(&'a self, _attempt: Attempt<'a>) -> impl Future<Output = Answer> + Send {
        ready(Answer::applied())
    }

    fn name(&self) -> &'static str {
        "noop"
    }

    fn effect_class(&self) -> EffectClass {
        EffectClass::ReadOnly
    }
}
