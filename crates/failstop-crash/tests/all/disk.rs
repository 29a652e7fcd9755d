//! Disks that are full, that fail, and that no longer answer.

use std::{sync::Mutex, thread, time::Duration};

use failstop::core::model::{EffectClass, ExecutionReport, ReasonCode};
use failstop_crash::{
    decision::Kind,
    matrix::{Blow, Death, LifeEnd, Mode, Round, Victim, check, measure, play},
    vfs::{Fault, FaultPlan},
    victim::{Life, Place},
};
use tempfile::TempDir;

use crate::matrix::victim;

fn is_unavailable(report: &ExecutionReport) -> bool {
    report.conclusion.reason_code == Some(ReasonCode::LedgerUnavailable)
}

/// Plays one round for each write at which `fault` may begin; its second life finds the disk sound again. Answers how
/// many reports of first lives said that the ledger was unavailable.
fn from_every_write(mode: Mode, step: usize, fault: fn(u64) -> Fault) -> usize {
    let writes = measure(&victim()).unwrap().lives[&Kind::Closure].0;
    let (left, unavailable) = (Mutex::new((1..=writes).step_by(step)), Mutex::new(0));
    let one_after_another = || {
        let next = || left.lock().unwrap().next();
        while let Some(write) = next() {
            let directory = TempDir::new().unwrap();
            let round = Round {
                number: write,
                kind: Kind::Closure,
                class: EffectClass::NonIdempotent,
                decisions: Round::decisions(Kind::Closure, EffectClass::NonIdempotent, write),
                blows: vec![(mode, Blow::Faults(FaultPlan::from(fault(write))))],
            };
            let played = play(&round, directory.path(), &victim()).unwrap();
            assert!(played.check.findings.is_empty(), "{:?}: {:?}", round.blows, played.check.findings);
            let first = LifeEnd::of(&Place::new(directory.path()), 1).unwrap();
            *unavailable.lock().unwrap() +=
                first.reports.iter().filter(|report| is_unavailable(report)).count();
        }
    };
    thread::scope(|scope| {
        scope.spawn(one_after_another);
        scope.spawn(one_after_another);
    });
    unavailable.into_inner().unwrap()
}

#[test]
fn a_disk_that_is_full_from_any_write_on_loses_nothing_and_repeats_nothing() {
    assert!(from_every_write(Mode::Full, 1, |write| Fault::Full(write..=u64::MAX)) > 0);
}

#[test]
fn a_disk_that_is_full_for_some_writes_goes_on_where_it_was() {
    assert!(from_every_write(Mode::Full, 3, |write| Fault::Full(write..=write + 3)) > 0);
}

#[test]
fn a_disk_that_fails_from_any_write_on_loses_nothing_and_repeats_nothing() {
    assert!(from_every_write(Mode::IoError, 1, |write| Fault::IoError(write..=u64::MAX)) > 0);
}

#[test]
fn a_disk_that_fails_one_write_goes_on_where_it_was() {
    assert!(from_every_write(Mode::IoError, 3, |write| Fault::IoError(write..=write)) > 0);
}

/// The time of one execution where the disk hangs, milliseconds.
const BRIEF_MS: u64 = 500;

/// The policy's default, milliseconds.
const GRACE_MS: u64 = 2_000;

/// How late a busy machine may be, milliseconds; a writer that is waited for is later than any.
const SLACK_MS: u64 = 30_000;

/// INV-EXE-2: the ledger's writer waits for ever, its executions do not.
#[test]
fn where_syncs_hang_every_report_comes_within_its_time() {
    thread::scope(|scope| {
        for write in [1, 3, 8, 20] {
            scope.spawn(move || with_syncs_that_hang_from(write));
        }
    });
}

fn with_syncs_that_hang_from(write: u64) {
    let directory = TempDir::new().unwrap();
    let place = Place::new(directory.path());
    let life = |number, max_total_time_ms| Life {
        place: place.clone(),
        number,
        url: None,
        in_flight: 4,
        max_total_time_ms,
    };
    let live = |life: &Life, blow: Option<&Blow>| {
        let death = Victim::start(&victim(), life, blow).unwrap().wait(Duration::from_secs(240)).unwrap();
        assert_eq!(death, Death::Exited(0), "from write {write}");
        LifeEnd::of(&place, life.number).unwrap()
    };
    // The ledger is made while all is well.
    place.ask_for(&[]).unwrap();
    live(&life(1, 20_000), None);
    let decisions = Round::decisions(Kind::Closure, EffectClass::NonIdempotent, 0);
    place.ask_for(&decisions).unwrap();
    let hang = Blow::Faults(FaultPlan::from(Fault::Hang { from: write }));
    let hung = live(&life(2, BRIEF_MS), Some(&hang));
    assert_eq!(hung.reports.len(), decisions.len());
    assert!(hung.reports.iter().any(is_unavailable));
    let longest = hung.reports.iter().map(|report| report.total_latency_ms).max();
    assert!(longest <= Some(BRIEF_MS + GRACE_MS + SLACK_MS), "{longest:?} ms");
    let last = live(&life(3, 20_000), None);
    let found = check(&place, &decisions, &[hung, last]).unwrap();
    assert!(found.findings.is_empty(), "from write {write}: {:?}", found.findings);
}
