//! One attempt without an engine: what an executor is called with, and the engine's end of its strings.

use std::{future::Future, time::Duration};

use decision_schema::{Action, Object};
use failstop::executor::{Answer, Attempt, Control, Executor};

/// So long that only a hang reaches it.
const GENEROUS: Duration = Duration::from_secs(30);

/// When every attempt here is told to stop, Unix milliseconds.
pub const DEADLINE_MS: i64 = 1_750_000_005_000;

/// How long every attempt here has.
pub const TIMEOUT_MS: u64 = 5_000;

/// What one attempt is made of.
pub struct OneAttempt {
    pub control: Control,
    pub params: Option<Object>,
    pub context: Object,
    pub run_id: Option<&'static str>,
    pub idempotency_key: Option<&'static str>,
    pub attempt_number: u32,
}

impl OneAttempt {
    pub fn new() -> Self {
        Self {
            control: Control::default(),
            params: None,
            context: Object::new(),
            run_id: Some("run-1"),
            idempotency_key: Some("key-1"),
            attempt_number: 0,
        }
    }

    pub fn with_params(params: Object) -> Self {
        Self { params: Some(params), ..Self::new() }
    }

    pub fn attempt(&self) -> Attempt<'_> {
        Attempt {
            action: Action::Act,
            params: self.params.as_ref(),
            context: &self.context,
            run_id: self.run_id,
            step: Some(7),
            tenant: None,
            attempt_number: self.attempt_number,
            idempotency_key: self.idempotency_key,
            fence: 41,
            deadline_ms: DEADLINE_MS,
            timeout_ms: TIMEOUT_MS,
            control: &self.control,
            lock: None,
        }
    }
}

/// The answer to a plain attempt.
pub async fn answer_of(executor: &impl Executor) -> Answer {
    answer_to(executor, &OneAttempt::new()).await
}

/// The answer to this attempt.
pub async fn answer_to(executor: &impl Executor, one: &OneAttempt) -> Answer {
    in_time(executor.run(one.attempt())).await
}

/// Fails where `future` hangs.
pub async fn in_time<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(GENEROUS, future).await.expect("hangs")
}

/// Comes back as soon as the condition holds, while `running` goes on and does not end.
pub async fn until(condition: impl Fn() -> bool, running: impl Future<Output = Answer>) {
    tokio::select! {
        () = eventually(condition) => {}
        answer = running => panic!("ended too early: {answer:?}"),
    }
}

/// Comes back as soon as the condition holds. For what the system does in its own time and tells nobody.
pub async fn eventually(condition: impl Fn() -> bool) {
    let holds = async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    in_time(holds).await;
}
