//! The kit, tested: a test double that cannot fail would prove nothing.

mod canary;
mod reference_model;
