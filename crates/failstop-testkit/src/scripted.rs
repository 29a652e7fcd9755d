//! An executor that follows a script and remembers what it was asked.

use std::{
    future,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use failstop::executor::{Answer, Attempt, Executor, Urgency};

/// What one attempt does.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// Succeeds.
    Ok,
    /// Fails without effect, as the reference's `(False, "no")`.
    Reject,
    /// Panics, as the reference's exception.
    Raise,
    /// Says that it cannot tell.
    Unknown,
    /// Never answers and listens to nobody.
    Hang,
    /// Never answers, and ends with an unknown effect when told to.
    HangUntilTold,
    /// Answers this.
    Answer(Answer),
}

/// Follows its steps, one an attempt; the last one is repeated.
#[derive(Debug)]
pub struct Scripted {
    steps: Vec<Step>,
    calls: AtomicUsize,
    keys: Mutex<Vec<Option<String>>>,
}

impl Scripted {
    /// Follows `steps`.
    ///
    /// # Panics
    /// If there are none.
    pub fn new(steps: impl Into<Vec<Step>>) -> Self {
        let steps = steps.into();
        assert!(!steps.is_empty(), "a script has a step");
        Self { steps, calls: AtomicUsize::new(0), keys: Mutex::default() }
    }

    /// How often it was entered.
    pub fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }

    /// The idempotency key of each call.
    ///
    /// # Panics
    /// If a call panicked while noting its key.
    pub fn keys(&self) -> Vec<Option<String>> {
        self.keys.lock().expect("nobody panics while holding it").clone()
    }

    fn enter(&self, attempt: &Attempt<'_>) -> &Step {
        let key = attempt.idempotency_key.map(str::to_owned);
        self.keys.lock().expect("nobody panics while holding it").push(key);
        let call = self.calls.fetch_add(1, Ordering::SeqCst);
        &self.steps[call.min(self.steps.len() - 1)]
    }
}

impl Executor for Scripted {
    fn name(&self) -> &str {
        "scripted"
    }

    async fn run<'a>(&'a self, attempt: Attempt<'a>) -> Answer {
        match self.enter(&attempt) {
            Step::Ok => Answer::applied(),
            Step::Reject => Answer::from((false, Some("no".to_owned()))),
            Step::Raise => panic!("a step of the script raises"),
            Step::Unknown => Answer::unknown(),
            Step::Hang => future::pending().await,
            Step::HangUntilTold => {
                attempt.cancel().at_least(Urgency::Signal).await;
                Answer::unknown()
            }
            Step::Answer(answer) => answer.clone(),
        }
    }
}
