//! The shared gate of a ledger: what its file looks like, what it says, and how it changes.

mod damage;
mod ordering;

use std::{
    fs,
    os::unix::fs::{FileExt, MetadataExt, PermissionsExt},
    path::PathBuf,
    sync::Barrier,
    time::Duration,
};

use decision_schema::{Action, json};
use failstop::core::stop::{Level, Scope, StopCode, Verdict};
use failstop_sqlite::gate_file::{
    Engaged, FILE_BYTES, GateFile, GateFileError, LINE_BYTES, ReleaseRefused, SCOPES,
};
use proptest::prelude::*;
use tempfile::TempDir;

const LEDGER: &str = "ledger-1";
const AT_MS: i64 = 1_700_000_000_000;
const AT_ONCE: Duration = Duration::ZERO;
/// Only ever waited for in full by a test that fails.
const PATIENT: Duration = Duration::from_secs(30);

const ACT: Scope = Scope::Action(Action::Act);

struct Room {
    directory: TempDir,
}

impl Room {
    fn new() -> Self {
        Self { directory: tempfile::tempdir().unwrap() }
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("failstop.db.gate")
    }

    fn gate(&self) -> GateFile {
        GateFile::create(&self.path(), LEDGER, AT_MS).unwrap()
    }

    fn bytes(&self) -> Vec<u8> {
        fs::read(self.path()).unwrap()
    }

    /// Overwrites in place, as damage would.
    fn put(&self, at: usize, bytes: &[u8]) {
        let file = fs::OpenOptions::new().write(true).open(self.path()).unwrap();
        file.write_all_at(bytes, at as u64).unwrap();
    }
}

fn scopes() -> Vec<Scope> {
    std::iter::once(Scope::Global).chain(Action::ALL.map(Scope::Action)).collect()
}

fn engage(gate: &GateFile, scope: Scope, level: Level) -> Engaged {
    gate.engage(scope, level, "because", AT_MS).unwrap()
}

fn release(gate: &GateFile, scope: Scope, epoch: u64) -> Result<u64, ReleaseRefused> {
    gate.release(&gate.prepare_release(scope, epoch)?, "over", AT_MS)
}

#[test]
fn a_new_gate_is_at_run_and_is_readable_by_people() {
    let room = Room::new();
    let state = room.gate().read().unwrap();
    assert_eq!(state.epoch(), 1);
    for (entry, scope) in state.entries().iter().zip(scopes()) {
        assert_eq!((entry.scope, entry.level, entry.epoch, entry.at_ms), (scope, Level::Run, 1, AT_MS));
    }
    assert!(Action::ALL.into_iter().all(|action| state.verdict(action) == Verdict::RUN));

    let text = String::from_utf8(room.bytes()).unwrap();
    assert_eq!(text.len(), FILE_BYTES);
    assert_eq!(text.lines().count(), 1 + SCOPES);
    for line in text.split_inclusive('\n') {
        assert_eq!(line.len(), LINE_BYTES);
        json::parse(line.trim_end().as_bytes()).unwrap();
    }
    assert!(text.starts_with(r#"{"format":"failstop.gate/1","ledger":"ledger-1","check":""#));
    assert!(text.lines().nth(1).unwrap().starts_with(
        r#"{"scope":"global","level":"run","epoch":1,"at_ms":1700000000000,"reason":"","check":""#
    ));
    let mode = fs::metadata(room.path()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(fs::read_dir(room.directory.path()).unwrap().count(), 1, "nothing temporary is left");
}

#[test]
fn creating_keeps_a_gate_that_is_there() {
    let room = Room::new();
    engage(&room.gate(), Scope::Global, Level::Stop);
    let before = room.bytes();
    let state = room.gate().read().unwrap();
    assert_eq!(state.entries()[0].level, Level::Stop);
    assert_eq!(room.bytes(), before);
}

#[test]
fn creators_at_once_share_one_gate() {
    let room = Room::new();
    let start = Barrier::new(8);
    std::thread::scope(|threads| {
        for scope in scopes() {
            let (room, start) = (&room, &start);
            threads.spawn(move || {
                start.wait();
                engage(&room.gate(), scope, Level::Stop);
            });
        }
        for _ in 0..2 {
            threads.spawn(|| {
                start.wait();
                room.gate();
            });
        }
    });
    let state = room.gate().read().unwrap();
    assert!(state.entries().iter().all(|entry| entry.level == Level::Stop), "{state:?}");
    assert_eq!(fs::read_dir(room.directory.path()).unwrap().count(), 1);
}

#[test]
fn an_id_that_could_break_the_header_is_refused() {
    let room = Room::new();
    for id in ["", "a b", "a\"b", "a\nb", "\u{e4}", &"x".repeat(65)] {
        let refused = GateFile::create(&room.path(), id, AT_MS).unwrap_err();
        assert_eq!(refused, GateFileError::LedgerIdInvalid);
    }
    assert!(!room.path().exists());
    GateFile::create(&room.path(), &"x".repeat(64), i64::MIN).unwrap().read().unwrap();
}

#[test]
fn the_highest_level_wins_and_global_on_a_tie() {
    let room = Room::new();
    let gate = room.gate();
    engage(&gate, ACT, Level::Stop);
    let stamp = |action| {
        let Verdict { level, code, stamp } = gate.read().unwrap().verdict(action);
        assert_eq!(code, StopCode::Stopped);
        (level, stamp.scope, stamp.epoch)
    };
    assert_eq!(stamp(Action::Act), (Level::Stop, ACT, 2));
    assert_eq!(stamp(Action::Hold).0, Level::Run);
    engage(&gate, Scope::Global, Level::Drain);
    assert_eq!(stamp(Action::Act), (Level::Stop, ACT, 2));
    assert_eq!(stamp(Action::Hold), (Level::Drain, Scope::Global, 3));
    engage(&gate, Scope::Global, Level::Stop);
    assert_eq!(stamp(Action::Act), (Level::Stop, Scope::Global, 4));
}

#[test]
fn a_scope_that_cannot_be_latched_stops_everything() {
    let room = Room::new();
    let gate = room.gate();
    engage(&gate, Scope::Context, Level::Halt);
    assert_eq!(gate.read().unwrap().entries()[0].level, Level::Halt);
    let refused = gate.prepare_release(Scope::Context, 2).unwrap_err();
    assert_eq!(refused, ReleaseRefused::NotLatched { scope: Scope::Context });
}

#[test]
fn a_release_needs_the_epoch_a_reason_and_something_to_release() {
    let room = Room::new();
    let gate = room.gate();
    let refused = gate.prepare_release(ACT, 1).unwrap_err();
    assert_eq!(refused, ReleaseRefused::NotEngaged { scope: ACT });
    let Engaged { epoch, .. } = engage(&gate, ACT, Level::Stop);
    let refused = gate.prepare_release(ACT, 1).unwrap_err();
    assert_eq!(refused, ReleaseRefused::EpochMismatch { expected: 1, actual: epoch });
    let pending = gate.prepare_release(ACT, epoch).unwrap();
    assert_eq!(gate.release(&pending, " ", AT_MS), Err(ReleaseRefused::ReasonMissing));
    assert_eq!(gate.read().unwrap().verdict(Action::Act).level, Level::Stop);
    assert_eq!(gate.release(&pending, "over", AT_MS), Ok(pending.epoch));
    assert_eq!(gate.read().unwrap().verdict(Action::Act), Verdict::RUN);
    assert_eq!(gate.read().unwrap().epoch(), pending.epoch);
}

#[test]
fn a_stop_that_comes_while_a_release_is_recorded_is_not_lost() {
    let room = Room::new();
    let (gate, other) = (room.gate(), room.gate());
    let Engaged { epoch, .. } = engage(&gate, ACT, Level::Stop);
    for (scope, level) in [(ACT, Level::Halt), (Scope::Global, Level::Stop)] {
        let epoch = if scope == ACT { epoch } else { gate.read().unwrap().entries()[2].epoch };
        let pending = gate.prepare_release(ACT, epoch).unwrap();
        let actual = engage(&other, scope, level).epoch;
        let refused = gate.release(&pending, "over", AT_MS).unwrap_err();
        assert_eq!(refused, ReleaseRefused::Overtaken { prepared_at: pending.epoch - 1, actual });
    }
    assert_eq!(gate.read().unwrap().entries()[2].level, Level::Halt);
}

#[test]
fn a_release_takes_effect_once() {
    let room = Room::new();
    let gate = room.gate();
    let pending = gate.prepare_release(ACT, engage(&gate, ACT, Level::Stop).epoch).unwrap();
    gate.release(&pending, "over", AT_MS).unwrap();
    let again = gate.release(&pending, "over", AT_MS).unwrap_err();
    assert_eq!(again, ReleaseRefused::Overtaken { prepared_at: 2, actual: 3 });
}

#[derive(Debug, Clone)]
enum Step {
    Engage(usize, Level),
    Release(usize, bool),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let level = prop::sample::select(Level::ALL);
    let step = prop_oneof![
        (0..SCOPES, level).prop_map(|(at, level)| Step::Engage(at, level)),
        (0..SCOPES, prop::bool::weighted(0.8)).prop_map(|(at, is_right)| Step::Release(at, is_right)),
    ];
    prop::collection::vec(step, 0..24)
}

/// The same gate in a few words.
struct Model {
    latches: [(Level, u64); SCOPES],
}

impl Model {
    fn epoch(&self) -> u64 {
        self.latches.iter().map(|(_, epoch)| *epoch).max().unwrap()
    }

    fn engage(&mut self, at: usize, level: Level) -> Engaged {
        let changed = level > self.latches[at].0;
        if changed {
            self.latches[at] = (level, self.epoch() + 1);
        }
        Engaged { epoch: self.latches[at].1, changed }
    }

    fn release(&mut self, at: usize, expected: u64) -> Option<u64> {
        let is_allowed = self.latches[at].1 == expected && self.latches[at].0 > Level::Run;
        is_allowed.then(|| {
            self.latches[at] = (Level::Run, self.epoch() + 1);
            self.latches[at].1
        })
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_sequence_of_changes_agrees_with_the_model(steps in steps()) {
        let room = Room::new();
        let (gate, reader) = (room.gate(), room.gate());
        let inode = fs::metadata(room.path()).unwrap().ino();
        let mut model = Model { latches: [(Level::Run, 1); SCOPES] };
        for step in steps {
            match step {
                Step::Engage(at, level) => {
                    prop_assert_eq!(engage(&gate, scopes()[at], level), model.engage(at, level));
                }
                Step::Release(at, is_right) => {
                    let expected = model.latches[at].1 + u64::from(!is_right);
                    prop_assert_eq!(release(&gate, scopes()[at], expected).ok(), model.release(at, expected));
                }
            }
            let state = reader.read().unwrap();
            let latches = state.entries().each_ref().map(|entry| (entry.level, entry.epoch));
            prop_assert_eq!(latches, model.latches);
            let hold = reader.hold_shared().unwrap();
            prop_assert_eq!(hold.state(), &state);
        }
        let metadata = fs::metadata(room.path()).unwrap();
        prop_assert_eq!((metadata.len(), metadata.ino()), (FILE_BYTES as u64, inode));
    }

    #[test]
    fn any_reason_fits_is_cut_at_a_character_and_controls_no_terminal(reason in "(?s).{0,600}", at_ms in any::<i64>()) {
        let room = Room::new();
        let gate = room.gate();
        gate.engage(Scope::Action(Action::Cancel), Level::Drain, &reason, at_ms).unwrap();
        let state = gate.read().unwrap();
        let entry = state.entries().iter().find(|entry| entry.level == Level::Drain).unwrap();
        prop_assert!(reason.starts_with(&entry.reason));
        prop_assert!(reason.len() > 50 || entry.reason == reason);
        prop_assert_eq!(entry.at_ms, at_ms);
        let text = String::from_utf8(room.bytes()).unwrap();
        prop_assert!(text.chars().all(|character| character == '\n' || !character.is_control()));
        prop_assert_eq!(text.lines().count(), 1 + SCOPES);
    }
}
