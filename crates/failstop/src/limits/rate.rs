//! Rate limits: GCRA quotas, global and per action, taken all or nothing in one decision under one lock (INV-EXE-6).
//!
//! Nothing is taken while waiting. Who waits for an action's quota stands in that action's queue; the heads of the
//! queues, at most one per action, share the global quota in the order in which they came.
//! GCRA: ITU-T I.371, annex A; a quota is its theoretical arrival time.

use std::{
    collections::VecDeque,
    future::Future,
    pin::Pin,
    task::{Context, Poll, Waker},
};

use decision_schema::Action;
use execution_orchestration_core::{
    policies::{Quota, RateLimitPolicy},
    time::Timestamp,
};
use parking_lot::Mutex;
use tokio::time::Sleep;

use crate::clock::Clock;

/// The quotas of one engine, and who waits for them.
#[derive(Debug)]
pub(crate) struct RateLimiter {
    state: Mutex<State>,
    max_wait_ms: Option<u64>,
}

/// The wait would be longer than the policy allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RateLimited;

#[derive(Debug)]
struct State {
    global: Option<Cell>,
    actions: [Option<Cell>; Action::ALL.len()],
    queues: [VecDeque<Waiting>; Action::ALL.len()],
    next_ticket: u64,
    waiting: usize,
}

#[derive(Debug)]
struct Waiting {
    ticket: u64,
    waker: Option<Waker>,
    /// Left from the middle of the queue; swept out when it comes to the front.
    has_left: bool,
}

/// One quota: when the next permit would arrive at the steady rate, nanoseconds.
#[derive(Debug, Clone, Copy)]
struct Cell {
    arrival: u128,
    interval: u64,
    /// How far ahead of the steady rate a burst may run; past 64 bits for the largest quotas.
    tolerance: u128,
}

impl Cell {
    fn new(quota: Quota) -> Self {
        // Rounded up, so that the rate is never above the quota.
        let interval = (quota.per_ms.saturating_mul(1_000_000)).div_ceil(u64::from(quota.permits)).max(1);
        Self { arrival: 0, interval, tolerance: u128::from(interval) * u128::from(quota.burst - 1) }
    }

    fn ready_at(&self) -> u64 {
        u64::try_from(self.arrival.saturating_sub(self.tolerance)).unwrap_or(u64::MAX)
    }

    fn take(&mut self, now: u64) {
        self.arrival = self.arrival.max(now.into()) + u128::from(self.interval);
    }
}

impl RateLimiter {
    pub(crate) fn new(policy: &RateLimitPolicy) -> Self {
        Self {
            state: Mutex::new(State {
                global: policy.global.map(Cell::new),
                actions: policy.actions.map(|quota| quota.map(Cell::new)),
                queues: Default::default(),
                next_ticket: 0,
                waiting: 0,
            }),
            max_wait_ms: policy.max_wait_ms,
        }
    }

    /// One permit of every quota that applies to `action`, if they are there now and nobody waits before.
    pub(crate) fn try_acquire(&self, now: Timestamp, action: Action) -> bool {
        self.state.lock().try_take(now.as_nanos(), action)
    }

    /// Waits in turn for one permit of every quota that applies to `action`.
    pub(crate) fn acquire<'a>(&'a self, clock: &'a Clock, action: Action) -> Turn<'a> {
        let now = clock.now();
        let patience = self.max_wait_ms.map(|ms| now.plus_ms(ms).as_nanos());
        let ticket = self.state.lock().enqueue(action);
        Turn { limiter: self, clock, action, ticket: Some(ticket), patience, alarm: None }
    }
}

impl State {
    fn ready_at(&self, action: Action) -> u64 {
        let own = self.actions[action as usize].map_or(0, |cell| cell.ready_at());
        let global = self.global.map_or(0, |cell| cell.ready_at());
        own.max(global)
    }

    fn try_take(&mut self, now: u64, action: Action) -> bool {
        let may = self.waiting == 0 && self.ready_at(action) <= now;
        if may {
            self.take(now, action);
        }
        may
    }

    fn take(&mut self, now: u64, action: Action) {
        for cell in [&mut self.global, &mut self.actions[action as usize]].into_iter().flatten() {
            cell.take(now);
        }
    }

    fn enqueue(&mut self, action: Action) -> u64 {
        let ticket = self.next_ticket;
        self.next_ticket += 1;
        self.waiting += 1;
        self.queues[action as usize].push_back(Waiting { ticket, waker: None, has_left: false });
        ticket
    }

    /// Whether a head that came earlier only waits for the global quota, which is then its before ours.
    fn is_outranked(&self, now: u64, ticket: u64) -> bool {
        Action::ALL.into_iter().any(|action| {
            self.queues[action as usize].front().is_some_and(|head| {
                head.ticket < ticket
                    && self.actions[action as usize].is_none_or(|cell| cell.ready_at() <= now)
            })
        })
    }

    /// Takes a ticket out of its queue and wakes the heads, whose turn may have come.
    fn leave(&mut self, action: Action, ticket: u64) {
        let queue = &mut self.queues[action as usize];
        if let Ok(at) = queue.binary_search_by_key(&ticket, |waiting| waiting.ticket) {
            queue[at].has_left = true;
            self.waiting -= 1;
        }
        while queue.front().is_some_and(|head| head.has_left) {
            queue.pop_front();
        }
        for head in self.queues.iter_mut().filter_map(VecDeque::front_mut) {
            if let Some(waker) = head.waker.take() {
                waker.wake();
            }
        }
    }

    /// Decides for one ticket: taken, or when to look again (`None`: when woken).
    fn decide(&mut self, now: u64, action: Action, ticket: u64, waker: &Waker) -> Result<(), Option<u64>> {
        let ready_at = self.ready_at(action);
        let queue = &self.queues[action as usize];
        let Ok(at) = queue.binary_search_by_key(&ticket, |waiting| waiting.ticket) else { return Err(None) };
        if at == 0 && ready_at <= now && !self.is_outranked(now, ticket) {
            self.take(now, action);
            return Ok(());
        }
        self.queues[action as usize][at].waker = Some(waker.clone());
        Err((at == 0 && ready_at > now).then_some(ready_at))
    }
}

/// A place in the queue, and the wait in it. Leaves the queue when dropped.
pub(crate) struct Turn<'a> {
    limiter: &'a RateLimiter,
    clock: &'a Clock,
    action: Action,
    ticket: Option<u64>,
    patience: Option<u64>,
    alarm: Option<Pin<Box<Sleep>>>,
}

impl Turn<'_> {
    fn wait_until(&mut self, nanos: u64, cx: &mut Context<'_>) {
        let at = self.clock.instant(Timestamp::from_nanos(nanos));
        let alarm = match &mut self.alarm {
            Some(alarm) => {
                alarm.as_mut().reset(at);
                alarm
            }
            none => none.insert(Box::pin(tokio::time::sleep_until(at))),
        };
        if alarm.as_mut().poll(cx).is_ready() {
            cx.waker().wake_by_ref();
        }
    }
}

impl Future for Turn<'_> {
    type Output = Result<(), RateLimited>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(ticket) = self.ticket else { return Poll::Ready(Err(RateLimited)) };
        let now = self.clock.now().as_nanos();
        let decision = self.limiter.state.lock().decide(now, self.action, ticket, cx.waker());
        let look_again_at = match decision {
            Ok(()) => return Poll::Ready(Ok(())),
            Err(at) => at,
        };
        let is_hopeless =
            self.patience.is_some_and(|end| end <= now || look_again_at.is_some_and(|at| at > end));
        if is_hopeless {
            return Poll::Ready(Err(RateLimited));
        }
        if let Some(at) = look_again_at.into_iter().chain(self.patience).min() {
            self.wait_until(at, cx);
        }
        Poll::Pending
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket.take() {
            self.limiter.state.lock().leave(self.action, ticket);
        }
    }
}
