//! The bounds that executions share: how many effects at once, how many in a time, cooldowns, and brakes for what fails.

mod brakes;
mod breaker;
mod cooldown;
mod rate;
mod retry_budget;
mod slots;

pub(crate) use brakes::{Applicant, Brakes, Pass};
pub(crate) use cooldown::Cooldowns;
pub(crate) use rate::RateLimiter;
pub(crate) use slots::{Slot, Slots};
