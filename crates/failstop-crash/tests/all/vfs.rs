//! The fault-injecting VFS. It belongs to a whole process and often ends it, so every test runs children of its
//! own: this very test binary, told by the environment to play a part of `child.rs`.

mod child;

use std::collections::BTreeSet;
use std::fmt::Display;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};

use failstop_crash::vfs::{FAULTS_VARIABLE, Fault, FaultPlan, InstallError, PlanError};
use rusqlite::Connection;
use tempfile::TempDir;

const SIGKILL: i32 = 9;

/// A database in a directory of its own.
struct Database {
    _directory: TempDir,
    path: PathBuf,
}

impl Database {
    fn new() -> Self {
        let directory = TempDir::new().unwrap();
        let path = directory.path().join("db");
        Self { _directory: directory, path }
    }

    /// What the child says of its part, line by line, and how it ended.
    fn run(&self, part: &str, plan: &impl Display) -> (Vec<String>, ExitStatus) {
        let output = child_command(part, &self.path, plan).output().unwrap();
        let lines = String::from_utf8_lossy(&output.stdout);
        (lines.lines().filter_map(child::said).map(str::to_owned).collect(), output.status)
    }

    /// The rows that survive when the machine starts again, after a check that the database is sound.
    fn reopen(&self) -> Result<BTreeSet<u32>, String> {
        let _ = std::fs::remove_file(self.path.with_file_name("db-shm"));
        let connection = Connection::open(&self.path).unwrap();
        let verdict: String = connection
            .query_row("PRAGMA integrity_check", [], |row| row.get(0))
            .map_err(|error| error.to_string())?;
        if verdict == "ok" { rows(&connection) } else { Err(verdict) }
    }
}

fn child_command(part: &str, database: &Path, plan: &impl Display) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "vfs::child::plays_its_part", "--nocapture", "--ignored"]);
    command.env(child::PART, part).env(child::DATABASE, database).env(FAULTS_VARIABLE, plan.to_string());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// The numbers in the table, each with the body that belongs to it; without a table, none.
fn rows(connection: &Connection) -> Result<BTreeSet<u32>, String> {
    if !connection.table_exists(None, "t").map_err(|error| error.to_string())? {
        return Ok(BTreeSet::new());
    }
    let mut statement = connection.prepare("SELECT id, body FROM t").map_err(|error| error.to_string())?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get::<_, Vec<u8>>(1)?))).unwrap();
    rows.map(|row| match row.map_err(|error| error.to_string())? {
        (id, body) if body == child::body(id) => Ok(id),
        (id, _) => Err(format!("row {id} has another body")),
    })
    .collect()
}

/// The numbers that the child reported with this word.
fn numbers(lines: &[String], word: &str) -> BTreeSet<u32> {
    let rests = lines.iter().filter_map(|line| line.strip_prefix(word));
    rests.map(|rest| rest.split_whitespace().next().unwrap().parse().unwrap()).collect()
}

/// How many points the workload has when nothing happens.
fn points_of(part: &str) -> u64 {
    let (lines, status) = Database::new().run(part, &FaultPlan::default());
    assert!(status.success(), "{lines:?}");
    lines.iter().find_map(|line| line.strip_prefix("points ")).unwrap().parse().unwrap()
}

/// Dies at every point and expects that no committed row is missing. Answers how many committed rows it saw.
fn survives_at_every_point(part: &str, fault: impl Fn(u64) -> Fault) -> usize {
    let mut committed = 0;
    for point in 1..=points_of(part) {
        let (plan, database) = (FaultPlan::from(fault(point)), Database::new());
        let (lines, status) = database.run(part, &plan);
        assert_eq!(status.signal(), Some(SIGKILL), "{part} under {plan}: {lines:?}");
        let promised = numbers(&lines, "committed ");
        let present = database.reopen().unwrap_or_else(|fault| panic!("{part} under {plan}: {fault}"));
        assert!(promised.is_subset(&present), "{part} under {plan}: {promised:?} but {present:?}");
        committed += promised.len();
    }
    committed
}

#[test]
fn a_kill_at_any_point_loses_no_commit() {
    assert!(survives_at_every_point(child::WAL, |at| Fault::Kill { at }) > 0);
    assert!(survives_at_every_point(child::WAL, |at| Fault::KillAfter { at }) > 0);
}

#[test]
fn a_torn_write_at_any_point_loses_no_commit() {
    assert!(survives_at_every_point(child::WAL, |at| Fault::Torn { at, whole_sectors: false }) > 0);
    assert!(survives_at_every_point(child::WAL, |at| Fault::Torn { at, whole_sectors: true }) > 0);
}

/// The size of the WAL after this death, in bytes.
fn wal_size_after(fault: Fault) -> u64 {
    let database = Database::new();
    database.run(child::WAL, &FaultPlan::from(fault));
    std::fs::metadata(database.path.with_file_name("db-wal")).map_or(0, |wal| wal.len())
}

const PAGE: u64 = 4096;

/// The first point that appends a page to the WAL.
fn first_append() -> u64 {
    (1..=points_of(child::WAL))
        .find(|&at| wal_size_after(Fault::KillAfter { at }) == wal_size_after(Fault::Kill { at }) + PAGE)
        .expect("some write appends a page to the WAL")
}

#[test]
fn a_torn_write_leaves_the_first_half_or_the_whole_sectors_of_it() {
    let at = first_append();
    let half = wal_size_after(Fault::Kill { at }) + PAGE / 2;
    assert_eq!(wal_size_after(Fault::Torn { at, whole_sectors: false }), half);
    assert_eq!(wal_size_after(Fault::Torn { at, whole_sectors: true }), half - half % 512);
}

#[test]
fn a_power_loss_keeps_tears_or_loses_the_write_at_its_point() {
    let at = first_append();
    let before = wal_size_after(Fault::Kill { at });
    let sizes: BTreeSet<u64> = (0..48).map(|seed| wal_size_after(Fault::Power { at, seed })).collect();
    assert!(sizes.contains(&(before + PAGE)), "never kept: {sizes:?}");
    assert!(sizes.range(before + 1..before + PAGE).next().is_some(), "never torn: {sizes:?}");
    assert!(sizes.first().unwrap() < &before, "never lost: {sizes:?}");
    assert_eq!(wal_size_after(Fault::Power { at, seed: 7 }), wal_size_after(Fault::Power { at, seed: 7 }));
}

#[test]
fn a_power_loss_at_any_point_loses_no_synced_commit() {
    for seed in 0..3 {
        assert!(survives_at_every_point(child::WAL, |at| Fault::Power { at, seed }) > 0);
    }
}

#[test]
fn a_rollback_journal_survives_power_loss_too() {
    assert!(survives_at_every_point(child::JOURNAL, |at| Fault::Power { at, seed: 1 }) > 0);
}

/// The self-check: a power loss that could not lose anything would prove nothing.
#[test]
fn a_power_loss_without_syncs_loses_commits() {
    let points = points_of(child::UNSYNCED);
    let losses = (1..=points).filter(|&at| {
        let database = Database::new();
        let (lines, _) = database.run(child::UNSYNCED, &FaultPlan::from(Fault::Power { at, seed: 0 }));
        let promised = numbers(&lines, "committed ");
        database.reopen().map_or(true, |present| !promised.is_subset(&present))
    });
    let losses = u64::try_from(losses.count()).unwrap();
    assert!(losses * 4 > points, "{losses} of {points}");
}

/// The counterpart: a kill leaves the page cache alone, so that nothing is lost even without syncs.
#[test]
fn a_kill_without_syncs_loses_nothing() {
    assert!(survives_at_every_point(child::UNSYNCED, |at| Fault::Kill { at }) > 0);
}

#[test]
fn the_points_of_a_workload_are_the_same_every_time() {
    assert_eq!(points_of(child::WAL), points_of(child::WAL));
    assert!(points_of(child::WAL) > 40);
}

#[test]
fn a_full_disk_refuses_and_leaves_the_database_sound() {
    refuses_and_stays_sound(|point| Fault::Full(point..=u64::MAX), "DiskFull");
    refuses_and_stays_sound(|point| Fault::Full(point..=point + 1), "DiskFull");
}

#[test]
fn failing_io_refuses_and_leaves_the_database_sound() {
    refuses_and_stays_sound(|point| Fault::IoError(point..=u64::MAX), "SystemIoFailure");
    refuses_and_stays_sound(|point| Fault::IoError(point..=point), "SystemIoFailure");
}

fn refuses_and_stays_sound(fault: impl Fn(u64) -> Fault, code: &str) {
    let mut refusals = 0;
    for point in (1..=points_of(child::WAL)).step_by(2) {
        let (plan, database) = (FaultPlan::from(fault(point)), Database::new());
        let (lines, status) = database.run(child::WAL, &plan);
        assert!(status.success(), "{plan}: {lines:?}");
        let refused: Vec<_> = lines.iter().filter(|line| line.starts_with("refused ")).collect();
        assert!(refused.iter().all(|line| line.ends_with(code)), "{plan}: {refused:?}");
        let (promised, present) = (numbers(&lines, "committed "), database.reopen().unwrap());
        assert!(promised.is_subset(&present), "{plan}: {promised:?} but {present:?}");
        refusals += refused.len();
    }
    assert!(refusals > 0, "nothing was refused");
}

#[test]
fn a_disk_that_has_room_again_takes_writes_again() {
    let database = Database::new();
    let (lines, status) = database.run("full-then-freed", &"");
    assert!(status.success());
    assert_eq!(lines, ["committed 1", "refused 2 DiskFull", "committed 3"]);
    assert_eq!(database.reopen(), Ok(BTreeSet::from([1, 3])));
}

#[test]
fn a_hanging_sync_blocks_its_writer_and_no_reader() {
    let (lines, status) = Database::new().run("hang", &"");
    assert!(status.success());
    assert_eq!(lines, ["committed 1", "hanging 1, finished false, rows 1"]);
}

#[test]
fn a_second_installation_is_refused() {
    let (lines, status) = Database::new().run("install-twice", &"");
    assert!(status.success());
    assert_eq!(lines, [format!("second {}", InstallError::AlreadyInstalled)]);
}

#[test]
fn a_bad_plan_in_the_environment_installs_nothing() {
    let (lines, status) = Database::new().run("install-twice", &"kill@3,boom@4");
    assert!(status.success());
    assert_eq!(
        lines,
        [
            "first FAILSTOP_FAULTS: fault 2: no such kind; write kill@N, kill-after@N, torn@N, power@N, full@N, \
          ioerr@N or hang@N"
        ]
    );
}

/// A child that does as it is told, one line at a time.
struct Server {
    child: Child,
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Server {
    fn start(database: &Database) -> Self {
        let mut command = child_command("serve", &database.path, &"");
        let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
        let (orders, answers) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let mut server = Self { child, orders, answers: BufReader::new(answers) };
        assert_eq!(server.answer(), "ready");
        server
    }

    fn order(&mut self, order: &str) -> String {
        writeln!(self.orders, "{order}").unwrap();
        self.answer()
    }

    fn answer(&mut self) -> String {
        loop {
            let mut line = String::new();
            assert!(self.answers.read_line(&mut line).unwrap() > 0, "the server has gone");
            if let Some(said) = child::said(line.trim_end()) {
                return said.to_owned();
            }
        }
    }

    fn stop(mut self) {
        drop(self.orders);
        assert!(self.child.wait().unwrap().success());
    }
}

#[test]
fn wal_works_between_connections_and_processes() {
    let database = Database::new();
    let (mut one, mut two) = (Server::start(&database), Server::start(&database));
    assert_eq!(one.order("insert 1"), "committed 1");
    assert_eq!(two.order("count"), "count 1 1");
    assert_eq!(two.order("insert 2"), "committed 2");
    assert_eq!(one.order("count"), "count 2 2");
    assert_eq!(one.order("begin"), "begun");
    assert_eq!(two.order("insert 3"), "refused 3 DatabaseBusy");
    assert_eq!(two.order("count"), "count 2 2");
    assert_eq!(one.order("commit"), "done");
    assert_eq!(two.order("insert 3"), "committed 3");
    assert_eq!(two.order("checkpoint"), "done");
    assert_eq!(one.order("count"), "count 3 3");
    one.stop();
    two.stop();
    assert_eq!(database.reopen(), Ok(BTreeSet::from([1, 2, 3])));
}

#[test]
fn a_plan_reads_as_it_is_written() {
    let text = "kill@37,kill-after@1,torn@2,torn@3:sector,power@4,power@4:99,full@5,full@5..9,ioerr@6,\
                ioerr@6..6,hang@7";
    let plan: FaultPlan = text.parse().unwrap();
    assert_eq!(plan.to_string(), text);
    assert_eq!(plan.faults().len(), 11);
    assert_eq!(plan.faults()[7], Fault::Full(5..=9));
    assert_eq!(" kill@1 , hang@2 ".parse::<FaultPlan>().unwrap().to_string(), "kill@1,hang@2");
    assert_eq!(" ".parse(), Ok(FaultPlan::default()));
}

#[test]
fn a_bad_plan_says_which_fault_is_bad() {
    let refused = |text: &str| text.parse::<FaultPlan>().unwrap_err();
    assert_eq!(refused("kill"), PlanError::UnknownKind { fault: 1 });
    assert_eq!(refused("kill@1,"), PlanError::UnknownKind { fault: 2 });
    assert_eq!(refused("kill@1,Kill@2"), PlanError::UnknownKind { fault: 2 });
    assert_eq!(refused("kill@0"), PlanError::BadPoint { fault: 1 });
    assert_eq!(refused("kill@1:2"), PlanError::BadPoint { fault: 1 });
    assert_eq!(refused("hang@-1"), PlanError::BadPoint { fault: 1 });
    assert_eq!(refused("full@9..5"), PlanError::BadRange { fault: 1 });
    assert_eq!(refused("ioerr@5.."), PlanError::BadRange { fault: 1 });
    assert_eq!(refused("power@5:x"), PlanError::BadSeed { fault: 1 });
    assert_eq!(refused("torn@5:half"), PlanError::BadTear { fault: 1 });
}
