//! What tokio's `oneshot` promises: a value that is sent arrives, or comes back to the sender.

use std::{
    pin::Pin,
    task::{Context, Poll, Waker},
};

use super::{Arc, Mutex};

#[derive(Debug)]
struct Line<T> {
    value: Option<T>,
    is_closed: bool,
    has_sender: bool,
    waker: Option<Waker>,
}

#[derive(Debug)]
pub(crate) struct Sender<T> {
    line: Arc<Mutex<Line<T>>>,
}

#[derive(Debug)]
pub(crate) struct Receiver<T> {
    line: Arc<Mutex<Line<T>>>,
    is_terminated: bool,
}

/// There is no value, or none will come.
#[derive(Debug)]
pub(crate) struct Nothing;

pub(crate) fn channel<T>() -> (Sender<T>, Receiver<T>) {
    let line = Line { value: None, is_closed: false, has_sender: true, waker: None };
    let line = Arc::new(Mutex::new(line));
    (Sender { line: line.clone() }, Receiver { line, is_terminated: false })
}

impl<T> Sender<T> {
    pub(crate) fn send(self, value: T) -> Result<(), T> {
        let mut line = self.line.lock();
        if line.is_closed {
            return Err(value);
        }
        line.value = Some(value);
        Ok(()) // dropping the sender wakes
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.line.lock().is_closed
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        let mut line = self.line.lock();
        line.has_sender = false;
        let waker = line.waker.take();
        drop(line);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl<T> Receiver<T> {
    pub(crate) fn close(&mut self) {
        self.line.lock().is_closed = true;
    }

    pub(crate) fn try_recv(&mut self) -> Result<T, Nothing> {
        let mut line = self.line.lock();
        let value = line.value.take();
        self.is_terminated |= value.is_some() || !line.has_sender;
        value.ok_or(Nothing)
    }

    pub(crate) fn is_terminated(&self) -> bool {
        self.is_terminated
    }
}

impl<T> Future for Receiver<T> {
    type Output = Result<T, Nothing>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut line = self.line.lock();
        let end = match line.value.take() {
            Some(value) => Ok(value),
            None if line.has_sender => {
                line.waker = Some(context.waker().clone());
                return Poll::Pending;
            }
            None => Err(Nothing),
        };
        drop(line);
        self.is_terminated = true;
        Poll::Ready(end)
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        self.close();
    }
}
