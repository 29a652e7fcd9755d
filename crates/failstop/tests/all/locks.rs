//! Locks of owners and attempts, with real files and real processes.

use std::{
    fs,
    io::{BufRead, BufReader, ErrorKind},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use failstop::{
    executor::{
        Attempt, Executor,
        command::{CommandExecutor, CommandSpec},
    },
    locks::{AttemptState, LockDirectory, OwnerId},
};
use rustix::fs::{FlockOperation, flock};
use tempfile::TempDir;

use crate::one_attempt::{OneAttempt, eventually, until};

struct Locks {
    dir: TempDir,
    locks: LockDirectory,
}

impl Locks {
    fn new() -> Self {
        let dir = TempDir::new().unwrap();
        let locks = LockDirectory::open(&dir.path().join("db.locks")).unwrap();
        Self { dir, locks }
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join("db.locks")
    }

    fn file(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(self.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn owner(text: &str) -> OwnerId {
    text.parse().unwrap()
}

const NOBODY: &str = "00000000000000000000000000000001";

#[test]
fn an_owner_lives_until_its_lock_is_dropped_and_leaves_nothing_behind() {
    let on = Locks::new();
    let (one, two) = (on.locks.take_ownership().unwrap(), on.locks.take_ownership().unwrap());
    assert_ne!(one.id(), two.id());
    let elsewhere = LockDirectory::open(&on.path()).unwrap();
    assert!(on.locks.is_alive(one.id()).unwrap() && elsewhere.is_alive(one.id()).unwrap());
    let id = one.id();
    drop(one);
    assert!(!on.locks.is_alive(id).unwrap() && !elsewhere.is_alive(id).unwrap());
    assert!(on.locks.is_alive(two.id()).unwrap());
    assert_eq!(on.names(), [format!("owner-{}", two.id())]);
}

#[test]
fn the_living_are_listed_and_attempts_that_have_a_file() {
    let on = Locks::new();
    let (one, two) = (on.locks.take_ownership().unwrap(), on.locks.take_ownership().unwrap());
    fs::write(on.file(&format!("owner-{}", owner(NOBODY))), "").unwrap();
    fs::write(on.file("owner-x"), "").unwrap();
    let mut living = [one.id(), two.id()];
    living.sort_unstable();
    assert_eq!(on.locks.living_owners().unwrap(), living);
    let attempt = on.locks.prepare_attempt(7).unwrap();
    fs::write(on.file("attempt-9"), "").unwrap();
    assert_eq!(on.locks.attempts_with_files().unwrap(), [7, 9].into());
    drop(attempt);
    assert_eq!(on.locks.attempts_with_files().unwrap(), [9].into());
}

#[test]
fn only_the_user_may_read_the_directory_and_its_files() {
    let on = Locks::new();
    let owner = on.locks.take_ownership().unwrap();
    let _attempt = on.locks.prepare_attempt(7).unwrap();
    assert_eq!(mode(&on.path()), 0o700);
    assert_eq!(mode(&on.file(&format!("owner-{}", owner.id()))), 0o600);
    assert_eq!(mode(&on.file("attempt-7")), 0o600);
}

#[test]
fn an_owner_id_is_its_text() {
    let on = Locks::new();
    let id = on.locks.take_ownership().unwrap().id();
    assert_eq!(owner(&id.to_string()), id);
    assert_eq!(owner(NOBODY).to_string(), NOBODY);
    for text in
        ["", "1", "+0000000000000000000000000000001", &NOBODY.replace('0', "A"), &format!("{NOBODY}0")]
    {
        assert!(text.parse::<OwnerId>().is_err(), "{text}");
    }
}

#[test]
fn who_never_lived_is_not_alive_and_what_never_started_has_ended() {
    let on = Locks::new();
    assert!(!on.locks.is_alive(owner(NOBODY)).unwrap());
    assert_eq!(on.locks.attempt(1).unwrap(), AttemptState::Ended);
    on.locks.forget_attempt(1);
}

#[test]
fn an_attempt_runs_from_its_preparation_until_it_is_released() {
    let on = Locks::new();
    let attempt = on.locks.prepare_attempt(7).unwrap();
    assert_eq!(attempt.fence(), 7);
    assert_eq!(on.locks.attempt(7).unwrap(), AttemptState::Running(None));
    on.locks.forget_attempt(7);
    assert_eq!(on.locks.prepare_attempt(7).unwrap_err().kind(), ErrorKind::AlreadyExists);
    assert_eq!(on.locks.attempt(7).unwrap(), AttemptState::Running(None));
    attempt.release();
    assert_eq!(on.locks.attempt(7).unwrap(), AttemptState::Ended);
    assert!(attempt.inheritable().is_err());
    let again = on.locks.prepare_attempt(7).unwrap();
    drop(attempt);
    assert_eq!(on.locks.attempt(7).unwrap(), AttemptState::Running(None));
    drop(again);
    assert!(on.names().is_empty());
}

#[test]
fn what_the_dead_left_under_a_fence_does_not_bar_its_next_attempt() {
    let on = Locks::new();
    fs::write(on.file("attempt-7"), "1 1\n").unwrap();
    assert_eq!(on.locks.attempt(7).unwrap(), AttemptState::Ended);
    let attempt = on.locks.prepare_attempt(7).unwrap();
    assert_eq!(on.locks.attempt(7).unwrap(), AttemptState::Running(None));
    drop(attempt);
    assert!(on.names().is_empty());
}

#[test]
fn who_looks_is_not_mistaken_for_a_holder() {
    let on = Locks::new();
    fs::write(on.file("attempt-7"), "").unwrap();
    fs::write(on.file(&format!("owner-{NOBODY}")), "").unwrap();
    let lookers = ["attempt-7".to_owned(), format!("owner-{NOBODY}")].map(|name| {
        let looker = fs::File::open(on.file(&name)).unwrap();
        flock(&looker, FlockOperation::NonBlockingLockShared).unwrap();
        looker
    });
    assert_eq!(on.locks.attempt(7).unwrap(), AttemptState::Ended);
    assert!(!on.locks.is_alive(owner(NOBODY)).unwrap());
    let attempt = on.locks.prepare_attempt(7).unwrap();
    assert_eq!((on.locks.sweep().unwrap(), on.names()), (1, vec!["attempt-7".to_owned()]));
    drop((lookers, attempt));
}

#[test]
fn a_sweep_removes_what_is_free_and_nothing_else() {
    let on = Locks::new();
    let (alive, attempt) = (on.locks.take_ownership().unwrap(), on.locks.prepare_attempt(1).unwrap());
    for name in [&format!("owner-{NOBODY}"), "attempt-2", "new-3", "a-stranger"] {
        fs::write(on.file(name), "").unwrap();
    }
    assert_eq!(on.locks.sweep().unwrap(), 3);
    assert_eq!(on.names(), ["a-stranger", "attempt-1", &format!("owner-{}", alive.id())]);
    assert_eq!(on.locks.sweep().unwrap(), 0);
    drop(attempt);
}

#[test]
fn no_sweep_ever_takes_a_lock_from_under_its_taker() {
    const ROUNDS: u64 = 300;
    let (on, is_over) = (Locks::new(), AtomicBool::new(false));
    let take = |first: u64| {
        let elsewhere = LockDirectory::open(&on.path()).unwrap();
        for fence in (first..).step_by(2).take(usize::try_from(ROUNDS).unwrap()) {
            let (owner, attempt) =
                (on.locks.take_ownership().unwrap(), on.locks.prepare_attempt(fence).unwrap());
            assert!(elsewhere.is_alive(owner.id()).unwrap());
            assert_eq!(elsewhere.attempt(fence).unwrap(), AttemptState::Running(None));
            drop(attempt);
            // What the dead leave is taken by the sweep or by who takes the name again, and by one of them only.
            fs::write(on.file(&format!("attempt-{fence}")), "").unwrap();
            let again = on.locks.prepare_attempt(fence).unwrap();
            assert_eq!(elsewhere.attempt(fence).unwrap(), AttemptState::Running(None));
            drop(again);
        }
    };
    thread::scope(|scope| {
        let sweeper = scope.spawn(|| {
            let elsewhere = LockDirectory::open(&on.path()).unwrap();
            while !is_over.load(Ordering::Relaxed) {
                elsewhere.sweep().unwrap();
            }
        });
        let takers = [0, 1].map(|first| scope.spawn(move || take(first)));
        let taken = takers.map(thread::ScopedJoinHandle::join);
        is_over.store(true, Ordering::Relaxed);
        sweeper.join().unwrap();
        assert!(taken.iter().all(Result::is_ok));
    });
}

#[test]
fn a_directory_that_was_moved_or_removed_makes_nobody_dead() {
    let on = Locks::new();
    let owner = on.locks.take_ownership().unwrap();
    let id = owner.id();
    let moved = on.dir.path().join("moved");
    fs::rename(on.path(), &moved).unwrap();
    assert!(on.locks.is_alive(id).unwrap(), "it is still held where it is");
    let replaced = LockDirectory::open(&on.path()).unwrap();
    fs::remove_dir(on.path()).unwrap();
    assert!(replaced.is_alive(id).is_err() && replaced.attempt(1).is_err());
    fs::create_dir(on.path()).unwrap();
    assert!(replaced.is_alive(id).is_err() && on.locks.attempt(1).is_err());
    assert!(replaced.prepare_attempt(1).is_err());
}

#[test]
fn what_is_no_directory_is_refused() {
    let dir = TempDir::new().unwrap();
    let (file, link) = (dir.path().join("file"), dir.path().join("link"));
    fs::write(&file, "").unwrap();
    std::os::unix::fs::symlink(dir.path(), &link).unwrap();
    for path in [file, link, dir.path().join("missing").join("db.locks")] {
        assert!(LockDirectory::open(&path).is_err(), "{path:?}");
    }
}

#[test]
fn a_lock_that_cannot_be_looked_at_is_an_error_and_not_a_death() {
    let on = Locks::new();
    std::os::unix::fs::symlink("attempt-8", on.file("attempt-7")).unwrap();
    assert!(on.locks.attempt(7).is_err());
}

/// Names the directory of locks to the part of the test that runs in a process of its own.
const DIRECTORY: &str = "FAILSTOP_TEST_LOCKS";

/// This test binary once more, in a process that runs just the test of this name.
struct Actor {
    process: Child,
}

impl Actor {
    fn start(test: &str, on: &Locks) -> (Self, String) {
        let mut process = Command::new(std::env::current_exe().unwrap())
            .args([test, "--exact", "--ignored", "--nocapture"])
            .env(DIRECTORY, on.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let says = lines.find_map(|line| line.unwrap().strip_prefix("says: ").map(str::to_owned)).unwrap();
        (Self { process }, says)
    }

    fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

impl Drop for Actor {
    fn drop(&mut self) {
        self.kill();
    }
}

/// What a test says before it does nothing any more until it is killed.
#[expect(clippy::print_stdout, reason = "it is how the process speaks to the one that started it")]
fn say_and_hang(words: &str) {
    println!("\nsays: {words}");
    let _ = std::io::stdin().read_line(&mut String::new());
}

fn directory_of_actor() -> Option<LockDirectory> {
    Some(LockDirectory::open(Path::new(&std::env::var_os(DIRECTORY)?)).unwrap())
}

#[test]
#[ignore = "other tests run it in a process of its own"]
fn actor_that_is_an_owner() {
    let Some(locks) = directory_of_actor() else { return };
    let (owner, _attempt) = (locks.take_ownership().unwrap(), locks.prepare_attempt(7).unwrap());
    say_and_hang(&owner.id().to_string());
}

#[test]
fn an_owner_in_another_process_lives_until_it_is_killed() {
    let on = Locks::new();
    let (mut actor, id) = Actor::start("locks::actor_that_is_an_owner", &on);
    assert!(on.locks.is_alive(owner(&id)).unwrap());
    assert_eq!(on.locks.attempt(7).unwrap(), AttemptState::Running(None));
    assert_eq!(on.locks.sweep().unwrap(), 0);
    actor.kill();
    assert!(!on.locks.is_alive(owner(&id)).unwrap());
    assert_eq!(on.locks.attempt(7).unwrap(), AttemptState::Ended);
    assert_eq!(on.locks.sweep().unwrap(), 2);
}

/// Ends when the file `go` is there, or its directory is not.
const UNTIL_GO: &str = "while [ -e started ] && [ ! -e go ]; do sleep 0.01; done";

/// Starts a program with the lock of attempt 7, and hangs with it.
fn start_and_hang(script: &str) {
    let Some(locks) = directory_of_actor() else { return };
    let dir = PathBuf::from(std::env::var_os(DIRECTORY).unwrap()).parent().unwrap().to_owned();
    let (owner, lock, one) =
        (locks.take_ownership().unwrap(), locks.prepare_attempt(7).unwrap(), OneAttempt::new());
    let mut spec = CommandSpec::new("act", "/bin/sh");
    spec.args = vec!["-c".to_owned(), script.to_owned()];
    spec.cwd = Some(dir.clone());
    let executor = CommandExecutor::new(spec);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut running = Box::pin(executor.run(Attempt { lock: Some(&lock), ..one.attempt() }));
    runtime.block_on(until(|| dir.join("started").exists(), running.as_mut()));
    say_and_hang(&owner.id().to_string());
}

#[test]
#[ignore = "other tests run it in a process of its own"]
fn actor_with_a_program() {
    start_and_hang(&format!("touch started; {UNTIL_GO}"));
}

#[test]
#[ignore = "other tests run it in a process of its own"]
fn actor_with_a_program_that_leaves_a_stranger() {
    start_and_hang(&format!(
        "setsid sh -c 'touch started; {UNTIL_GO}' & while [ -e db.locks ] && [ ! -e started ]; do sleep 0.01; done"
    ));
}

async fn an_orphan_runs_until_its_own_end(actor: &str) {
    let on = Locks::new();
    let (mut actor, id) = Actor::start(actor, &on);
    actor.kill();
    assert!(!on.locks.is_alive(owner(&id)).unwrap());
    assert!(matches!(on.locks.attempt(7).unwrap(), AttemptState::Running(Some(_))));
    assert_eq!(on.locks.sweep().unwrap(), 1);
    assert_eq!(on.locks.prepare_attempt(7).unwrap_err().kind(), ErrorKind::AlreadyExists);
    fs::write(on.dir.path().join("go"), "").unwrap();
    eventually(|| on.locks.attempt(7).unwrap() == AttemptState::Ended).await;
    assert_eq!((on.locks.sweep().unwrap(), on.names().len()), (1, 0));
}

#[tokio::test]
async fn an_orphan_keeps_its_attempt_running_when_its_owner_is_dead() {
    an_orphan_runs_until_its_own_end("locks::actor_with_a_program").await;
}

#[tokio::test]
async fn an_orphan_in_a_session_of_its_own_does_so_too() {
    an_orphan_runs_until_its_own_end("locks::actor_with_a_program_that_leaves_a_stranger").await;
}
