//! The plan of one execution: what will be done, with which numbers, in which order, after which delays (INV-EXE-1).
//!
//! The plan's canonical JSON (RFC 8785) is the same on every platform. `jitter_seed` is the SHA-256 of it without
//! `schedule`; the plan digest is the SHA-256 of the whole, so a printed plan can be hashed again.

use alloc::{boxed::Box, string::String, vec::Vec};
use core::fmt::{self, Write as _};

use decision_schema::{Action, Object};

use crate::{
    idempotency::{
        Digest, DigestSink,
        canonical_json::{self, Sink},
    },
    model::EffectClass,
    policies::{ExecutionPolicy, Jitter, jittered},
};

/// What will be done for one decision.
#[derive(Debug, Clone)]
pub struct Plan<'p> {
    subject: Subject<'p>,
    key: Option<String>,
    /// Boxed: few plans need one, and every plan is moved.
    jitter_seed: Option<Box<[u8; 32]>>,
}

/// The parts of a plan that are known before its key.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'p> {
    /// The decision's action.
    pub action: Action,
    /// The decision's parameters.
    pub params: Option<&'p Object>,
    /// The decision's `throttle_ms`, 0 where it has none.
    pub throttle_ms: u64,
    /// The decision's `cooldown_ms`, 0 where it has none.
    pub cooldown_ms: u64,
    /// The policy in force.
    pub policy: &'p ExecutionPolicy,
    /// The executor's name.
    pub executor: &'p str,
    /// What the executor promises.
    pub effect_class: EffectClass,
}

impl<'p> Plan<'p> {
    /// A plan without a key.
    pub const fn new(subject: Subject<'p>) -> Self {
        Self { subject, key: None, jitter_seed: None }
    }

    /// Puts a key in force. The digest and the jitter follow it.
    pub fn set_key(&mut self, key: String) {
        self.key = Some(key);
        self.jitter_seed = None;
    }

    /// The key in force.
    pub fn key(&self) -> Option<&str> {
        self.key.as_deref()
    }

    /// The decision's action.
    pub const fn action(&self) -> Action {
        self.subject.action
    }

    /// The executor's name.
    pub const fn executor(&self) -> &'p str {
        self.subject.executor
    }

    /// The policy in force.
    pub const fn policy(&self) -> &'p ExecutionPolicy {
        self.subject.policy
    }

    /// The decision's `throttle_ms`.
    pub const fn throttle_ms(&self) -> u64 {
        self.subject.throttle_ms
    }

    /// Whether the executor's class allows an effect to happen more than once.
    pub const fn may_repeat_effect(&self) -> bool {
        !matches!(self.subject.effect_class, EffectClass::NonIdempotent)
    }

    /// The planned delay before `attempt`, milliseconds.
    pub fn delay_ms(&mut self, attempt: u32) -> u64 {
        if attempt == 0 {
            return self.subject.throttle_ms;
        }
        let retry = self.policy().retry();
        let delay_ms = retry.backoff_ms(attempt);
        match retry.jitter {
            Jitter::Derived if delay_ms > 0 => {
                if self.jitter_seed.is_none() {
                    self.jitter_seed = Some(Box::new(self.seed()));
                }
                self.jitter_seed.as_ref().map_or(delay_ms, |seed| jittered(delay_ms, seed, attempt))
            }
            Jitter::Derived | Jitter::None => delay_ms,
        }
    }

    /// The planned delays before each attempt, milliseconds.
    pub fn schedule(&mut self) -> Vec<u64> {
        (0..=self.policy().retry().max_retries).map(|attempt| self.delay_ms(attempt)).collect()
    }

    /// The plan as canonical JSON.
    pub fn to_canonical_json(&mut self) -> String {
        let mut text = String::with_capacity(1024);
        self.write(&mut text);
        text
    }

    /// SHA-256 of [`Self::to_canonical_json`].
    pub fn digest(&mut self) -> Digest {
        let mut open = String::with_capacity(1024);
        self.write_open(&mut open);
        let mut sink = DigestSink::default();
        sink.put(&open);
        // The seed is the digest of the same text with another end, so most of the work is done once.
        if self.jitter_seed.is_none() && self.policy().retry().jitter == Jitter::Derived {
            self.jitter_seed = Some(Box::new(closed(sink.clone())));
        }
        open.clear();
        self.write_schedule(&mut open);
        sink.put(&open);
        sink.finish()
    }

    fn write(&mut self, text: &mut String) {
        self.write_open(text);
        self.write_schedule(text);
    }

    /// `schedule` sorts behind every other member, so the whole is the open plan with one more member.
    fn write_schedule(&mut self, sink: &mut impl Sink) {
        sink.put(",\"schedule\":[");
        for attempt in 0..=self.policy().retry().max_retries {
            let delay_ms = self.delay_ms(attempt);
            put(sink, format_args!("{}{delay_ms}", if attempt > 0 { "," } else { "" }));
        }
        sink.put("]}");
    }

    fn seed(&self) -> [u8; 32] {
        let mut sink = DigestSink::default();
        self.write_open(&mut sink);
        closed(sink)
    }

    /// The plan without its schedule and without the closing brace.
    fn write_open(&self, sink: &mut impl Sink) {
        let Subject { action, params, throttle_ms: _, cooldown_ms, policy, executor, effect_class } =
            self.subject;
        put_all(sink, ["{\"action\":\"", action.as_str()]);
        put(sink, format_args!("\",\"cooldown_ms\":{cooldown_ms}"));
        put_all(sink, [",\"effect_class\":\"", effect_class.as_str(), "\",\"executor\":"]);
        canonical_json::write_str(executor, sink);
        sink.put(",\"idempotency_key\":");
        match self.key() {
            Some(key) => canonical_json::write_str(key, sink),
            None => sink.put("null"),
        }
        sink.put(",\"layers\":[");
        for (index, layer) in self.layers().enumerate() {
            put_all(sink, [if index > 0 { ",\"" } else { "\"" }, layer, "\""]);
        }
        match params {
            Some(params) => {
                put(sink, format_args!("],\"params_sha256\":\"{}\"", canonical_json::digest_object(params)));
            }
            None => sink.put("],\"params_sha256\":null"),
        }
        sink.put(",\"policy\":");
        sink.put(policy.canonical_json());
    }

    /// The layers that apply, in their fixed order; each can be off but none can move.
    pub fn layers(&self) -> impl Iterator<Item = &'static str> {
        let policy = self.policy();
        let is_limited = policy.rate_limit().limits(self.action());
        [
            ("input", true),
            ("gate", true),
            ("allowed", true),
            ("policy", true),
            ("throttle", self.subject.throttle_ms > 0),
            ("cooldown", true),
            ("key", policy.idempotency().enabled),
            ("wait", true),
            ("retry_budget", policy.retry_budget().is_some()),
            ("circuit_breaker", policy.circuit_breaker().is_some()),
            ("rate", is_limited),
            ("concurrency", true),
            ("start", true),
            ("attempt", true),
            ("classify", true),
            ("record", policy.idempotency().enabled),
        ]
        .into_iter()
        .filter_map(|(layer, applies)| applies.then_some(layer))
    }
}

/// The digest of an open plan that is closed without its schedule.
fn closed(mut open: DigestSink) -> [u8; 32] {
    open.put("}");
    *open.finish().as_bytes()
}

fn put_all<const N: usize>(sink: &mut impl Sink, texts: [&str; N]) {
    for text in texts {
        sink.put(text);
    }
}

/// Writes formatted text piecewise into a sink, which cannot fail.
fn put(sink: &mut impl Sink, text: fmt::Arguments<'_>) {
    struct Adapter<'s, S>(&'s mut S);
    impl<S: Sink> fmt::Write for Adapter<'_, S> {
        fn write_str(&mut self, text: &str) -> fmt::Result {
            self.0.put(text);
            Ok(())
        }
    }
    // The adapter never fails, and neither do the numbers and names written through it.
    let _ = Adapter(sink).write_fmt(text);
}
