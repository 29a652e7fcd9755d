//! The victim of the crash matrix, and the program that it starts.
//!
//! `crash-victim live DIRECTORY LIFE IN_FLIGHT TOTAL_MS [URL]` executes the decisions of a round;
//! `crash-victim act DIRECTORY` carries one out. See `failstop_crash::victim`.
#![allow(clippy::print_stderr, reason = "the harness reads what a victim says")]

mod clock;

use std::process::ExitCode;

use failstop_crash::{
    vfs::install_from_env,
    victim::{DONE, Ending, Life, NOT_OPENED, Place, act_as_told, live},
};

/// The call makes no sense, or a file of the round cannot be used.
const MISUSED: u8 = 2;

fn main() -> ExitCode {
    clock::set_back_as_told();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["act", directory] => act_as_told(&Place::new(*directory)).into(),
        ["live", directory, life @ ..] => {
            life_of(directory, life).map_or(MISUSED, |life| live_through(&life)).into()
        }
        _ => MISUSED.into(),
    }
}

fn life_of(directory: &str, words: &[&str]) -> Option<Life> {
    let [number, in_flight, total_ms, url @ ..] = words else { return None };
    Some(Life {
        place: Place::new(directory),
        number: number.parse().ok()?,
        url: url.first().map(|url| (*url).to_owned()),
        in_flight: in_flight.parse().ok()?,
        max_total_time_ms: total_ms.parse().ok()?,
    })
}

fn live_through(life: &Life) -> u8 {
    let faults = match install_from_env() {
        Ok(faults) => faults,
        Err(error) => {
            eprintln!("{error}");
            return MISUSED;
        }
    };
    let ending = live(life);
    if let Some(faults) = faults {
        eprintln!("points {}", faults.points());
    }
    match ending {
        Ok(Ending::Done) => code(DONE),
        Ok(Ending::NotOpened(error)) => {
            eprintln!("not opened: {}", error.code());
            code(NOT_OPENED)
        }
        Err(error) => {
            eprintln!("{error}");
            MISUSED
        }
    }
}

fn code(code: i32) -> u8 {
    u8::try_from(code).unwrap_or(MISUSED)
}
