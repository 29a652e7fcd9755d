//! The rules of a ledger, pure: what a key's record may become, what is said of it, and how that is chained.
//!
//! [`KeyRecord`] is the state machine of one key; every backend keeps it and asks it before it writes, and a verifier
//! replays it from the events. [`Event`] is one link of the audit chain, [`body`] what stands in it. Nothing here knows
//! files, locks or clocks: whether an owner lives is told.

pub mod audit;
pub mod body;
mod event;
mod record;
mod withdrawal;

pub use event::{Event, EventKind, GENESIS};
pub use record::{
    Beginning, Contradiction, KeyRecord, OwnerId, ParseOwnerIdError, Resolution, Sight, Standing,
};
pub use withdrawal::{withdraw, withdraw_last_attempt};
