//! The rooms of the engine that have atomics, in every interleaving that a bounded number of preemptions allows.
//!
//! The rooms are not copied: their files are compiled here a second time, with [`sync`] in place of the engine's room of
//! that name. There every atomic and every lock is loom's, so that loom decides who runs next at each of them, and which
//! of the values that the orderings allow a load sees. `Notify` and `oneshot`, which are tokio's and believed, are made
//! of loom's locks. Read `sync/mod.rs` first, then `models/slots.rs`.
//!
//! Why loom and not shuttle: the protocols are small enough to be walked to the end, and orderings are half of what is
//! asked here, of which shuttle knows nothing. What is not here: the clock and the cancellation of a request, where one
//! thread's store meets another's load and no order of the two is wrong.

mod clock;
pub mod models;
mod sync;

#[allow(dead_code, reason = "a model needs part of the room")]
#[path = "../../crates/failstop/src/executor/control.rs"]
mod control;
#[allow(dead_code, reason = "a model needs part of the room")]
#[path = "../../crates/failstop/src/limits/cooldown.rs"]
mod cooldown;
#[allow(dead_code, unused_imports, reason = "a model needs part of the room")]
#[path = "../../crates/failstop/src/gate/mod.rs"]
mod gate;
#[allow(dead_code, reason = "a model needs part of the room")]
#[path = "../../crates/failstop/src/health.rs"]
mod health;
#[allow(dead_code, reason = "a model needs part of the room")]
#[path = "../../crates/failstop/src/limits/slots.rs"]
mod slots;
