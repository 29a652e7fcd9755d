//! Puts reports in the order of their lines, holding back few.

use std::collections::VecDeque;

/// How many executions may be ahead of the oldest one that is not printed, times `max_concurrency`: enough that one
/// slow execution does not idle the others at once, and few enough to bound the reports that are held back.
const AHEAD: usize = 4;

/// Reports that wait for those before them.
#[derive(Debug)]
pub struct Order {
    /// The place of the oldest report that is not printed.
    first: u64,
    waiting: VecDeque<Option<String>>,
    most: usize,
}

impl Order {
    /// An order in which this many may run at once.
    pub fn new(max_concurrency: usize) -> Self {
        Self { first: 0, waiting: VecDeque::new(), most: max_concurrency.saturating_mul(AHEAD) }
    }

    /// Whether the execution with this place may begin.
    pub fn has_room(&self, place: u64) -> bool {
        place - self.first < self.most as u64
    }

    /// Takes the report of `place`, and appends to `out` what may now be printed.
    pub fn put(&mut self, place: u64, out: &mut String, write: impl FnOnce(&mut String)) {
        if place == self.first {
            write(out);
            self.step(out);
            return;
        }
        let at = usize::try_from(place - self.first).unwrap_or(usize::MAX);
        while self.waiting.len() <= at {
            self.waiting.push_back(None);
        }
        let mut text = String::new();
        write(&mut text);
        self.waiting[at] = Some(text);
    }

    /// Goes past the report that was just printed, and prints those that follow.
    fn step(&mut self, out: &mut String) {
        self.waiting.pop_front();
        self.first += 1;
        while let Some(Some(text)) = self.waiting.front() {
            out.push_str(text);
            self.waiting.pop_front();
            self.first += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_come_out_in_the_order_of_places() {
        let mut order = Order::new(1);
        let mut out = String::new();
        for place in [2, 1, 0, 3, 5, 4] {
            order.put(place, &mut out, |text| text.push_str(&place.to_string()));
        }
        assert_eq!(out, "012345");
        assert!(order.waiting.is_empty());
        assert!(order.has_room(9));
        assert!(!order.has_room(10));
    }
}
