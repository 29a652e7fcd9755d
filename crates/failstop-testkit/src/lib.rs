//! What several test suites share. It decides nothing; it says what should have been decided, and looks for leaks.
//!
//! [`reference_model`] predicts how one execution must end, and [`canary`] searches outputs for planted secrets.
//! `vectors/` has the reference's answers.
#![forbid(unsafe_code)]

pub mod canary;
pub mod reference_model;
