//! The configuration as a library's callers meet it. What the command line makes of it is tested there.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod assembling;
mod ledgers;
mod values;

use decision_schema::{Object, json};
use failstop_config::Config;

/// An object from JSON.
fn object(text: &str) -> Object {
    json::parse(text.as_bytes()).unwrap().as_object().unwrap().clone()
}

/// A configuration of values alone.
fn of(values: &str) -> Config {
    Config::from_values(None, &object(values)).unwrap()
}

/// What is said of values that are wrong.
fn refused(values: &str) -> String {
    Config::from_values(None, &object(values)).unwrap_err().to_string()
}
