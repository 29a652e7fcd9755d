//! The engine: placeholder.
pub mod executor;
