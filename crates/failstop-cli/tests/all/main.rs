//! The command line, run as its users run it.

mod bad_lines;
mod configuration;
mod explain;
mod gate;
mod help;
mod order;
mod plan;
mod reading;
mod redact;
mod secrets;
mod shop;
mod signals;
