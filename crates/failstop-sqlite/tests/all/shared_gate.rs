//! The gate beside a ledger reaches every process that has it open.

use std::{fs, path::Path, time::Duration};

use decision_schema::Action;
use failstop::{
    core::{
        model::{ExecutionStatus, Outcome, ReasonCode, Stopped},
        stop::{Level, Scope},
    },
    executor::{Answer, from_fn},
};
use failstop_sqlite::{
    audit::verify,
    gate_file::GateFile,
    stop::{StopOrder, stop},
    view::View,
};
use rusqlite::Connection;
use tempfile::TempDir;

use crate::support::{engine, hanging, keyed, open, run};

/// The gate of the ledger at `path`, as another process would open it.
fn gate_of(path: &Path) -> GateFile {
    let gate = path.with_file_name("failstop.db.gate");
    let id = GateFile::ledger_id_at(&gate).unwrap().unwrap();
    GateFile::open(&gate, &id).unwrap()
}

fn events(path: &Path, kind: &str) -> Vec<(u64, u64)> {
    let connection = Connection::open(path).unwrap();
    let sql = "SELECT seq, gate_epoch FROM events WHERE kind = ?1 ORDER BY seq";
    let mut statement = connection.prepare(sql).unwrap();
    let rows = statement.query_map([kind], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    rows.map(Result::unwrap).collect()
}

#[tokio::test]
async fn inv_exe_4_a_stop_from_outside_reaches_an_attempt_in_flight() {
    let home = TempDir::new().unwrap();
    let path = home.path().join("failstop.db");
    let ledger = open(&path);
    let (hung, is_entered) = hanging();
    let engine = engine(&ledger, keyed(|_| {}), hung);
    let stop = async {
        is_entered.await.unwrap();
        let gate = gate_of(&path);
        let engaged = gate.engage(Scope::Global, Level::Stop, "a test", 1).unwrap();
        assert!(gate.settle(Duration::from_secs(60)).unwrap());
        engaged.epoch
    };
    let (report, epoch) = tokio::join!(run(&engine, "k"), stop);
    assert_eq!(report.conclusion.reason_code, Some(ReasonCode::StoppedInFlight));
    assert_eq!(report.attempts[0].stopped, Some(Stopped::Confirmed));
    assert_eq!(report.gate.unwrap().epoch, epoch);

    let denied = run(&engine, "other").await;
    assert_eq!(denied.conclusion.reason_code, Some(ReasonCode::GateStopped));
    assert_eq!(denied.conclusion.outcome, Outcome::NotExecuted);
    assert!(ledger.flush());
    let recorded = events(&path, "gate");
    assert_eq!(recorded.iter().map(|(_, epoch)| *epoch).collect::<Vec<_>>(), [epoch], "INV-FS-4");
}

#[tokio::test]
async fn a_stopped_ledger_is_stopped_for_whoever_opens_it_next_and_says_when_it_was_released() {
    let home = TempDir::new().unwrap();
    let path = home.path().join("failstop.db");
    drop(open(&path));
    let gate = gate_of(&path);
    let stop = gate.engage(Scope::Global, Level::Stop, "maintenance", 1).unwrap();
    {
        let ledger = open(&path);
        let engine = engine(&ledger, keyed(|_| {}), from_fn(|_| std::future::ready(Answer::applied())));
        let denied = run(&engine, "k").await;
        assert_eq!(denied.conclusion.status, ExecutionStatus::Denied);
    }
    let pending = gate.prepare_release(Scope::Global, stop.epoch).unwrap();
    let released = gate.release(&pending, "done", 2).unwrap();
    let ledger = open(&path);
    let engine = engine(&ledger, keyed(|_| {}), from_fn(|_| std::future::ready(Answer::applied())));
    assert_eq!(run(&engine, "k").await.conclusion.status, ExecutionStatus::Success);
    let started = events(&path, "started");
    assert_eq!(started.iter().map(|(_, epoch)| *epoch).collect::<Vec<_>>(), [released]);
    let last_change = events(&path, "gate").into_iter().next_back().unwrap();
    assert_eq!(last_change.1, released);
    assert!(last_change.0 < started[0].0, "a start stands behind the change whose epoch it names");
}

/// A copy of the gate file from before a stop was put back, and a stop of another scope reached the epoch of the first one
/// again: the file was no longer behind, and what had been stopped ran.
#[tokio::test]
async fn inv_exe_4_an_older_copy_of_the_gate_loses_no_stop() {
    let home = TempDir::new().unwrap();
    let (path, file) = (home.path().join("failstop.db"), home.path().join("failstop.db.gate"));
    let order = |action| StopOrder {
        scope: Scope::Action(action),
        level: Level::Stop,
        reason: "a test".to_owned(),
        grace_ms: 0,
    };
    drop(open(&path));
    let older = fs::read(&file).unwrap();
    let first = stop(&path, &order(Action::Act), |_| {}).unwrap();
    assert!(first.is_recorded);
    fs::write(&file, older).unwrap();
    let other = gate_of(&path).engage(Scope::Action(Action::Exit), Level::Stop, "a test", 1).unwrap();
    assert_eq!(other.epoch, first.epoch, "reached again");

    let ledger = open(&path);
    let engine = engine(&ledger, keyed(|_| {}), from_fn(|_| std::future::ready(Answer::applied())));
    assert_eq!(run(&engine, "k").await.conclusion.reason_code, Some(ReasonCode::GateUnreadable));
    assert!(View::open(&path).unwrap().gate().is_err(), "status says so");

    let again = stop(&path, &order(Action::Cancel), |_| {}).unwrap();
    let gate = View::open(&path).unwrap().gate().unwrap();
    let levels = [Action::Hold, Action::Act, Action::Exit, Action::Cancel];
    let levels = levels.map(|action| gate.verdict(action).level);
    assert_eq!(levels, [Level::Run, Level::Stop, Level::Stop, Level::Stop]);
    assert!(again.is_recorded && again.epoch > first.epoch);
    assert_eq!(run(&engine, "k").await.conclusion.reason_code, Some(ReasonCode::GateStopped));
    drop((engine, ledger));
    assert!(verify(&path, &[]).unwrap().is_clean());
}

#[tokio::test]
async fn inv_exe_3_without_a_gate_that_can_be_read_nothing_starts() {
    type Spoil = fn(&Path);
    let spoil: [(&str, Spoil); 5] = [
        ("missing", |gate| fs::remove_file(gate).unwrap()),
        ("cut short", |gate| fs::write(gate, &fs::read(gate).unwrap()[..700]).unwrap()),
        ("empty", |gate| fs::write(gate, "").unwrap()),
        ("damaged", |gate| fs::write(gate, fs::read_to_string(gate).unwrap().replace("run", "rum")).unwrap()),
        ("newer", |gate| {
            let newer = fs::read_to_string(gate).unwrap().replace("failstop.gate/1", "failstop.gate/2");
            fs::write(gate, newer).unwrap();
        }),
    ];
    for (how, spoil) in spoil {
        let home = TempDir::new().unwrap();
        let path = home.path().join("failstop.db");
        drop(open(&path));
        spoil(&home.path().join("failstop.db.gate"));
        let ledger = open(&path);
        let engine = engine(&ledger, keyed(|_| {}), from_fn(|_| std::future::ready(Answer::applied())));
        let denied = run(&engine, "k").await;
        assert_eq!(denied.conclusion.reason_code, Some(ReasonCode::GateUnreadable), "{how}");
        assert!(denied.conclusion.fail_closed, "{how}");
        assert!(events(&path, "started").is_empty(), "{how}");
    }
}
