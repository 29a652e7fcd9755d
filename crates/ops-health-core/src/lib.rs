//! The rules of operational health, pure: events go in, a kill-switch signal comes out.
//!
//! This crate decides when a pipeline is too ill to act: it keeps the errors, rate-limit answers, reconnects and
//! latencies of a sliding window, scores them, and denies actions from the moment the score is RED until a cooldown is
//! over. It refuses to know any clock, IO, thread or randomness: time is told, and what is told alone decides.
//!
//! Read [`health`] first; [`policy`] has the numbers, [`signal`] the answer.
//!
//! Agrees with `ops-health-core` 0.1.1 of the reference on every vector, and differs in this:
//! - of each kind at most [`MAX_SAMPLES`] samples are kept, and [`Signal::exact`] says when that was not enough;
//! - an event costs `O(log n)`, where the reference goes through all samples, and sorts them, at each assessment;
//! - numbers of a policy that make no sense are refused ([`InvalidPolicy`]) instead of calculated with, so that scoring
//!   cannot fail and `fail_closed_exception` is never a reason;
//! - latencies are whole milliseconds from 0 on, and sums of times saturate.
//!
//! ```
//! use decision_schema::Action;
//! use ops_health_core::{Event, HealthPolicy, HealthState, OpsHealth};
//!
//! let mut health = OpsHealth::new(HealthPolicy::default());
//! assert_eq!(health.assess(0).recommended_action, Action::Act);
//!
//! for ts_ms in 1..=10 {
//!     health.record(ts_ms, Event::Error);
//!     health.record(ts_ms, Event::RateLimited);
//!     health.record(ts_ms, Event::Reconnect);
//! }
//! let signal = health.assess(10);
//! assert_eq!((signal.state, signal.deny_actions), (HealthState::Red, true));
//! assert_eq!(signal.cooldown_until_ms, Some(30_010));
//! ```
#![no_std]
#![forbid(unsafe_code)]
#![warn(clippy::wildcard_enum_match_arm)]

extern crate alloc;

pub mod health;
mod p95;
pub mod policy;
mod score;
pub mod signal;
mod window;

pub use decision_schema::policy_fault::{Allowed, InvalidPolicy, PolicyFault};
pub use health::{Event, OpsHealth};
pub use policy::{HealthPolicy, HealthSpec};
pub use signal::{HealthState, Reason, Signal};
pub use window::MAX_SAMPLES;
