//! A stop from outside: it reaches what is in flight, orphans too, and says the truth about each.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::mpsc,
};

use decision_schema::Action;
use failstop::{
    core::{
        model::{ReasonCode, Stopped as AttemptStopped},
        stop::{Level, Scope},
    },
    executor::{
        Answer, Executor, Urgency, blocking,
        command::{CommandExecutor, CommandSpec},
        from_fn,
    },
};
use failstop_sqlite::{
    gate_file::ReleaseRefused,
    stop::{Reach, ReleaseOrder, StopOrder, Stopped, release, stop},
};
use parking_lot::Mutex;
use tempfile::TempDir;
use tokio::sync::oneshot;

use crate::support::{engine, keyed, open, run};

fn order(scope: Scope, level: Level, grace_ms: u64) -> StopOrder {
    StopOrder { scope, level, reason: "a test".to_owned(), grace_ms }
}

async fn stop_beside(path: &Path, order: StopOrder) -> Stopped {
    stop_watched(path, order, |_| {}).await
}

/// A stop whose `progress` is told how many still run, once it has looked.
async fn stop_watched(
    path: &Path,
    order: StopOrder,
    progress: impl FnMut(usize) + Send + 'static,
) -> Stopped {
    let path = path.to_owned();
    tokio::task::spawn_blocking(move || stop(&path, &order, progress).unwrap()).await.unwrap()
}

/// An executor that ends only when it was told to stop and the stop has seen it; word of its call, and what lets it end.
/// Who ends at once may have ended before the stop looks.
fn ending_when_seen() -> (impl Executor + 'static, oneshot::Receiver<()>, oneshot::Sender<()>) {
    let (entered, is_entered) = oneshot::channel();
    let (seen, is_seen) = oneshot::channel();
    let strings = Mutex::new(Some((entered, is_seen)));
    let executor = from_fn(move |attempt| {
        let (cancel, strings) = (attempt.cancel(), strings.lock().take());
        async move {
            if let Some((entered, is_seen)) = strings {
                let _ = entered.send(());
                cancel.at_least(Urgency::Signal).await;
                let _ = is_seen.await;
            }
            Answer::unknown()
        }
    });
    (executor, is_entered, seen)
}

fn reaches(stopped: &Stopped) -> Vec<Reach> {
    stopped.executions.as_ref().unwrap().iter().map(|one| one.reach).collect()
}

#[tokio::test]
async fn inv_exe_4_an_attempt_in_flight_is_reached_and_confirmed() {
    let home = TempDir::new().unwrap();
    let path = home.path().join("failstop.db");
    let ledger = open(&path);
    let (executor, is_entered, seen) = ending_when_seen();
    let engine = engine(&ledger, keyed(|spec| spec.timeout.grace_ms = 600_000), executor);
    let stop = async {
        is_entered.await.unwrap();
        let elsewhere = stop_beside(&path, order(Scope::Action(Action::Exit), Level::Stop, 2_000)).await;
        assert_eq!(elsewhere.executions, Some(vec![]), "another action is none of its business");
        let mut seen = Some(seen);
        let let_go = move |running| {
            assert_eq!(running, 1);
            let _ = seen.take().map(|seen| seen.send(()));
        };
        stop_watched(&path, order(Scope::Global, Level::Stop, 600_000), let_go).await
    };
    let (report, stopped) = tokio::join!(run(&engine, "k"), stop);
    assert_eq!(report.conclusion.reason_code, Some(ReasonCode::StoppedInFlight));
    assert_eq!(report.attempts[0].stopped, Some(AttemptStopped::Confirmed));
    assert_eq!((reaches(&stopped), stopped.owners), (vec![Reach::Confirmed], Some(1)));
    assert!(stopped.is_confirmed() && stopped.has_changed && stopped.is_recorded);
    let again = stop_beside(&path, order(Scope::Global, Level::Stop, 10)).await;
    assert_eq!((again.epoch, again.has_changed), (stopped.epoch, false));
}

#[tokio::test]
async fn nothing_to_reach_is_said_to_be_nothing() {
    let home = TempDir::new().unwrap();
    let path = home.path().join("failstop.db");
    drop(open(&path));
    let stopped = stop_beside(&path, order(Scope::Global, Level::Halt, 10)).await;
    assert_eq!((stopped.owners, stopped.executions.as_deref()), (Some(0), Some([].as_slice())));
    assert!(stopped.is_confirmed() && stopped.is_recorded);
    assert!(stop(&home.path().join("none.db"), &order(Scope::Global, Level::Stop, 10), |_| {}).is_err());
}

#[tokio::test]
async fn what_does_not_end_is_unconfirmed() {
    let home = TempDir::new().unwrap();
    let path = home.path().join("failstop.db");
    let ledger = open(&path);
    let (let_go, held) = mpsc::channel::<()>();
    let held = Mutex::new(held);
    let (entered, is_entered) = oneshot::channel::<()>();
    let entered = Mutex::new(Some(entered));
    let hung = blocking(move |_| {
        let _ = entered.lock().take().map(|entered| entered.send(()));
        let _ = held.lock().recv();
        Answer::applied()
    });
    let engine = engine(&ledger, keyed(|spec| spec.timeout.grace_ms = 50), hung);
    let stop = async {
        is_entered.await.unwrap();
        stop_beside(&path, order(Scope::Global, Level::Stop, 10)).await
    };
    let (report, stopped) = tokio::join!(run(&engine, "k"), stop);
    assert_eq!(report.attempts[0].stopped, Some(AttemptStopped::Unconfirmed));
    assert!(!stopped.is_confirmed());
    // Its owner has given it up and said so by now, however late it heard of the stop.
    let stopped = stop_beside(&path, order(Scope::Global, Level::Stop, 10)).await;
    assert_eq!(reaches(&stopped), [Reach::Unconfirmed]);
    assert!(!stopped.is_confirmed());
    drop(let_go);
}

#[tokio::test]
async fn a_ledger_that_cannot_be_read_is_stopped_all_the_same() {
    let home = TempDir::new().unwrap();
    let path = home.path().join("failstop.db");
    drop(open(&path));
    fs::write(&path, "no ledger any more").unwrap();
    let stopped = stop_beside(&path, order(Scope::Global, Level::Stop, 10)).await;
    assert!(stopped.has_changed && stopped.is_acknowledged && !stopped.is_confirmed());
    assert_eq!(stopped.executions, None);
}

/// Names the directory to the part of the test that runs in a process of its own.
const DIRECTORY: &str = "FAILSTOP_TEST_STOP";

/// A program under the lock of its attempt, in a session of its own as well.
#[test]
#[ignore = "other tests run it in a process of its own"]
fn actor_with_a_program() {
    let Some(home) = std::env::var_os(DIRECTORY).map(PathBuf::from) else { return };
    let ledger = open(&home.join("failstop.db"));
    let mut spec = CommandSpec::new("act", "/bin/sh");
    let script = "setsid sh -c 'touch started; while [ -e started ]; do sleep 0.05; done' & \
         while [ -e failstop.db ]; do sleep 0.05; done";
    spec.args = vec!["-c".to_owned(), script.to_owned()];
    spec.cwd = Some(home);
    let engine = engine(&ledger, keyed(|_| {}), CommandExecutor::new(spec));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(run(&engine, "k"));
}

struct Actor(Child);

impl Drop for Actor {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test]
async fn inv_exe_4_an_orphan_is_reached_by_its_lock_wherever_it_went() {
    let home = TempDir::new().unwrap();
    let path = home.path().join("failstop.db");
    {
        let _actor = Actor(
            Command::new(std::env::current_exe().unwrap())
                .args(["stop::actor_with_a_program", "--exact", "--ignored"])
                .env(DIRECTORY, home.path())
                // A pipe that nobody reads on would end it when it says something.
                .stdout(Stdio::null())
                .spawn()
                .unwrap(),
        );
        while !home.path().join("started").exists() {
            tokio::task::yield_now().await;
        }
    }
    let stopped = stop_beside(&path, order(Scope::Global, Level::Stop, 60_000)).await;
    let executions = stopped.executions.as_ref().unwrap();
    assert!(executions[0].is_orphan && stopped.owners == Some(0));
    assert_eq!(reaches(&stopped), [Reach::Confirmed]);
}

#[tokio::test]
async fn a_release_wants_the_epoch_and_a_reason_and_is_announced_before_it_takes_effect() {
    let home = TempDir::new().unwrap();
    let path = home.path().join("failstop.db");
    drop(open(&path));
    let release_at = |expected_epoch, reason: &str| {
        let (who, reason) = ("ada".to_owned(), reason.to_owned());
        let order = ReleaseOrder { scope: Scope::Global, expected_epoch, who, reason };
        release(&path, &order)
    };
    assert_eq!(release_at(1, "too early"), Err(ReleaseRefused::NotEngaged { scope: Scope::Global }.into()));
    let stopped = stop_beside(&path, order(Scope::Global, Level::Stop, 10)).await;
    assert_eq!(release_at(stopped.epoch, " "), Err(ReleaseRefused::ReasonMissing.into()));
    let mismatch = ReleaseRefused::EpochMismatch { expected: 1, actual: stopped.epoch };
    assert_eq!(release_at(1, "stale"), Err(mismatch.into()));
    let released = release_at(stopped.epoch, "repaired").unwrap();
    assert!(released > stopped.epoch);

    let connection = rusqlite::Connection::open(&path).unwrap();
    let sql = "SELECT kind, gate_epoch FROM events WHERE kind IN ('gate', 'release') ORDER BY seq";
    let mut statement = connection.prepare(sql).unwrap();
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    let told: Vec<(String, u64)> = rows.map(Result::unwrap).collect();
    let gate = |epoch| ("gate".to_owned(), epoch);
    assert_eq!(told, [gate(stopped.epoch), ("release".to_owned(), stopped.epoch), gate(released)]);
    let ledger = open(&path);
    let engine = engine(&ledger, keyed(|_| {}), from_fn(|_| std::future::ready(Answer::applied())));
    assert_eq!(run(&engine, "k").await.success_count(), 1);
}
