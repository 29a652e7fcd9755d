//! An end that nobody waits for, and whose write fails.
//!
//! The story: a key's first attempt ended without effect, and the disk was full when OPEN was to be written. The disk
//! had room again for the next start, which the class allowed from STARTED too, and which therefore counted the first
//! attempt as given up: it may have had its effect. From then on the ledger held that something may have happened, and
//! refused to record what everybody knew, that nothing had; a later OPEN said one thing in its report and another in
//! its record, which is what the audit found. Ends that were not written now go before whatever is written next.

mod child;

use std::process::Command;

use tempfile::TempDir;

#[test]
fn an_end_without_effect_whose_write_fails_is_written_with_the_next_group() {
    let directory = TempDir::new().unwrap();
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "lost_end::child::plays_its_part", "--nocapture", "--ignored"]);
    let output = command.env(child::DIRECTORY, directory.path()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}
