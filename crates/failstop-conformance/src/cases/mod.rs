//! The cases: one function each, named for what it says.

pub mod attempts;
pub mod contents;
pub mod dropped;
pub mod engines;
pub mod evidence;
pub mod fences;
pub mod gate;
pub mod histories;
pub mod owners;

use failstop::{core::model::ExecutionReport, ledger::Known};

use crate::execution::bytes;

/// The stored report of an end that is known.
fn finished(known: Known) -> ExecutionReport {
    match known {
        Known::Finished(report) => *report,
        known => panic!("not finished: {known:?}"),
    }
}

/// The stored report of an end that is not known.
fn in_doubt(known: Known) -> ExecutionReport {
    match known {
        Known::InDoubt(report) => *report,
        known => panic!("not in doubt: {known:?}"),
    }
}

/// That two answers are the same, their reports byte for byte.
fn assert_same(found: &Known, expected: &Known, said: &str) {
    let told = |known: &Known| match known {
        Known::Fresh => "fresh".to_owned(),
        Known::Resumable(at) => format!("resumable {:?} {} {}", at.prior, at.fence, bytes(&at.report)),
        Known::InProgress => "in progress".to_owned(),
        Known::Finished(report) => format!("finished {}", bytes(report)),
        Known::InDoubt(report) => format!("in doubt {}", bytes(report)),
        Known::Reused => "reused".to_owned(),
        Known::Expired => "expired".to_owned(),
    };
    assert_eq!(told(found), told(expected), "{said}");
}
