//! Executions that wait for something. One that is done at its first poll costs neither a task nor an allocation.

use std::{
    future::{Future, poll_fn},
    pin::Pin,
    task::{Context, Poll},
};

use failstop::core::model::ExecutionReport;
use tokio::task::{JoinError, JoinSet};

/// A place for one execution, used again and again while executions are done at once.
type Place<F> = Pin<Box<Option<F>>>;

/// The executions in flight, each with its place among the lines.
pub struct Executions<F> {
    idle: Option<Place<F>>,
    waiting: JoinSet<(u64, ExecutionReport)>,
}

impl<F: Future<Output = ExecutionReport> + Send + 'static> Executions<F> {
    /// None yet.
    pub fn new() -> Self {
        Self { idle: None, waiting: JoinSet::new() }
    }

    /// How many wait for something.
    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Begins `execution`; its report, if it is done at once, and a task of its own if not.
    pub async fn begin(&mut self, place: u64, execution: F) -> Option<ExecutionReport> {
        let mut own = self.idle.take().unwrap_or_else(|| Box::pin(None));
        own.as_mut().set(Some(execution));
        match poll_fn(|cx| Poll::Ready(poll(&mut own, cx))).await {
            Poll::Ready(report) => {
                own.as_mut().set(None);
                self.idle = Some(own);
                Some(report)
            }
            Poll::Pending => {
                self.waiting.spawn(async move { (place, poll_fn(|cx| poll(&mut own, cx)).await) });
                None
            }
        }
    }

    /// The next that is done; `None` if there are none.
    pub async fn next(&mut self) -> Option<Result<(u64, ExecutionReport), JoinError>> {
        self.waiting.join_next().await
    }
}

fn poll<F: Future>(own: &mut Place<F>, cx: &mut Context<'_>) -> Poll<F::Output> {
    match own.as_mut().as_pin_mut() {
        Some(execution) => execution.poll(cx),
        None => Poll::Pending,
    }
}
