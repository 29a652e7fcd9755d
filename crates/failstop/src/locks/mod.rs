//! Locks that say who still lives: files held by flock.

mod attempt;

pub use attempt::AttemptLock;
