//! The one way the driver waits: for the work itself, the gate, and the machine's moment.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use execution_orchestration_core::{orchestrator::Input, time::Timestamp};
use tokio::{sync::futures::Notified, time::Sleep};

use super::{Drive, within};

/// Waits for `work`; `None` where the machine ordered something else before it was done.
///
/// The gate is listened to and a timer armed only once the work has turned out not to be ready, and only then is
/// anything allocated.
pub(super) struct WaitFor<'d, 'a, F> {
    drive: &'d mut Drive<'a>,
    work: Pin<&'d mut F>,
    /// How many orders were already there when the wait began.
    orders_before: usize,
    stirred: Option<Pin<Box<Notified<'a>>>>,
    alarm: Option<Pin<Box<Sleep>>>,
}

impl<'a> Drive<'a> {
    /// See [`WaitFor`].
    pub(super) fn wait_for<'d, F: Future>(&'d mut self, work: Pin<&'d mut F>) -> WaitFor<'d, 'a, F> {
        WaitFor { orders_before: self.out.orders(), drive: self, work, stirred: None, alarm: None }
    }
}

impl<F: Future> Future for WaitFor<'_, '_, F> {
    type Output = Option<F::Output>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        let work = within(&this.drive.span, || this.work.as_mut().poll(cx));
        this.drive.now = this.drive.house.clock.now();
        match work {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            Poll::Pending => this.poll_interruption(cx).map(|()| None),
        }
    }
}

impl<F> WaitFor<'_, '_, F> {
    /// Ready when the machine has ordered something.
    fn poll_interruption(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            // Listening comes before looking, so that no change falls between the two.
            self.listen(cx);
            self.drive.look_at_gate();
            if self.has_new_orders() {
                return Poll::Ready(());
            }
            let Some(due) = self.drive.machine.poll_timeout() else { return Poll::Pending };
            if due <= self.drive.now {
                self.drive.handle(Input::Tick);
                if self.has_new_orders() {
                    return Poll::Ready(());
                }
            } else if self.poll_alarm(due, cx).is_pending() {
                return Poll::Pending;
            }
            self.drive.now = self.drive.house.clock.now();
        }
    }

    fn has_new_orders(&self) -> bool {
        self.drive.out.orders() > self.orders_before
    }

    fn listen(&mut self, cx: &mut Context<'_>) {
        let gate = &self.drive.house.rooms.gate;
        let stirred = self.stirred.get_or_insert_with(|| Box::pin(gate.stirred()));
        while stirred.as_mut().poll(cx).is_ready() {
            stirred.set(gate.stirred());
        }
    }

    fn poll_alarm(&mut self, due: Timestamp, cx: &mut Context<'_>) -> Poll<()> {
        let at = self.drive.house.clock.instant(due);
        let alarm = self.alarm.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(at)));
        if alarm.deadline() != at {
            alarm.as_mut().reset(at);
        }
        alarm.as_mut().poll(cx)
    }
}
