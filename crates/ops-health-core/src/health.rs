//! What happened lately, and what it means for actions now.

use alloc::vec::Vec;

use decision_schema::Action;

use crate::{
    HealthPolicy, HealthState, Reason, Signal,
    p95::P95,
    score::{Measured, score},
    window::Window,
};

/// What can happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Event {
    /// Something failed.
    Error,
    /// Somebody answered that we come too often (HTTP 429).
    RateLimited,
    /// A connection had to be made anew.
    Reconnect,
    /// Something took this long, in milliseconds.
    Latency(u64),
}

/// What happened lately, and whether a cooldown goes on.
///
/// Times are milliseconds since any origin, the same for events and assessments. Events may come in any order and time
/// may go backwards: an event counts while it is not older than the window, also when it lies in the future; what an
/// assessment found too old is forgotten for good.
///
/// At most [`crate::MAX_SAMPLES`] samples of a kind are kept, some 5 MiB at the most. Recording costs `O(log n)`, and an
/// assessment as much for each sample that it forgets.
#[derive(Debug, Clone)]
pub struct OpsHealth {
    policy: HealthPolicy,
    errors: Window<()>,
    rate_limited: Window<()>,
    reconnects: Window<()>,
    latencies: Window<u64>,
    p95_latency: P95,
    cooldown_until_ms: Option<i64>,
}

impl OpsHealth {
    /// Nothing happened so far.
    pub fn new(policy: HealthPolicy) -> Self {
        Self {
            policy,
            errors: Window::new(),
            rate_limited: Window::new(),
            reconnects: Window::new(),
            latencies: Window::new(),
            p95_latency: P95::default(),
            cooldown_until_ms: None,
        }
    }

    /// Notes that `event` happened at `ts_ms`.
    pub fn record(&mut self, ts_ms: i64, event: Event) {
        let window = match event {
            Event::Error => &mut self.errors,
            Event::RateLimited => &mut self.rate_limited,
            Event::Reconnect => &mut self.reconnects,
            Event::Latency(latency_ms) => return self.record_latency(ts_ms, latency_ms),
        };
        window.push(ts_ms, ());
    }

    fn record_latency(&mut self, ts_ms: i64, latency_ms: u64) {
        self.p95_latency.insert(latency_ms);
        if let Some(dropped_ms) = self.latencies.push(ts_ms, latency_ms) {
            self.p95_latency.remove(dropped_ms);
        }
    }

    /// What the events from `now_ms - window_ms` on mean for actions at `now_ms`.
    ///
    /// A RED state starts a cooldown, and one that is found during a cooldown does not prolong it. The assessment that
    /// finds the cooldown over judges by the score alone, so a state that is RED still starts the next one.
    pub fn assess(&mut self, now_ms: i64) -> Signal {
        self.forget_before(now_ms.saturating_sub_unsigned(self.policy.spec().window_ms));
        let score = score(self.policy.spec(), &self.measured());
        let state = self.policy.state_of(score);
        let is_cooling = self.cooldown_until_ms.is_some_and(|until_ms| now_ms < until_ms);
        if !is_cooling {
            self.cooldown_until_ms = self.cooldown_after(state, now_ms);
        }
        self.signal(state, score, is_cooling)
    }

    fn forget_before(&mut self, cutoff_ms: i64) {
        for window in [&mut self.errors, &mut self.rate_limited, &mut self.reconnects] {
            window.forget_before(cutoff_ms, drop);
        }
        self.latencies.forget_before(cutoff_ms, |latency_ms| self.p95_latency.remove(latency_ms));
    }

    fn measured(&self) -> Measured {
        Measured {
            errors: self.errors.len(),
            rate_limited: self.rate_limited.len(),
            reconnects: self.reconnects.len(),
            p95_latency_ms: self.p95_latency.value(),
        }
    }

    /// The end of the cooldown that `state` starts at `now_ms`, if it starts one.
    fn cooldown_after(&self, state: HealthState, now_ms: i64) -> Option<i64> {
        let until_ms = now_ms.saturating_add_unsigned(self.policy.spec().cooldown_ms);
        (state == HealthState::Red && until_ms > now_ms).then_some(until_ms)
    }

    fn signal(&self, state: HealthState, score: f64, was_cooling: bool) -> Signal {
        let red = (state == HealthState::Red).then_some(Reason::ScoreBelowRed);
        let cooling = was_cooling.then_some(Reason::CooldownActive);
        let reasons: Vec<Reason> = red.into_iter().chain(cooling).collect();
        let deny_actions = !reasons.is_empty();
        Signal {
            state,
            score,
            deny_actions,
            cooldown_until_ms: self.cooldown_until_ms,
            recommended_action: if deny_actions { Action::Hold } else { Action::Act },
            reasons,
            exact: self.is_exact(),
        }
    }

    fn is_exact(&self) -> bool {
        [&self.errors, &self.rate_limited, &self.reconnects].into_iter().all(Window::is_exact)
            && self.latencies.is_exact()
    }
}
