//! Two processes, one ledger, the same decisions.

use std::{path::Path, time::Duration};

use failstop::core::model::EffectClass;
use failstop_crash::{
    decision::{Conduct, Decision, Kind},
    matrix::{Death, LifeEnd, Victim, check},
    victim::{Life, Place, TURNED_VARIABLE},
};
use failstop_sqlite::view::View;
use tempfile::TempDir;

use crate::matrix::victim;

const KEYS: u32 = 1_000;

/// One process takes each so many keys from their end, so that neither is only ever behind the other.
const TURNED: u32 = 40;

/// Waits until all of them have the ledger open.
fn await_owners(ledger: &Path, victims: &[Victim]) {
    let has_all = || {
        let status = View::open(ledger).and_then(|view| view.status());
        status.is_ok_and(|status| status.living_owners == Some(victims.len()))
    };
    while !has_all() {
        for victim in victims {
            assert!(!victim.ends_within(Duration::from_millis(1)).unwrap(), "{:?}", victim.said());
        }
    }
}

/// INV-FS-1 between processes.
#[test]
fn two_processes_that_race_on_a_thousand_keys_have_each_effect_once_and_tell_the_same() {
    let directory = TempDir::new().unwrap();
    let place = Place::new(directory.path());
    let conducts = [Conduct::Applies, Conduct::Applies, Conduct::AppliesLater, Conduct::LosesItsAnswer];
    let decision = |index: u32| Decision {
        key: format!("key-{index}"),
        kind: if index.is_multiple_of(2) { Kind::Closure } else { Kind::Blocking },
        class: EffectClass::NonIdempotent,
        conduct: conducts[index as usize % conducts.len()],
    };
    let decisions: Vec<Decision> = (0..KEYS).map(decision).collect();
    place.ask_for(&decisions).unwrap();
    let life =
        |number| Life { place: place.clone(), number, url: None, in_flight: 16, max_total_time_ms: 60_000 };
    let turned = [(TURNED_VARIABLE, TURNED.to_string())];
    let held = place.hold_decisions().unwrap();
    let mut both = [(1, &[][..]), (2, &turned[..])]
        .map(|(number, order)| Victim::start_with(&victim(), &life(number), None, order).unwrap());
    await_owners(&place.ledger(), &both);
    drop(held);
    let deaths = both.each_mut().map(|victim| victim.wait(Duration::from_secs(120)).unwrap());
    assert_eq!(deaths, [Death::Exited(0), Death::Exited(0)]);
    let ends = [1, 2].map(|number| LifeEnd::of(&place, number).unwrap());
    for end in &ends {
        assert_eq!(end.reports.len(), KEYS as usize);
        assert!(end.reports.iter().any(|report| report.replayed), "the race was none");
        assert!(end.reports.iter().any(|report| !report.replayed), "the race was none");
    }
    let found = check(&place, &decisions, &ends).unwrap();
    assert!(found.findings.is_empty(), "{:?}", found.findings);
    assert_eq!(found.effects, u64::from(KEYS));
}
