//! The parts that a child process plays for the tests of the VFS.

use std::io::{BufRead, Write};
use std::path::PathBuf;
use std::time::Duration;

use failstop_crash::vfs::{Fault, FaultPlan, Faults, install, install_from_env};
use rusqlite::Connection;

/// Names the part in the child's environment.
pub const PART: &str = "FAILSTOP_VFS_PART";
/// The path of the database in the child's environment.
pub const DATABASE: &str = "FAILSTOP_VFS_DATABASE";

/// A workload with a WAL, every commit synced.
pub const WAL: &str = "workload wal full";
/// The same without any sync.
pub const UNSYNCED: &str = "workload wal off";
/// A workload with a rollback journal, every commit synced.
pub const JOURNAL: &str = "workload delete full";

const TRANSACTIONS: u32 = 8;
const MARK: &str = "vfs: ";

/// What a line of the child says, if it is one of ours and not of the test harness.
pub fn said(line: &str) -> Option<&str> {
    line.strip_prefix(MARK)
}

/// The body of a row: large enough that pages split and checkpoints have work.
pub fn body(id: u32) -> Vec<u8> {
    (0..700).map(|n| ((id * 31 + n) % 251).to_le_bytes()[0]).collect()
}

/// The harness prints on the same stream and may leave its line open, so every line of ours begins with a new one.
fn say(words: &str) {
    let mut out = std::io::stdout().lock();
    out.write_all(format!("\n{MARK}{words}\n").as_bytes()).unwrap();
    out.flush().unwrap();
}

#[test]
#[ignore = "a part for a child process, started by the tests of the VFS"]
fn plays_its_part() {
    let Ok(part) = std::env::var(PART) else { return };
    match part.split(' ').collect::<Vec<_>>()[..] {
        ["workload", journal, synchronous] => workload(installed(), journal, synchronous),
        ["serve"] => serve(),
        ["hang"] => hang(installed()),
        ["full-then-freed"] => full_then_freed(installed()),
        ["install-twice"] => install_twice(),
        _ => panic!("no such part"),
    }
}

fn installed() -> Faults {
    install_from_env().unwrap().unwrap()
}

fn open(journal: &str, synchronous: &str) -> rusqlite::Result<Connection> {
    let connection = Connection::open(PathBuf::from(std::env::var_os(DATABASE).unwrap()))?;
    connection.busy_timeout(Duration::ZERO)?;
    connection.pragma_update(None, "journal_mode", journal)?;
    connection.pragma_update(None, "synchronous", synchronous)?;
    connection.pragma_update(None, "wal_autocheckpoint", 8)?;
    connection.execute_batch("CREATE TABLE IF NOT EXISTS t (id INTEGER PRIMARY KEY, body BLOB NOT NULL)")?;
    Ok(connection)
}

fn insert(connection: &Connection, id: u32) {
    match connection.execute("INSERT INTO t VALUES (?1, ?2)", (id, body(id))) {
        Ok(_) => say(&format!("committed {id}")),
        Err(error) => say(&format!("refused {id} {}", code(&error))),
    }
}

fn code(error: &rusqlite::Error) -> String {
    error.sqlite_error_code().map_or_else(|| "none".to_owned(), |code| format!("{code:?}"))
}

fn count(connection: &Connection) -> u32 {
    connection.query_row("SELECT count(*) FROM t", [], |row| row.get(0)).unwrap()
}

fn workload(faults: Faults, journal: &str, synchronous: &str) {
    match open(journal, synchronous) {
        Ok(connection) => (1..=TRANSACTIONS).for_each(|id| insert(&connection, id)),
        Err(error) => say(&format!("refused 0 {}", code(&error))),
    }
    say(&format!("points {}", faults.points()));
}

/// Two connections of one process, one of them through mapped pages.
fn serve() {
    installed();
    let (one, two) = (open("wal", "full").unwrap(), open("wal", "full").unwrap());
    two.pragma_update(None, "mmap_size", 1 << 20).unwrap();
    say("ready");
    for order in std::io::stdin().lock().lines() {
        match order.unwrap().split(' ').collect::<Vec<_>>()[..] {
            ["insert", id] => insert(&one, id.parse().unwrap()),
            ["count"] => say(&format!("count {} {}", count(&one), count(&two))),
            ["begin"] => run(&two, "BEGIN IMMEDIATE", "begun"),
            ["commit"] => run(&two, "COMMIT", "done"),
            ["checkpoint"] => run(&one, "PRAGMA wal_checkpoint(TRUNCATE)", "done"),
            _ => panic!("no such order"),
        }
    }
}

fn run(connection: &Connection, sql: &str, answer: &str) {
    match connection.execute_batch(sql) {
        Ok(()) => say(answer),
        Err(error) => say(&format!("failed {}", code(&error))),
    }
}

fn full_then_freed(faults: Faults) {
    let connection = open("wal", "full").unwrap();
    insert(&connection, 1);
    faults.arm(FaultPlan::from(Fault::Full(faults.points() + 1..=u64::MAX)));
    insert(&connection, 2);
    faults.arm(FaultPlan::default());
    insert(&connection, 3);
}

fn hang(faults: Faults) {
    let (writer, reader) = (open("wal", "full").unwrap(), open("wal", "full").unwrap());
    insert(&writer, 1);
    faults.arm(FaultPlan::from(Fault::Hang { from: 1 }));
    let commit = std::thread::spawn(move || insert(&writer, 2));
    while faults.hanging() == 0 && !commit.is_finished() {
        std::thread::yield_now();
    }
    let (hanging, finished) = (faults.hanging(), commit.is_finished());
    say(&format!("hanging {hanging}, finished {finished}, rows {}", count(&reader)));
    std::process::exit(0);
}

fn install_twice() {
    match install_from_env() {
        Ok(_) => say(&format!("second {}", install(FaultPlan::default()).unwrap_err())),
        Err(error) => say(&format!("first {error}")),
    }
}
