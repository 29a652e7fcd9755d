//! How many executions of each action this process is at, for whoever has stopped them and waits.

use std::time::Duration;

use decision_schema::Action;
use parking_lot::{Condvar, Mutex};

/// The executions under way.
#[derive(Default)]
pub struct Flights {
    counts: Mutex<[usize; Action::ALL.len()]>,
    landed: Condvar,
}

/// One execution, for as long as it is kept.
pub struct Flight<'a> {
    flights: &'a Flights,
    action: Action,
}

impl Flights {
    /// Begins one.
    pub fn begin(&self, action: Action) -> Flight<'_> {
        self.counts.lock()[action as usize] += 1;
        Flight { flights: self, action }
    }

    /// Waits until none of `action` (of any, where it is `None`) is under way, so long at most: how many still are.
    pub fn wait(&self, action: Option<Action>, at_most: Duration) -> usize {
        let under_way = |counts: &[usize; Action::ALL.len()]| match action {
            Some(action) => counts[action as usize],
            None => counts.iter().sum(),
        };
        let mut counts = self.counts.lock();
        // Whether it was over in time shows in the counts.
        let _ = self.landed.wait_while_for(&mut counts, |counts| under_way(counts) > 0, at_most);
        under_way(&counts)
    }
}

impl Drop for Flight<'_> {
    fn drop(&mut self) {
        self.flights.counts.lock()[self.action as usize] -= 1;
        self.flights.landed.notify_all();
    }
}
