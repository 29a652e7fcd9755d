//! The explorer itself, on a counter that may go up by one or by two.

use failstop_sim::{Model, explore};

struct Counter {
    forbidden: u8,
    may_end: bool,
}

impl Model for Counter {
    type State = u8;
    type Step = u8;
    type Broken = &'static str;

    fn first(&self) -> u8 {
        0
    }

    fn steps(&self, state: &u8, out: &mut Vec<u8>) {
        out.extend([1, 2].into_iter().filter(|by| state + by <= 10));
    }

    fn take(&self, state: &u8, step: u8) -> Result<u8, &'static str> {
        let next = state + step;
        if next == self.forbidden { Err("forbidden") } else { Ok(next) }
    }

    fn check_end(&self, _: &u8) -> Result<(), &'static str> {
        if self.may_end { Ok(()) } else { Err("stuck") }
    }

    fn tell(&self, _: &u8, after: &u8) -> String {
        after.to_string()
    }
}

#[test]
fn every_state_is_visited_once() {
    let explored = explore(&Counter { forbidden: 11, may_end: true }).unwrap();
    assert_eq!((explored.states, explored.steps, explored.ends, explored.depth), (11, 19, 1, 5));
}

#[test]
fn a_counterexample_is_a_shortest_one_and_tells_its_steps() {
    let found = explore(&Counter { forbidden: 6, may_end: true }).unwrap_err();
    assert_eq!(found.trace, ["2: 2", "2: 4", "2"]);
    let told =
        format!("  1. 2: 2\n  2. 2: 4\n  3. 2\nbroken: forbidden (found among {} states)", found.states);
    assert_eq!(found.to_string(), told);
}

#[test]
fn an_end_that_may_not_be_is_found() {
    let found = explore(&Counter { forbidden: 11, may_end: false }).unwrap_err();
    assert_eq!((found.broken, found.trace.len()), ("stuck", 5));
}
