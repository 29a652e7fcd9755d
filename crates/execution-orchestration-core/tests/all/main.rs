//! The rules, tested from outside, one module a subject.

mod backoff;
mod policies;
