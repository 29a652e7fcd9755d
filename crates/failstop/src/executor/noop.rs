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

#[cfg(test)]
mod tests {
    use decision_schema::{Action, Object};

    use super::*;
    use crate::executor::Control;

    #[tokio::test]
    async fn it_applies_and_leaves_nothing_behind() {
        let (context, control) = (Object::new(), Control::default());
        let attempt = Attempt {
            action: Action::Hold,
            params: None,
            context: &context,
            run_id: None,
            step: None,
            tenant: None,
            attempt_number: 0,
            idempotency_key: None,
            fence: 0,
            deadline_ms: 0,
            timeout_ms: 0,
            control: &control,
            lock: None,
        };
        assert_eq!(Noop.run(attempt).await, Answer::applied());
        assert!(!control.is_listening() && !control.is_held());
    }
}
