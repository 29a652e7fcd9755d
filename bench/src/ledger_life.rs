//! What a ledger weighs, and how long it takes to open one: with many finished records, and with many that a dead owner
//! left in the middle of an attempt.

use std::path::Path;

use failstop_sqlite::{Options, SqliteLedger};
use rusqlite::{Connection, OpenFlags};
use tempfile::TempDir;

use crate::{
    ledger_subject::{NAME, Subject},
    rounds::time,
    table::Row,
};

/// The argument that makes this take minutes.
pub const LONG: &str = "--long";

/// Executed for real; the rest are copies of their rows under keys of their own.
const ORIGINALS: u32 = 1_000;
const WEIGHED: u32 = 50_000;
const LEFT_BEHIND: u32 = 100_000;

pub fn measure() -> Vec<Row> {
    let is_long = std::env::args().any(|argument| argument == LONG);
    let (finished, opening) = if is_long {
        (1_000_000, "ledger, open with 1,000,000 finished records")
    } else {
        (100_000, "ledger, open with 100,000 finished records")
    };
    let mut rows = weigh();
    rows.extend(open_finished(finished, opening));
    rows.push(recover());
    rows
}

/// Bytes on the disk per execution, once all of the WAL is in the database.
fn weigh() -> Vec<Row> {
    const BY_TABLE: &str = "SELECT name, sum(pgsize) FROM dbstat GROUP BY name ORDER BY 2 DESC LIMIT 5";
    let home = executed(WEIGHED);
    let ledger = connect(&home.path().join(NAME));
    let mut statement = ledger.prepare(BY_TABLE).expect("dbstat is compiled in");
    let tables = statement.query_map([], |row| Ok((row.get(0)?, row.get::<_, f64>(1)?)));
    let tables: Vec<(String, f64)> = tables.and_then(Iterator::collect).expect("dbstat can be read");
    let each = |bytes: f64| bytes / f64::from(WEIGHED);
    let parts: Vec<_> = tables.iter().map(|(name, bytes)| format!("{name} {:.0}", each(*bytes))).collect();
    let all = each(std::fs::metadata(home.path().join(NAME)).map_or(0.0, |file| file.len() as f64));
    vec![
        Row::new("ledger, bytes on disk per execution", format!("{all:.0} B")),
        Row::new("  the same by table", parts.join(", ")),
    ]
}

fn open_finished(count: u32, what: &'static str) -> Vec<Row> {
    let home = executed(ORIGINALS);
    multiply(&home.path().join(NAME), count / ORIGINALS - 1, FINISHED);
    let mut ledger = None;
    let opening = time(|| ledger = Some(open(&home.path().join(NAME))));
    let subject = Subject::over(home, ledger);
    subject.skip(ORIGINALS.into());
    let first = time(|| subject.execute(1, 1));
    vec![
        Row::new(what, format!("{:.1} ms", opening.as_secs_f64() * 1e3)),
        Row::new("  its first execution", format!("{:.1} ms", first.as_secs_f64() * 1e3)),
    ]
}

fn recover() -> Row {
    let home = executed(ORIGINALS);
    multiply(&home.path().join(NAME), LEFT_BEHIND / ORIGINALS, STARTED);
    let mut recovered = 0;
    let opening = time(|| recovered = open(&home.path().join(NAME)).recovered());
    let expected = usize::try_from(LEFT_BEHIND).unwrap_or(usize::MAX);
    assert!(recovered == expected, "not what is measured: {recovered} recovered");
    Row::new("ledger, open with 100,000 left in an attempt", format!("{:.2} s", opening.as_secs_f64()))
}

/// A closed ledger with so many successes.
fn executed(count: u32) -> TempDir {
    let subject = Subject::over_ledger();
    subject.execute(count, 256);
    subject.close()
}

fn open(path: &Path) -> SqliteLedger {
    SqliteLedger::open(path, Options::default()).expect("the ledger can be opened")
}

fn connect(path: &Path) -> Connection {
    Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE).expect("it is there")
}

/// Numbers the copies: copy by copy, each in the order of the originals.
const COPIES: &str = "
PRAGMA synchronous = OFF;
PRAGMA cache_size = -262144;
CREATE TEMP TABLE copied AS
    WITH RECURSIVE copies(copy) AS (SELECT 0 UNION ALL SELECT copy + 1 FROM copies WHERE copy + 1 < :copies)
    SELECT copy, original.*, row_number() OVER (ORDER BY copy, id) AS n FROM copies, executions original;
CREATE TEMP TABLE base AS SELECT (SELECT max(seq) FROM events) AS seq, (SELECT max(id) FROM executions) AS id;
";

const FINISHED: &str = "
INSERT INTO events SELECT base.seq + 2 * n - half, at_ms, kind, copied.key || copy, base.seq + 2 * n - 1, gate_epoch,
        body, hash
    FROM copied, base, (SELECT 1 AS half UNION ALL SELECT 0)
    JOIN events e ON e.seq = iif(half, copied.fence, last_event) ORDER BY 1;
INSERT INTO executions SELECT base.id + n, key || copy, state, action, fingerprint, base.seq + 2 * n - 1, attempts, owner,
        may_have_effect, may_repeat, resolution, execution_id, outcome, reason_code, started_at_ms, updated_at_ms,
        base.seq + 2 * n
    FROM copied, base ORDER BY 1;
INSERT INTO attempts SELECT base.id + n, number, base.seq + 2 * n - 1, effect, stopped, error_type, error_code, a.started_at_ms,
        latency_ms
    FROM copied, base JOIN attempts a ON a.execution = copied.id ORDER BY 1;
";

const STARTED: &str = "
INSERT INTO events SELECT base.seq + n, at_ms, kind, copied.key || copy, base.seq + n, gate_epoch, body, hash
    FROM copied, base JOIN events e ON e.seq = copied.fence ORDER BY 1;
INSERT INTO executions SELECT base.id + n, key || copy, 'STARTED', action, fingerprint, base.seq + n, attempts, owner,
        0, may_repeat, resolution, execution_id, 'unknown', 'unknown_outcome', started_at_ms, started_at_ms, base.seq + n
    FROM copied, base ORDER BY 1;
INSERT INTO attempts SELECT base.id + n, number, base.seq + n, 'unknown', NULL, NULL, NULL, a.started_at_ms, 0
    FROM copied, base JOIN attempts a ON a.execution = copied.id ORDER BY 1;
";

/// Copies every execution of the closed ledger so many times.
fn multiply(path: &Path, copies: u32, insert: &str) {
    let ledger = connect(path);
    let script = format!("{}BEGIN;{insert}COMMIT;", COPIES.replace(":copies", &copies.to_string()));
    ledger.execute_batch(&script).expect("the rows can be copied");
}
