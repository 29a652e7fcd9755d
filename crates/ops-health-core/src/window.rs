//! The samples of a sliding window: any number comes in, in any order, and a bounded number is kept.

use alloc::collections::BinaryHeap;
use core::{cmp::Reverse, mem};

/// The most samples of one kind that are kept. More than that, and the oldest are dropped.
pub const MAX_SAMPLES: usize = 65_536;

/// Samples with the oldest at hand. Of two samples of one time the lesser counts as older.
#[derive(Debug, Clone)]
pub(crate) struct Window<T> {
    samples: BinaryHeap<Reverse<(i64, T)>>,
    /// The time of the newest sample that was dropped for want of room and would still be in the window.
    dropped_up_to_ms: Option<i64>,
}

impl<T: Ord> Window<T> {
    pub(crate) const fn new() -> Self {
        Self { samples: BinaryHeap::new(), dropped_up_to_ms: None }
    }

    pub(crate) fn len(&self) -> usize {
        self.samples.len()
    }

    /// Whether every sample that belongs in the window is in it.
    pub(crate) const fn is_exact(&self) -> bool {
        self.dropped_up_to_ms.is_none()
    }

    /// Takes a sample in, and returns the value of the one that had to make room, which may be the new one itself.
    pub(crate) fn push(&mut self, ts_ms: i64, value: T) -> Option<T> {
        if self.samples.len() < MAX_SAMPLES {
            self.samples.push(Reverse((ts_ms, value)));
            return None;
        }
        let (dropped_ms, dropped) = self.exchange((ts_ms, value));
        self.dropped_up_to_ms = self.dropped_up_to_ms.max(Some(dropped_ms));
        Some(dropped)
    }

    /// Takes `sample` in for the oldest, or leaves it out if it is itself the oldest.
    fn exchange(&mut self, sample: (i64, T)) -> (i64, T) {
        match self.samples.peek_mut() {
            Some(mut oldest) if oldest.0 < sample => mem::replace(&mut oldest.0, sample),
            Some(_) | None => sample,
        }
    }

    /// Forgets, for good, every sample before `cutoff_ms`, and gives the value of each to `forgotten`.
    pub(crate) fn forget_before(&mut self, cutoff_ms: i64, mut forgotten: impl FnMut(T)) {
        while self.samples.peek().is_some_and(|oldest| oldest.0.0 < cutoff_ms) {
            if let Some(Reverse((_, value))) = self.samples.pop() {
                forgotten(value);
            }
        }
        self.dropped_up_to_ms = self.dropped_up_to_ms.filter(|dropped_ms| *dropped_ms >= cutoff_ms);
    }
}
