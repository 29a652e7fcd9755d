//! The command line of failstop: executes approved decisions and prints one report a line.
//!
//! `commands/` has one file per command; `input/` reads lines; `running/` is the loop of `failstop run`. What is configured
//! stands in the crate `failstop-config`. Data goes to standard output, everything said to people to standard error.
#![forbid(unsafe_code)]

mod cli;
mod clock;
mod commands;
mod exit;
mod input;
mod ledger;
mod pages;
mod running;
mod runtime;
mod stderr;
mod table;

use std::{panic::catch_unwind, process::ExitCode};

use clap::Parser as _;

use crate::{cli::Cli, exit::Exit};

fn main() -> ExitCode {
    std::panic::set_hook(Box::new(|panic| stderr::say_where(panic.location())));
    let exit = catch_unwind(|| commands::dispatch(&Cli::parse())).unwrap_or(Ok(Exit::OurFault));
    exit.unwrap_or_else(|failure| failure.say()).into()
}
