//! Measuring by turns, so that both sides meet the same neighbours, caches and frequencies.

use std::time::{Duration, Instant};

/// What one side took, per operation.
#[derive(Debug, Clone, Copy)]
pub struct Spread {
    /// The best round, nanoseconds.
    pub min_ns: f64,
    /// The middle round, nanoseconds.
    pub median_ns: f64,
}

/// Both sides, and how they compare.
#[derive(Debug, Clone, Copy)]
pub struct Comparison {
    pub ours: Spread,
    pub peer: Spread,
    /// The median over all rounds of ours / peer within the round.
    pub ratio: f64,
}

/// How long `work` takes.
#[expect(clippy::disallowed_methods, reason = "a clock is what measures")]
pub fn time(work: impl FnOnce()) -> Duration {
    let start = Instant::now();
    work();
    start.elapsed()
}

/// Runs both sides `rounds` times by turns, the first of a round being the second of the next. Each call does
/// `operations` operations.
pub fn compare(rounds: usize, operations: u32, mut ours: impl FnMut(), mut peer: impl FnMut()) -> Comparison {
    ours();
    peer();
    let (mut own_ns, mut peer_ns) = (Vec::new(), Vec::new());
    for round in 0..rounds {
        let first_is_ours = round % 2 == 0;
        for turn in [first_is_ours, !first_is_ours] {
            if turn {
                own_ns.push(ns_per_operation(operations, &mut ours));
            } else {
                peer_ns.push(ns_per_operation(operations, &mut peer));
            }
        }
    }
    let ratios = own_ns.iter().zip(&peer_ns).map(|(ours, peer)| ours / peer).collect();
    Comparison { ratio: median(ratios), ours: spread(own_ns), peer: spread(peer_ns) }
}

/// Runs `work` `rounds` times.
pub fn repeat(rounds: usize, mut work: impl FnMut()) -> Spread {
    work();
    spread((0..rounds).map(|_| ns_per_operation(1, &mut work)).collect())
}

fn ns_per_operation(operations: u32, work: impl FnMut()) -> f64 {
    time(work).as_secs_f64() * 1e9 / f64::from(operations)
}

fn spread(samples: Vec<f64>) -> Spread {
    let min_ns = samples.iter().copied().fold(f64::INFINITY, f64::min);
    Spread { min_ns, median_ns: median(samples) }
}

/// The middle of `samples`; NaN if there are none.
pub fn median(samples: Vec<f64>) -> f64 {
    percentile(samples, 0.5)
}

/// What `share` of `samples`, 0 to 1, are not above; NaN if there are none.
pub fn percentile(mut samples: Vec<f64>, share: f64) -> f64 {
    samples.sort_by(f64::total_cmp);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an index of a vector")]
    let at = (samples.len() as f64 * share) as usize;
    samples.get(at).copied().unwrap_or(f64::NAN)
}
