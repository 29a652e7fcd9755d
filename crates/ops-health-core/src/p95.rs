//! The 95th percentile of values that come and go.

use alloc::collections::{BTreeMap, btree_map::Entry};

/// A multiset cut in two at the percentile: all of `below` is at most all of `above`, and `below` has exactly as many
/// values as stand before the percentile, so that it is the least of `above`.
#[derive(Debug, Clone, Default)]
pub(crate) struct P95 {
    below: Multiset,
    above: Multiset,
}

impl P95 {
    /// The value that `19 n / 20` of the `n` values (rounded down) stand before when sorted; `None` without values.
    ///
    /// This is the reference's `sorted(values)[int(0.95 * n)]`: the greatest of up to 20 values.
    pub(crate) fn value(&self) -> Option<u64> {
        self.above.least()
    }

    pub(crate) fn insert(&mut self, value: u64) {
        self.side_of(value).insert(value);
        self.balance();
    }

    /// Removes one of the values equal to `value`, of which there must be one.
    pub(crate) fn remove(&mut self, value: u64) {
        self.side_of(value).remove(value);
        self.balance();
    }

    /// Where `value` may be put. Also where it can be taken from: a value held that is not below the least of `above`
    /// is itself in `above`, since none in `below` is greater than that least.
    fn side_of(&mut self, value: u64) -> &mut Multiset {
        let belongs_above = self.above.least().is_some_and(|least| least <= value);
        if belongs_above { &mut self.above } else { &mut self.below }
    }

    /// Moves the cut to where it belongs. After one insertion or removal at most one value has to move.
    fn balance(&mut self) {
        let rank = (self.below.len + self.above.len) * 19 / 20;
        while self.below.len > rank
            && let Some(value) = self.below.pop_greatest()
        {
            self.above.insert(value);
        }
        while self.below.len < rank
            && let Some(value) = self.above.pop_least()
        {
            self.below.insert(value);
        }
    }
}

/// Values in order, each with how often it is there.
#[derive(Debug, Clone, Default)]
struct Multiset {
    counts: BTreeMap<u64, u32>,
    len: usize,
}

impl Multiset {
    fn least(&self) -> Option<u64> {
        self.counts.first_key_value().map(|(value, _)| *value)
    }

    fn greatest(&self) -> Option<u64> {
        self.counts.last_key_value().map(|(value, _)| *value)
    }

    fn insert(&mut self, value: u64) {
        *self.counts.entry(value).or_default() += 1;
        self.len += 1;
    }

    fn remove(&mut self, value: u64) {
        let Entry::Occupied(mut count) = self.counts.entry(value) else {
            unreachable!("only values that are held are removed")
        };
        *count.get_mut() -= 1;
        if *count.get() == 0 {
            count.remove();
        }
        self.len -= 1;
    }

    fn pop_least(&mut self) -> Option<u64> {
        self.least().inspect(|value| self.remove(*value))
    }

    fn pop_greatest(&mut self) -> Option<u64> {
        self.greatest().inspect(|value| self.remove(*value))
    }
}
