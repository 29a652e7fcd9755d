//! What the ledger in a file costs, beside the same rows written bare and as many bytes flushed raw.

use crate::{
    ledger_bare::{Bare, Raw, newest},
    ledger_subject::Subject,
    rounds::{median, time},
    table::Row,
};

const ROUNDS: usize = 15;

/// The argument that makes the program do nothing but execute over a ledger for a while, to be looked at with a
/// profiler; a number behind it is how many are in flight.
pub const LOOP: &str = "ledger-loop";

/// So many in flight at a time.
struct Load {
    in_flight: u32,
    executions_per_round: u32,
    names: [&'static str; 2],
    /// Whether section 13 of the design has a figure for it.
    is_promised: bool,
}

const LOADS: [Load; 3] = [
    Load {
        in_flight: 1,
        executions_per_round: 400,
        names: ["ledger, 1 in flight / same rows bare", "  the same / raw fdatasync"],
        is_promised: false,
    },
    Load {
        in_flight: 16,
        executions_per_round: 4_000,
        names: ["ledger, 16 in flight / same rows bare", "  the same / raw fdatasync"],
        is_promised: false,
    },
    Load {
        in_flight: 256,
        executions_per_round: 20_000,
        names: ["ledger, 256 in flight / same rows bare", "  the same / raw fdatasync"],
        is_promised: true,
    },
];

pub fn measure() -> Vec<Row> {
    LOADS.iter().flat_map(throughput).collect()
}

/// Executes for some seconds, `in_flight` at a time.
pub fn endless(in_flight: u32) {
    Subject::over_ledger().execute(100_000, in_flight);
}

/// Executions a second of all three by turns, and how ours compares within the rounds.
fn throughput(load: &Load) -> Vec<Row> {
    let (count, group) = (load.executions_per_round, load.in_flight as usize);
    let subject = Subject::over_ledger();
    subject.execute(count, load.in_flight);
    let (mut bare, mut raw) = (Bare::like(&subject.path()), Raw::new());
    let mut samples = [Vec::new(), Vec::new(), Vec::new()];
    for _ in 0..ROUNDS {
        samples[0].push(per_second(count, || subject.execute(count, load.in_flight)));
        let rows = newest(&subject.path(), count);
        samples[1].push(per_second(count, || bare.write(&rows, group)));
        samples[2].push(per_second(count, || raw.write(&rows, group)));
    }
    let ratio =
        |peer: usize| median(samples[0].iter().zip(&samples[peer]).map(|(ours, peer)| ours / peer).collect());
    let [ours, to_bare, to_raw] = samples.clone().map(|samples| format!("{:.0}/s", median(samples)));
    let beside_bare = Row::new(load.names[0], ours.clone()).peer(to_bare, ratio(1));
    let beside_raw = Row::new(load.names[1], ours).peer(to_raw, ratio(2));
    if load.is_promised {
        vec![beside_bare.reach(">= 0.5x", ratio(1) >= 0.5), beside_raw]
    } else {
        vec![beside_bare, beside_raw]
    }
}

fn per_second(count: u32, work: impl FnOnce()) -> f64 {
    f64::from(count) / time(work).as_secs_f64()
}
