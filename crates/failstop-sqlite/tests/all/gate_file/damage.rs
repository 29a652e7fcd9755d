//! What a gate says that was damaged, removed or exchanged: never a lower level (INV-EXE-3).

use std::fs;

use decision_schema::Action;
use failstop::core::stop::{Level, Scope, StopCode};
use failstop_sqlite::gate_file::{
    FILE_BYTES, GateFault, GateFile, GateFileError, LINE_BYTES, ReleaseRefused,
};

use super::{ACT, AT_MS, AT_ONCE, LEDGER, PATIENT, Room, engage, release};

#[test]
fn every_flipped_bit_is_a_fault() {
    let room = Room::new();
    let gate = room.gate();
    engage(&gate, Scope::Global, Level::Drain);
    engage(&gate, ACT, Level::Halt);
    let intact = room.bytes();
    for at in 0..FILE_BYTES {
        // One bit that wanders, and the one between upper and lower case.
        for bit in [at % 8, 5] {
            room.put(at, &[intact[at] ^ (1 << bit)]);
            let fault = gate.read().unwrap_err();
            let is_told = match fault {
                GateFault::Checksum { line } => line == at / LINE_BYTES + 1,
                GateFault::NewerVersion { .. } => at < LINE_BYTES,
                _ => false,
            };
            assert!(is_told, "{fault:?} of bit {bit} of byte {at}");
        }
        room.put(at, &intact[at..=at]);
    }
    gate.read().unwrap();
}

#[test]
fn every_length_but_the_right_one_is_a_fault() {
    let room = Room::new();
    let gate = room.gate();
    let file = fs::OpenOptions::new().write(true).open(room.path()).unwrap();
    file.set_len(FILE_BYTES as u64 + 1).unwrap();
    assert_eq!(gate.read(), Err(GateFault::Overlong));
    for bytes in (0..FILE_BYTES).rev() {
        file.set_len(bytes as u64).unwrap();
        assert_eq!(gate.read(), Err(GateFault::Truncated { bytes }));
    }
    let refused = gate.engage(Scope::Global, Level::Stop, "", AT_MS).unwrap_err();
    assert_eq!(refused, GateFault::Truncated { bytes: 0 });
    assert!(room.bytes().is_empty(), "a stop does not make a file grow");
}

#[test]
fn a_slot_that_is_half_old_and_half_new_is_never_a_wrong_level() {
    let room = Room::new();
    let gate = room.gate();
    let old = room.bytes();
    engage(&gate, ACT, Level::Stop);
    let new = room.bytes();
    let states = [&old, &new].map(|bytes| {
        room.put(0, bytes);
        gate.read().unwrap()
    });
    for cut in 0..=FILE_BYTES {
        for (head, tail) in [(&old, &new), (&new, &old)] {
            room.put(0, &[&head[..cut], &tail[cut..]].concat());
            match gate.read() {
                Ok(state) => assert!(states.contains(&state)),
                Err(fault) => assert_eq!(fault, GateFault::Checksum { line: 4 }),
            }
        }
    }
}

#[test]
fn a_slot_in_another_ones_place_is_damage() {
    let room = Room::new();
    let gate = room.gate();
    engage(&gate, Scope::Global, Level::Halt);
    let bytes = room.bytes();
    room.put(LINE_BYTES, &bytes[2 * LINE_BYTES..3 * LINE_BYTES]);
    assert_eq!(gate.read(), Err(GateFault::Checksum { line: 2 }));
}

#[test]
fn a_stop_repairs_a_torn_slot_and_a_release_does_not() {
    let room = Room::new();
    let gate = room.gate();
    let highest = engage(&gate, ACT, Level::Stop).epoch;
    room.put(LINE_BYTES + 20, b"torn");
    let torn = GateFault::Checksum { line: 2 };
    assert_eq!(gate.read().unwrap_err().verdict().code, StopCode::Unreadable);
    assert_eq!(gate.read().unwrap_err().verdict().level, Level::Stop);
    assert_eq!(gate.prepare_release(ACT, highest), Err(ReleaseRefused::Fault(torn)));
    assert_eq!(gate.hold_shared().unwrap_err(), torn);

    let other = GateFile::open(&room.path(), LEDGER).unwrap();
    assert!(engage(&other, Scope::Action(Action::Exit), Level::Stop).epoch > highest);
    assert_eq!(gate.read(), Err(torn), "a stop of another scope repairs nothing");
    let repaired = engage(&other, Scope::Global, Level::Drain);
    assert!(repaired.changed);
    let state = gate.read().unwrap();
    assert_eq!((state.entries()[0].level, state.epoch()), (Level::Drain, repaired.epoch));
    assert_eq!(state.entries()[2].level, Level::Stop);
}

#[test]
fn a_release_is_refused_where_the_gate_tore_after_it_was_prepared() {
    let room = Room::new();
    let gate = room.gate();
    let pending = gate.prepare_release(ACT, engage(&gate, ACT, Level::Stop).epoch).unwrap();
    room.put(LINE_BYTES + 20, b"torn");
    let before = room.bytes();
    let refused = gate.release(&pending, "over", AT_MS).unwrap_err();
    assert_eq!(refused, ReleaseRefused::Fault(GateFault::Checksum { line: 2 }));
    assert_eq!(room.bytes(), before);
}

/// The torn slot may have had the highest epoch of all; a start under it must still be in the way of a stop.
#[test]
fn a_repair_waits_for_a_start_under_the_epoch_that_was_torn_away() {
    let room = Room::new();
    let gate = room.gate();
    let epoch = engage(&gate, ACT, Level::Stop).epoch;
    release(&gate, ACT, epoch).unwrap();
    let hold = gate.hold_shared().unwrap();
    room.put(3 * LINE_BYTES + 20, b"torn");
    let repaired = engage(&gate, ACT, Level::Stop);
    assert!(repaired.epoch > hold.state().epoch());
    assert_eq!(gate.settle(AT_ONCE), Ok(false));
    drop(hold);
    assert_eq!(gate.settle(PATIENT), Ok(true));
}

#[test]
fn a_gate_that_is_gone_or_another_means_stop() {
    let room = Room::new();
    let gate = room.gate();
    let copy = room.bytes();
    fs::remove_file(room.path()).unwrap();
    let asked = |fault| {
        assert_eq!(gate.read(), Err(fault));
        assert_eq!(gate.hold_shared().unwrap_err(), fault);
        assert_eq!(gate.engage(ACT, Level::Stop, "", AT_MS), Err(fault));
        assert_eq!(gate.settle(AT_ONCE), Err(fault));
        assert_eq!(gate.prepare_release(ACT, 1), Err(ReleaseRefused::Fault(fault)));
    };
    asked(GateFault::Missing);
    let absent = GateFile::open(&room.path(), LEDGER).unwrap_err();
    assert_eq!(absent, GateFileError::Fault(GateFault::Missing));
    fs::write(room.path(), copy).unwrap();
    asked(GateFault::Replaced);
}

#[test]
fn a_gate_of_another_ledger_or_a_newer_version_is_refused_and_kept() {
    let room = Room::new();
    room.gate();
    let fault = |id: &str| GateFile::create(&room.path(), id, AT_MS).unwrap_err();
    assert_eq!(fault("ledger-2"), GateFileError::Fault(GateFault::WrongLedger));
    room.put(0, br#"{"format":"failstop.gate/12","scopes":40}"#);
    let before = room.bytes();
    assert_eq!(fault(LEDGER), GateFileError::Fault(GateFault::NewerVersion { found: 12 }));
    assert_eq!(room.bytes(), before);
}

#[test]
fn faults_have_names_of_their_own_and_tell_nothing_of_the_file() {
    let faults = [
        GateFault::Missing,
        GateFault::Replaced,
        GateFault::Truncated { bytes: 1 },
        GateFault::Overlong,
        GateFault::Checksum { line: 1 },
        GateFault::NewerVersion { found: 2 },
        GateFault::WrongLedger,
        GateFault::Busy,
        GateFault::Unreadable { errno: 5 },
    ];
    let mut codes: Vec<_> = faults.iter().map(GateFault::code).collect();
    codes.sort_unstable();
    codes.dedup();
    assert_eq!(codes.len(), faults.len());
}
