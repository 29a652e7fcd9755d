//! A wall clock that is set back. Its times are for people; nothing that is promised rests on them.

use std::time::Duration;

use failstop::core::model::EffectClass;
use failstop_crash::{
    decision::Kind,
    matrix::{Blow, Death, LifeEnd, Round, Victim, check},
    strike::{Moment, Strike},
    victim::{Life, Place},
};
use tempfile::TempDir;

use crate::matrix::victim;

const BACK_VARIABLE: &str = "FAILSTOP_CLOCK_BACK_AFTER";

const NEARLY_AN_HOUR_MS: i64 = 3_500_000;

/// By how much a later event's time is before an earlier one's, at the most, milliseconds.
fn largest_step_back_ms(place: &Place) -> i64 {
    let connection = rusqlite::Connection::open(place.ledger()).unwrap();
    let mut statement = connection.prepare("SELECT at_ms FROM events ORDER BY seq").unwrap();
    let times = statement.query_map([], |row| row.get(0)).unwrap().collect::<Result<Vec<i64>, _>>().unwrap();
    times.windows(2).map(|pair| pair[0] - pair[1]).max().unwrap()
}

/// The first life goes one by one and dies in the attempt under the fourth key; in the second the clock is set back once it
/// has entered so many attempts, and in the third it is right again.
fn with_a_clock_set_back(class: EffectClass, after: u32) {
    let directory = TempDir::new().unwrap();
    let place = Place::new(directory.path());
    let decisions = Round::decisions(Kind::Closure, class, 4);
    place.ask_for(&decisions).unwrap();
    let strike = Strike { moment: Moment::AfterAct, key: "key-3".to_owned(), attempt: 0 };
    let strike = Blow::Strike(strike);
    let back = [(BACK_VARIABLE, after.to_string())];
    let lives = [(Some(&strike), 1, &[][..]), (None, 4, &back[..]), (None, 4, &[])];
    let mut ends = Vec::new();
    for (number, (blow, in_flight, clock)) in (1..).zip(lives) {
        let life = Life { place: place.clone(), number, url: None, in_flight, max_total_time_ms: 20_000 };
        let mut victim = Victim::start_with(&victim(), &life, blow, clock).unwrap();
        let expected = if blow.is_some() { Death::Killed } else { Death::Exited(0) };
        assert_eq!(victim.wait(Duration::from_secs(240)).unwrap(), expected);
        ends.push(LifeEnd::of(&place, number).unwrap());
    }
    assert!(largest_step_back_ms(&place) > NEARLY_AN_HOUR_MS, "the clock was not set back");
    let found = check(&place, &decisions, &ends).unwrap();
    assert!(found.findings.is_empty(), "{:?}", found.findings);
}

#[test]
fn a_clock_set_back_by_an_hour_before_recovery_changes_nothing() {
    with_a_clock_set_back(EffectClass::NonIdempotent, 0);
    with_a_clock_set_back(EffectClass::KeyedIdempotent, 0);
}

#[test]
fn a_clock_set_back_by_an_hour_at_work_changes_nothing() {
    with_a_clock_set_back(EffectClass::NonIdempotent, 1);
    with_a_clock_set_back(EffectClass::NaturallyIdempotent, 3);
}
