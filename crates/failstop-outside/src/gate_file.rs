//! The gate's file, as it may be found on a disk.

use std::fs;

use decision_schema::Action;
use failstop::core::{
    idempotency::Digest,
    stop::{Level, Scope, Verdict},
};
use failstop_sqlite::gate_file::{FILE_BYTES, GateFile, GateFileError, GateState, LINE_BYTES};

const LEDGER: &str = "ledger-of-tests";

/// Between the content of a line and its checksum, and behind that.
const CHECK: (&str, &str) = (r#","check":""#, r#""}"#);

/// Whatever stands in the file, the gate says at most what its lines say: a file that is not whole is a stop, and after a
/// stop that was accepted nothing runs (INV-EXE-4). The bytes are tried as the file, and as the contents of its lines.
pub fn check(bytes: &[u8]) {
    on_disk(bytes);
    on_disk(&sealed(bytes));
}

fn on_disk(bytes: &[u8]) {
    let directory = tempfile::tempdir().expect("a directory can be made");
    let path = directory.path().join("gate");
    fs::write(&path, bytes).expect("a file can be written");
    let _ = GateFile::ledger_id_at(&path);
    let gate = match GateFile::open(&path, LEDGER) {
        Ok(gate) => gate,
        Err(GateFileError::Fault(fault)) => return assert_eq!(fault.verdict().level, Level::Stop),
        Err(_) => return,
    };
    assert_eq!(bytes.len(), FILE_BYTES, "a file of another length is none");
    match gate.read() {
        Ok(state) => whole(&state),
        Err(fault) => assert_eq!(fault.verdict().level, Level::Stop, "what is damaged is a stop"),
    }
    if gate.engage(Scope::Global, Level::Stop, "fuzzed", 0).is_ok() {
        let after = |action| gate.read().map_or_else(|fault| fault.verdict(), |state| state.verdict(action));
        assert!(Action::ALL.into_iter().map(after).all(|verdict: Verdict| verdict.level >= Level::Stop));
    }
}

fn whole(state: &GateState) {
    let entries = state.entries();
    for (action, entry) in Action::ALL.into_iter().zip(&entries[1..]) {
        assert_eq!(entry.scope, Scope::Action(action), "every action has its own line");
        assert_eq!(state.verdict(action).level, entries[0].level.max(entry.level), "the higher level counts");
    }
}

/// A file whose lines hold those of `bytes`, each with the checksum that it has to have.
fn sealed(bytes: &[u8]) -> Vec<u8> {
    bytes.split(|byte| *byte == b'\n').take(FILE_BYTES / LINE_BYTES).flat_map(sealed_line).collect()
}

fn sealed_line(content: &[u8]) -> Vec<u8> {
    let digits = Digest::of(content).to_string();
    let mut line = [content, CHECK.0.as_bytes(), &digits.as_bytes()[..16], CHECK.1.as_bytes()].concat();
    line.resize(LINE_BYTES - 1, b' ');
    line.push(b'\n');
    line
}
