//! The one room that names what threads and tasks meet on. The models in `loom/` build the rooms that import from here
//! with a room of their own in its place, in which every interleaving is tried.

pub(crate) use std::sync::{Arc, OnceLock, atomic};

pub(crate) use parking_lot::Mutex;
pub(crate) use tokio::sync::{Notify, futures::Notified, oneshot};
