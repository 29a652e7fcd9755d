//! Kills, tears and starves ledgers at every write, and counts effects.

pub mod vfs;
