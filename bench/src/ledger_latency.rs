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
        ours_us.extend(over.latencies_us(EXECUTIONS));
        plain_us.extend(without.latencies_us(EXECUTIONS));
        commits_us.extend(newest(&over.path(), EXECUTIONS).iter().map(|execution| {
            let group = std::slice::from_ref(execution);
            time(|| bare.write(group, 1)).as_secs_f64() * 1e6
        }));
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
