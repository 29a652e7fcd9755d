//! The guards between a proposal and a decision, pure and fail-closed.
//!
//! This crate decides whether what a proposer wants may be carried out, given what the world around it says: its
//! health, the age of its data, its errors, its limits. It refuses to know where any of that comes from: no clock, no
//! window, no state. [`modulate`] is the whole of it; [`guards`] has the guards in their order, [`ContextKey`] what
//! they read, [`GuardPolicy`] their thresholds.
//!
//! Agrees with `decision-modulation-core` 0.1.0 of the reference on every vector, and differs where a context makes no
//! sense, always towards refusal:
//! - a value of the wrong type is refused even where the reference would not have looked at it or could calculate with
//!   it (`true` as a number, text as `ops_deny_actions`), and so are negative numbers, fractions of a count, what is
//!   not finite and what is too large to be exact;
//! - `ops_state` is read in any case, and a word that is none of the three states is refused;
//! - an event that is later than `now_ms` is refused (`clock_went_back`), as are errors without steps;
//! - without `now_ms`, a cooldown is running even if its end is 0.
//!
//! And in what it hands out: an allowed decision carries the proposal's params, which the reference drops, and every
//! refusal has its mismatch in the decision, not only that of a guard.
//!
//! ```
//! use decision_modulation_core::{GuardPolicy, modulate};
//! use decision_schema::{Action, Object, Proposal, Value};
//!
//! let proposal = Proposal {
//!     action: Action::Act,
//!     confidence: 0.9,
//!     reasons: vec!["signal".into()],
//!     params: None,
//!     run_id: None,
//!     features_summary: Object::new(),
//! };
//! let context: Object = [("now_ms", 10_000), ("last_event_ts_ms", 9_000)].into_iter().collect();
//! let (decision, _) = modulate(&proposal, &GuardPolicy::default(), &context);
//! assert!(decision.allowed && decision.action == Action::Act);
//!
//! let context: Object = [("ops_deny_actions", Value::Bool(true))].into_iter().collect();
//! let (decision, mismatch) = modulate(&proposal, &GuardPolicy::default(), &context);
//! assert!(!decision.allowed && decision.action == Action::Hold);
//! assert_eq!((mismatch.flags, mismatch.reason_codes), (vec!["ops_health".into()], vec!["ops_deny_actions".into()]));
//! ```
#![no_std]
#![forbid(unsafe_code)]
#![warn(clippy::wildcard_enum_match_arm)]

extern crate alloc;

mod context;
pub mod guards;
mod modulation;
mod names;
mod objection;
pub mod policy;

pub use context::ContextKey;
pub use modulation::{MODULATE_EXCEPTION, modulate};
pub use objection::{Flaw, Reason};
pub use policy::{GuardPolicy, GuardPolicySpec, InvalidGuardPolicy};
