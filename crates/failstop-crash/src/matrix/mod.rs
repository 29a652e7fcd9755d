//! Rounds of deaths, each followed by a check of what really happened.
//!
//! `round.rs` plays one round, `schedule.rs` says which is the next, `checker.rs` judges it, `tally.rs` sums up.

mod bad_round;
mod checker;
mod orphan;
mod process;
mod round;
mod schedule;
mod server;
mod sweep;
mod tally;

pub use bad_round::BadRound;
pub use checker::{Check, Fault, Finding, LifeEnd, check};
pub use orphan::outlive;
pub use process::{Death, Victim};
pub use round::{Played, play};
pub use schedule::{Blow, Dry, Mode, Round};
pub use server::Server;
pub use sweep::{Sweep, measure, sweep};
pub use tally::Tally;
