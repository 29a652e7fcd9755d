//! The rules of health, tested from outside, one module a subject.

#![allow(clippy::unwrap_used)]

mod bound;
mod cooldown;
mod naive_model;
mod policy;
mod properties;
mod vectors;
mod window;
