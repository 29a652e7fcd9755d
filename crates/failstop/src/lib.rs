//! The engine: executes decisions that were already approved, and is the last thing between a decision and its effect.
//!
//! [`execute`] is the reference's call: one decision, bounded, deterministic, fail-closed, never an error. An
//! [`Engine`] adds what executions share: a [`gate::Gate`] that reaches work in flight, slots and rate limits, and a
//! [`ledger::Ledger`] for at most one effect per key. What carries a decision into the world is an
//! [`executor::Executor`].
//!
//! The rules live in `execution-orchestration-core`; this crate has the clocks, threads and files. Read
//! `driver.rs` first: one loop, the only caller of the machine.
#![forbid(unsafe_code)]

mod canary;
mod clock;
mod driver;
mod engine;
pub mod executor;
pub mod gate;
mod health;
mod history;
mod ids;
pub mod ledger;
mod limits;
pub mod locks;
pub mod pipeline;
mod reporting;
mod request;
mod sync;

pub use canary::StopNotProven;
pub use clock::unix_ms;
pub use decision_modulation_core as modulation_core;
pub use engine::{BuildError, Engine, EngineBuilder, execute, execute_request};
pub use execution_orchestration_core as core;
pub use ops_health_core as health_core;
pub use reporting::invalid_input;
pub use request::{Cancellation, Request};
