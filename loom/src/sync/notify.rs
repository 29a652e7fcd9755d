//! What tokio's `Notify` promises, as far as the engine asks it: whoever waits since before a call of `notify_waiters`,
//! polled or not, is woken by it.

use std::{
    pin::Pin,
    task::{Context, Poll, Waker},
};

use super::Mutex;

#[derive(Debug)]
pub(crate) struct Notify {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    calls: usize,
    wakers: Vec<Waker>,
}

impl Notify {
    pub(crate) fn new() -> Self {
        Self { state: Mutex::default() }
    }

    pub(crate) fn notified(&self) -> Notified<'_> {
        Notified { notify: self, since: self.state.lock().calls }
    }

    pub(crate) fn notify_waiters(&self) {
        let mut state = self.state.lock();
        state.calls += 1;
        let wakers = std::mem::take(&mut state.wakers);
        drop(state);
        wakers.into_iter().for_each(Waker::wake);
    }
}

#[derive(Debug)]
pub(crate) struct Notified<'a> {
    notify: &'a Notify,
    since: usize,
}

impl Notified<'_> {
    pub(crate) fn enable(self: Pin<&mut Self>) -> bool {
        self.notify.state.lock().calls != self.since
    }
}

impl Future for Notified<'_> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let mut state = self.notify.state.lock();
        if state.calls != self.since {
            return Poll::Ready(());
        }
        state.wakers.push(context.waker().clone());
        Poll::Pending
    }
}
