//! INV-EXE-4 while the ledger is lost: a full disk and one that no longer answers delay no stop, and nobody is left
//! untold.

mod child;

use std::process::Command;

use tempfile::TempDir;

fn stops_under(faults: &str) {
    let directory = TempDir::new().unwrap();
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "stop_under_faults::child::plays_its_part", "--nocapture", "--ignored"]);
    let output = command.env(child::DIRECTORY, directory.path()).env(child::FAULTS, faults).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

#[test]
fn a_full_disk_delays_no_stop() {
    stops_under("full@1");
}

#[test]
fn a_disk_that_hangs_delays_no_stop() {
    stops_under("hang@1");
}

#[test]
fn a_disk_that_fails_delays_no_stop() {
    stops_under("ioerr@1");
}
