//! The engine's own health: fed by its attempts, obeyed by its gate.
//!
//! While health is ill, every start is barred as at `stop`, retries included. Attempts that run are left alone: what
//! they do is not known to be ill, and to break them off would put keys in doubt for the faults of others.

use execution_orchestration_core::{
    model::Effect,
    stop::{Level, Scope, StopCode, Verdict},
};
use ops_health_core::{Event, HealthPolicy, OpsHealth, Signal};

use crate::{
    clock::Clock,
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

/// What a full target says, and the `http` executor passes on, where it does not say how long to wait.
const TOO_MANY_REQUESTS: &str = "http_429";

/// How an attempt ended, as far as health asks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AttemptEnd<'a> {
    pub(crate) effect: Effect,
    pub(crate) error_code: Option<&'a str>,
    /// Whether the target said how long it wants to be left alone.
    pub(crate) has_hint: bool,
    pub(crate) latency_ms: u64,
}

impl AttemptEnd<'_> {
    /// Whether the target answered that we come too often.
    pub(crate) fn is_rate_limited(&self) -> bool {
        self.effect == Effect::NotApplied && (self.has_hint || self.error_code == Some(TOO_MANY_REQUESTS))
    }

    /// A rejection is the answer of a target that is well.
    fn event(&self) -> Option<Event> {
        match self.effect {
            Effect::Applied | Effect::Rejected => None,
            Effect::NotApplied if self.is_rate_limited() => Some(Event::RateLimited),
            Effect::NotApplied | Effect::Unknown => Some(Event::Error),
        }
    }
}

/// What happened to the engine's attempts lately, and whether it may start more.
#[derive(Debug)]
pub(crate) struct OwnHealth {
    clock: Clock,
    health: Mutex<OpsHealth>,
    /// Whether the last assessment denied actions. Only an attempt's end can make things worse, so while it did not,
    /// nobody needs to assess again.
    is_denying: AtomicBool,
}

impl OwnHealth {
    /// Nothing happened so far.
    pub(crate) fn new(policy: HealthPolicy) -> Self {
        Self {
            clock: Clock::new(),
            health: Mutex::new(OpsHealth::new(policy)),
            is_denying: AtomicBool::new(false),
        }
    }

    /// Notes how an attempt ended; whether that closes the gate, so that those who wait must hear of it.
    pub(crate) fn note(&self, end: AttemptEnd<'_>) -> bool {
        let now_ms = self.now_ms();
        let mut health = self.health.lock();
        health.record(now_ms, Event::Latency(end.latency_ms));
        if let Some(event) = end.event() {
            health.record(now_ms, event);
        }
        let denies = health.assess(now_ms).deny_actions;
        // Under the lock, as everywhere: or an older assessment could overwrite a newer one.
        denies && !self.is_denying.swap(denies, Ordering::AcqRel)
    }

    /// What health means for starts now. It lifts by itself: whoever asks after the cooldown finds it lifted.
    pub(crate) fn verdict(&self) -> Verdict {
        if self.is_denying.load(Ordering::Acquire) && self.assess(self.now_ms()).deny_actions {
            Verdict::new(Level::Stop, StopCode::Stopped, Scope::Global, 0)
        } else {
            Verdict::RUN
        }
    }

    /// What health means for actions, with times on the clock on which it is `now_ms` now.
    pub(crate) fn signal(&self, now_ms: i64) -> Signal {
        let own_ms = self.now_ms();
        let mut signal = self.assess(own_ms);
        let theirs = |until_ms: i64| now_ms.saturating_add(until_ms.saturating_sub(own_ms));
        signal.cooldown_until_ms = signal.cooldown_until_ms.map(theirs);
        signal
    }

    fn assess(&self, now_ms: i64) -> Signal {
        let mut health = self.health.lock();
        let signal = health.assess(now_ms);
        self.is_denying.store(signal.deny_actions, Ordering::Release);
        signal
    }

    fn now_ms(&self) -> i64 {
        i64::try_from(self.clock.now().as_nanos() / 1_000_000).unwrap_or(i64::MAX)
    }
}
