//! What the ledger adds to one execution at a time, in commits.

use crate::{
    ledger_bare::{Bare, newest},
    ledger_subject::Subject,
    rounds::{percentile, time},
    table::Row,
};

const ROUNDS: usize = 40;
const EXECUTIONS: u32 = 100;

pub fn measure() -> Vec<Row> {
    let (over, without) = (Subject::over_ledger(), Subject::without_ledger());
    over.execute(EXECUTIONS, 1);
    let mut bare = Bare::like(&over.path());
    let (mut ours_us, mut plain_us, mut commits_us) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        // By turns one by one: a disk that was idle for a moment, and caches that others used, flush slower.
        for execution in newest(&over.path(), EXECUTIONS) {
            ours_us.push(us(|| over.execute(1, 1)));
            plain_us.push(us(|| without.execute(1, 1)));
            commits_us.push(us(|| bare.write(&[execution], 1)));
        }
    }
    let row = |what, share| {
        let [ours, plain, commits] =
            [&ours_us, &plain_us, &commits_us].map(|samples| percentile(samples.clone(), share));
        let (added, ratio) = (ours - plain, (ours - plain) / commits);
        let row = Row::new(what, format!("{added:.0} us = {:.2} bare commits", 2.0 * ratio));
        (row.peer(format!("{commits:.0} us"), ratio), ratio)
    };
    let (middle, ratio) = row("ledger, 1 in flight, added p50 / 2 bare commits", 0.5);
    let (tail, _) = row("  the same, p99", 0.99);
    vec![middle.reach("<= 1.2x", ratio <= 1.2), tail]
}

fn us(work: impl FnOnce()) -> f64 {
    time(work).as_secs_f64() * 1e6
}
