//! What the ledger's own figures were chosen by: each of them with several values by turns, all else as it is.

use std::{fs, time::Duration};

use failstop_sqlite::{Options, Tuning};

use crate::{
    ledger_subject::Subject,
    rounds::{median, time},
    table::Row,
};

/// Its section's name.
pub const NAME: &str = "ledger-tuning";

const ROUNDS: usize = 5;

/// One figure, and what it is measured under: how many in flight, and how many executions a round.
struct Question {
    loads: &'static [(u32, u32)],
    /// The first is what the others are compared to.
    values: &'static [(&'static str, Tuning)],
}

const fn autocheckpoint(wal_autocheckpoint_pages: u32) -> Tuning {
    Tuning { wal_autocheckpoint_pages, ..Tuning::DEFAULT }
}

const fn gathering(us: u64) -> Tuning {
    Tuning { gathering: Duration::from_micros(us), ..Tuning::DEFAULT }
}

const fn cache(mib: u32) -> Tuning {
    Tuning { cache_kib: mib * 1_024, ..Tuning::DEFAULT }
}

const QUESTIONS: [Question; 3] = [
    Question {
        loads: &[(256, 20_000), (1, 1_000)],
        values: &[
            ("wal_autocheckpoint 1,000", autocheckpoint(1_000)),
            ("wal_autocheckpoint 4,096", autocheckpoint(4_096)),
            ("wal_autocheckpoint 16,384", autocheckpoint(16_384)),
            ("wal_autocheckpoint 65,536", autocheckpoint(65_536)),
        ],
    },
    Question {
        loads: &[(256, 20_000), (16, 4_000)],
        values: &[
            ("gathering 0 us", gathering(0)),
            ("gathering 100 us", gathering(100)),
            ("gathering 300 us", gathering(300)),
        ],
    },
    Question {
        loads: &[(256, 20_000)],
        values: &[
            ("page cache 64 MiB", cache(64)),
            ("page cache 8 MiB", cache(8)),
            ("page cache 2 MiB", cache(2)),
        ],
    },
];

pub fn measure() -> Vec<Row> {
    QUESTIONS.iter().flat_map(Question::answer).collect()
}

/// One value under measurement; the samples are by load and round.
struct Candidate {
    name: &'static str,
    subject: Subject,
    per_second: Vec<Vec<f64>>,
    writer_us: Vec<Vec<f64>>,
}

impl Question {
    fn answer(&self) -> Vec<Row> {
        let mut candidates: Vec<_> = self.values.iter().map(|value| self.candidate(value)).collect();
        for _ in 0..ROUNDS {
            for (load, &(in_flight, count)) in self.loads.iter().enumerate() {
                for candidate in &mut candidates {
                    candidate.round(load, in_flight, count);
                }
            }
        }
        let reference = &candidates[0];
        candidates.iter().flat_map(|candidate| self.rows(candidate, reference)).collect()
    }

    fn candidate(&self, &(name, tuning): &(&'static str, Tuning)) -> Candidate {
        let subject = Subject::over_ledger_with(Options::default().tuning(tuning));
        let none = vec![Vec::new(); self.loads.len()];
        Candidate { name, subject, per_second: none.clone(), writer_us: none }
    }

    fn rows(&self, candidate: &Candidate, reference: &Candidate) -> Vec<Row> {
        let row = |(load, &(in_flight, _)): (usize, &(u32, u32))| {
            let rate = |candidate: &Candidate| median(candidate.per_second[load].clone());
            let writer = median(candidate.writer_us[load].clone());
            let wal = candidate.wal_mib();
            let ours = rate(candidate);
            let text =
                format!("{in_flight} in flight {ours:.0}/s, writer {writer:.1} us each, WAL {wal:.0} MiB");
            let name = if load == 0 { candidate.name } else { "  the same" };
            Row::new(name, text).peer(reference.name, ours / rate(reference))
        };
        self.loads.iter().enumerate().map(row).collect()
    }
}

impl Candidate {
    fn round(&mut self, load: usize, in_flight: u32, count: u32) {
        let before = writers_ns();
        let took = time(|| self.subject.execute(count, in_flight)).as_secs_f64();
        self.per_second[load].push(f64::from(count) / took);
        self.writer_us[load].push((writers_ns() - before) / 1e3 / f64::from(count));
    }

    /// How far its WAL has grown; it is overwritten, and never shrinks.
    fn wal_mib(&self) -> f64 {
        let mut wal = self.subject.path().into_os_string();
        wal.push("-wal");
        #[expect(clippy::cast_precision_loss, reason = "a file's size for people")]
        fs::metadata(wal).map_or(f64::NAN, |file| file.len() as f64 / f64::from(1 << 20))
    }
}

/// Nanoseconds of CPU that all writers of this process have used; those not under measurement are asleep.
fn writers_ns() -> f64 {
    let threads = fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    threads.filter_map(|thread| writer_ns(&thread.path())).sum()
}

fn writer_ns(thread: &std::path::Path) -> Option<f64> {
    let is_writer = fs::read_to_string(thread.join("comm")).ok()?.trim() == "failstop-writer";
    let used = fs::read_to_string(thread.join("schedstat")).ok()?;
    is_writer.then_some(used)?.split_whitespace().next()?.parse().ok()
}
