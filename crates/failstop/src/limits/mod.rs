//! The bounds that executions share: how many effects at once, how many in a time, and cooldowns.

mod cooldown;
mod rate;
mod slots;

pub(crate) use cooldown::Cooldowns;
pub(crate) use rate::RateLimiter;
pub(crate) use slots::{Slot, Slots};
