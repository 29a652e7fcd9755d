//! Real programs: what their ends mean, and that nothing of them outlives their attempt.

use std::{
    cell::Cell,
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    pin::pin,
    sync::mpsc,
};

use decision_schema::{Object, Value, json};
use execution_orchestration_core::model::Effect;
use failstop::{
    executor::{
        Answer, AnyExecutor, Attempt, Executor, Urgency,
        command::{CommandExecutor, CommandSpec},
        noop::Noop,
    },
    locks::{AttemptLock, AttemptState, LockDirectory, ProcessGroup},
};
use tempfile::TempDir;

use crate::one_attempt::{OneAttempt, answer_of, answer_to, eventually, in_time, until};

/// A program that runs this shell script, in an empty directory of its own.
struct Script {
    dir: TempDir,
    spec: CommandSpec,
}

impl Script {
    fn new(script: &str) -> Self {
        let dir = TempDir::new().unwrap();
        let mut spec = CommandSpec::new("act", "/bin/sh");
        spec.args = vec!["-c".to_owned(), script.to_owned()];
        spec.cwd = Some(dir.path().to_owned());
        Self { dir, spec }
    }

    fn executor(&self) -> CommandExecutor {
        CommandExecutor::new(self.spec.clone())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn exists(&self, name: &str) -> bool {
        self.path(name).exists()
    }

    /// The process numbers that the script wrote into this file, a line each.
    fn pids(&self, name: &str) -> Vec<u32> {
        let text = fs::read_to_string(self.path(name)).unwrap_or_default();
        text.lines().map(|line| line.trim().parse().unwrap()).collect()
    }
}

/// Whether that process still runs; a zombie does not.
fn is_running(pid: u32) -> bool {
    fs::read_to_string(format!("/proc/{pid}/stat"))
        .is_ok_and(|stat| !stat.rsplit(')').next().unwrap_or_default().trim_start().starts_with(['Z', 'X']))
}

fn code(answer: &Answer) -> Option<&str> {
    answer.error_code.as_deref()
}

fn object(text: &str) -> Object {
    json::parse(text.as_bytes()).unwrap().as_object().unwrap().clone()
}

#[tokio::test]
async fn the_exit_decides_where_nothing_is_answered() {
    for (script, effect, error_code) in [
        ("exit 0", Effect::Applied, None),
        ("exit 75", Effect::NotApplied, Some("exit_75")),
        ("exit 1", Effect::Unknown, Some("exit_1")),
        ("exit 126", Effect::Unknown, Some("exit_126")),
        ("exit 20", Effect::Rejected, Some("exit_20")),
        ("exit 21", Effect::NotApplied, Some("exit_21")),
        ("exit 22", Effect::Applied, Some("exit_22")),
        ("kill -TERM $$", Effect::Unknown, Some("signal_15")),
        ("kill -KILL $$", Effect::Unknown, Some("signal_9")),
        ("echo hello; exit 0", Effect::Applied, None),
        ("echo '{\"effect\":\"rejected\"' ; exit 0", Effect::Applied, None),
        ("echo '{\"effect\":\"done\"}'; exit 0", Effect::Applied, None),
        ("echo '{\"effect\":\"rejected\"}{}'; exit 1", Effect::Unknown, Some("exit_1")),
        ("echo '[{\"effect\":\"rejected\"}]'; exit 75", Effect::NotApplied, Some("exit_75")),
    ] {
        let mut program = Script::new(script);
        program.spec.exit_effects =
            [(20, Effect::Rejected), (21, Effect::NotApplied), (22, Effect::Applied)].into();
        let answer = answer_of(&program.executor()).await;
        assert_eq!((answer.effect, code(&answer)), (effect, error_code), "{script}");
        assert_eq!((answer.output, answer.retry_after_ms, answer.broke), (None, None, false), "{script}");
    }
}

#[tokio::test]
async fn an_answer_counts_as_far_as_the_exit_agrees() {
    for (claimed, exit, effect, error_code) in [
        ("applied", 0, Effect::Applied, None),
        ("applied", 1, Effect::Applied, Some("exit_1")),
        ("applied", 75, Effect::Applied, Some("exit_75")),
        ("unknown", 0, Effect::Unknown, None),
        ("unknown", 75, Effect::Unknown, Some("exit_75")),
        ("unknown", 20, Effect::Unknown, Some("exit_20")),
        ("not_applied", 0, Effect::NotApplied, None),
        ("not_applied", 75, Effect::NotApplied, Some("exit_75")),
        ("not_applied", 1, Effect::Unknown, Some("exit_1")),
        ("not_applied", 20, Effect::Rejected, Some("exit_20")),
        ("rejected", 0, Effect::Rejected, None),
        ("rejected", 20, Effect::Rejected, Some("exit_20")),
        ("rejected", 1, Effect::Unknown, Some("exit_1")),
        ("rejected", 75, Effect::NotApplied, Some("exit_75")),
    ] {
        let mut program = Script::new(&format!("echo '{{\"effect\":\"{claimed}\"}}'; exit {exit}"));
        program.spec.exit_effects = [(20, Effect::Rejected)].into();
        let answer = answer_of(&program.executor()).await;
        assert_eq!((answer.effect, code(&answer)), (effect, error_code), "{claimed}, exit {exit}");
    }
}

#[tokio::test]
async fn an_answer_of_a_program_that_a_signal_killed_does_not_count() {
    let program = Script::new("echo '{\"effect\":\"applied\",\"output\":1}'; kill -KILL $$");
    let answer = answer_of(&program.executor()).await;
    assert_eq!(
        (answer.effect, answer.error_code.as_deref(), &answer.output),
        (Effect::Unknown, Some("signal_9"), &None)
    );
}

#[tokio::test]
async fn an_answer_brings_its_code_its_hint_and_its_output() {
    let program = Script::new(
        r#"echo ' {"effect":"not_applied","error_code":"busy","retry_after_ms":1500,"output":{"a":[1]},"more":1} '"#,
    );
    let answer = answer_of(&program.executor()).await;
    assert_eq!(
        (answer.effect, code(&answer), answer.retry_after_ms),
        (Effect::NotApplied, Some("busy"), Some(1500))
    );
    assert_eq!(answer.output, Some(Value::Object(object(r#"{"a":[1]}"#))));
}

#[tokio::test]
async fn unfit_members_of_an_answer_are_as_good_as_absent() {
    let program =
        Script::new(r#"echo '{"effect":"rejected","error_code":4,"retry_after_ms":-1,"output":null}'"#);
    assert_eq!(answer_of(&program.executor()).await, Answer::rejected());
}

#[tokio::test]
async fn a_program_that_cannot_be_started_is_rejected() {
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, "#!/bin/sh\nexit 0\n").unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    let with_cwd =
        |cwd: &Path| CommandSpec { cwd: Some(cwd.to_owned()), ..CommandSpec::new("act", "/bin/true") };
    let mut with_nul = CommandSpec::new("act", "/bin/true");
    with_nul.args.push("a\0b".to_owned());
    for (spec, error_code) in [
        (CommandSpec::new("act", dir.path().join("missing")), "program_not_found"),
        (CommandSpec::new("act", "no-such-program-anywhere"), "program_not_found"),
        (CommandSpec::new("act", &file), "program_not_executable"),
        (CommandSpec::new("act", dir.path()), "program_not_executable"),
        (with_cwd(&dir.path().join("missing")), "cwd_not_found"),
        (with_cwd(&file), "cwd_not_found"),
        (with_nul, "program_arguments_unfit"),
    ] {
        let one = OneAttempt::new();
        let answer = answer_to(&CommandExecutor::new(spec), &one).await;
        assert_eq!((answer.effect, code(&answer)), (Effect::Rejected, Some(error_code)));
        assert!(!one.control.is_held());
    }
}

#[tokio::test]
async fn the_request_is_the_whole_object_and_absent_is_null() {
    let program = Script::new("cat > request");
    let mut one = OneAttempt::with_params(object(r#"{"a":"\u0001\"x","big":18446744073709551615,"f":1.0}"#));
    one.context = object(r#"{"now_ms":1}"#);
    one.attempt_number = 2;
    assert_eq!(answer_to(&program.executor(), &one).await, Answer::applied());
    assert_eq!(
        fs::read_to_string(program.path("request")).unwrap(),
        concat!(
            r#"{"action":"ACT","params":{"a":"\u0001\"x","big":18446744073709551615,"f":1.0},"context":{"now_ms":1},"#,
            r#""run_id":"run-1","step":7,"tenant":null,"attempt_number":2,"idempotency_key":"key-1","fence":41,"#,
            r#""deadline_ms":1750000005000,"timeout_ms":5000}"#
        )
    );
}

#[tokio::test]
async fn a_huge_request_arrives_whole() {
    let program = Script::new("cat > request");
    let text = "x".repeat(900 * 1024);
    let one = OneAttempt::with_params([("text", text.as_str())].into_iter().collect());
    assert_eq!(answer_to(&program.executor(), &one).await, Answer::applied());
    let request = json::parse(&fs::read(program.path("request")).unwrap()).unwrap();
    assert_eq!(
        request.get("params").and_then(|params| params.get("text")).and_then(Value::as_str),
        Some(&*text)
    );
}

#[tokio::test]
async fn a_program_that_never_reads_its_request_is_not_held_up() {
    let one = OneAttempt::with_params([("text", "x".repeat(900 * 1024))].into_iter().collect());
    assert_eq!(answer_to(&Script::new("exit 0").executor(), &one).await, Answer::applied());
}

#[tokio::test]
async fn huge_output_does_not_block_the_program_and_a_cut_answer_does_not_count() {
    let program = Script::new(
        "echo '{\"effect\":\"rejected\"}'; head -c 10485760 /dev/zero | tr '\\0' ' '; \
         head -c 10485760 /dev/zero >&2; touch finished",
    );
    assert_eq!(answer_of(&program.executor()).await, Answer::applied());
    assert!(program.exists("finished"));
}

#[tokio::test]
async fn the_environment_is_clean_but_for_what_is_named() {
    assert!(std::env::var_os("CARGO_MANIFEST_DIR").is_some(), "cargo sets this for its tests");
    let mut program = Script::new("env > env");
    program.spec.env = vec![("TOKEN".to_owned(), "t0p".into()), ("LANG".to_owned(), "C".into())];
    assert_eq!(answer_of(&program.executor()).await, Answer::applied());
    let env = fs::read_to_string(program.path("env")).unwrap();
    assert!(!env.contains("CARGO"), "{env}");
    assert!(env.contains("TOKEN=t0p\n") && env.contains("LANG=C\n") && env.contains("PATH="), "{env}");

    program.spec.inherit_env = vec!["CARGO_MANIFEST_DIR".to_owned(), "NO_SUCH_VARIABLE".to_owned()];
    assert_eq!(answer_of(&program.executor()).await, Answer::applied());
    let env = fs::read_to_string(program.path("env")).unwrap();
    assert!(env.contains("CARGO_MANIFEST_DIR=") && !env.contains("HOME="), "{env}");
}

/// Starts two descendants that, like itself, ignore TERM but note it; each writes down its number.
const DEAF: &str = "trap 'touch termed' TERM; \
    for n in 1 2; do sh -c 'trap \"\" TERM; echo $$ >> pids; while :; do sleep 0.01; done' & done; \
    echo $$ >> pids; while :; do sleep 0.01; done";

#[tokio::test]
async fn a_group_that_ignores_term_is_fully_gone_after_the_kill() {
    let program = Script::new(DEAF);
    let (executor, one) = (program.executor(), OneAttempt::new());
    let mut running = pin!(executor.run(one.attempt()));
    until(|| program.pids("pids").len() == 3, running.as_mut()).await;
    assert!(one.control.is_listening() && one.control.is_held());

    one.control.raise(Urgency::Signal);
    until(|| program.exists("termed"), running.as_mut()).await;
    let pids = program.pids("pids");
    assert!(pids.iter().all(|pid| is_running(*pid)));

    one.control.raise(Urgency::Kill);
    let answer = in_time(running).await;
    assert_eq!((answer.effect, code(&answer)), (Effect::Unknown, Some("stopped")));
    assert!(!one.control.is_held());
    assert!(!pids.iter().any(|pid| is_running(*pid)));
}

#[tokio::test]
async fn a_program_that_obeys_term_needs_no_kill_and_its_late_answer_does_not_count() {
    let program = Script::new(
        "trap 'echo \"{\\\"effect\\\":\\\"applied\\\"}\"; exit 0' TERM; touch ready; while :; do sleep 0.01; done",
    );
    let (executor, one) = (program.executor(), OneAttempt::new());
    let mut running = pin!(executor.run(one.attempt()));
    until(|| program.exists("ready"), running.as_mut()).await;
    one.control.raise(Urgency::Signal);
    assert_eq!(in_time(running).await, Answer::unknown().with_code("stopped"));
    assert!(!one.control.is_held());
}

#[tokio::test]
async fn a_halt_kills_at_once() {
    let program = Script::new(DEAF);
    let (executor, one) = (program.executor(), OneAttempt::new());
    let mut running = pin!(executor.run(one.attempt()));
    until(|| program.pids("pids").len() == 3, running.as_mut()).await;
    one.control.raise(Urgency::Kill);
    assert_eq!(in_time(running).await, Answer::unknown().with_code("stopped"));
    assert!(!program.pids("pids").into_iter().any(is_running));
}

/// Ends at once, but for a descendant that lives until the file `go` is there.
const LEAVES_A_CHILD: &str = "echo $$ > leader; \
    sh -c 'echo $$ > child; exec >&- 2>&-; while [ ! -e go ]; do sleep 0.01; done; touch gone' & \
    while [ ! -s child ]; do sleep 0.01; done; echo '{\"effect\":\"applied\",\"output\":5}'";

fn only_the_child_runs(program: &Script) -> bool {
    let (leader, child) = (program.pids("leader"), program.pids("child"));
    leader.len() == 1 && child.len() == 1 && !is_running(leader[0]) && is_running(child[0])
}

#[tokio::test]
async fn an_attempt_runs_until_the_last_descendant_has_ended() {
    let program = Script::new(LEAVES_A_CHILD);
    let (executor, one) = (program.executor(), OneAttempt::new());
    let mut running = pin!(executor.run(one.attempt()));
    until(|| only_the_child_runs(&program), running.as_mut()).await;
    assert!(one.control.is_held());
    fs::write(program.path("go"), "").unwrap();
    assert_eq!(in_time(running).await, Answer::applied().with_output(Value::from(5)));
    assert!(program.exists("gone") && !one.control.is_held());
}

#[tokio::test]
async fn a_descendant_that_outlives_the_leader_is_stopped_with_its_attempt() {
    let program = Script::new(LEAVES_A_CHILD);
    let (executor, one) = (program.executor(), OneAttempt::new());
    let mut running = pin!(executor.run(one.attempt()));
    until(|| only_the_child_runs(&program), running.as_mut()).await;
    one.control.raise(Urgency::Signal);
    assert_eq!(in_time(running).await, Answer::unknown().with_code("stopped"));
    assert!(!is_running(program.pids("child")[0]) && !program.exists("gone"));
}

#[tokio::test]
async fn dropping_an_attempt_kills_all_of_it_and_lets_go_only_then() {
    let program = Script::new(DEAF);
    let (executor, one) = (program.executor(), OneAttempt::new());
    {
        let mut running = pin!(executor.run(one.attempt()));
        until(|| program.pids("pids").len() == 3, running.as_mut()).await;
    }
    let pids = program.pids("pids");
    let (sender, ended) = mpsc::channel();
    one.control.when_ended(move || {
        let running: Vec<u32> = pids.into_iter().filter(|pid| is_running(*pid)).collect();
        sender.send(running).unwrap();
    });
    assert_eq!(ended.recv_timeout(std::time::Duration::from_secs(30)), Ok(vec![]));
}

#[test]
fn an_attempt_that_outlives_its_runtime_is_killed_all_the_same() {
    let program = Script::new(DEAF);
    let (executor, one) = (program.executor(), OneAttempt::new());
    let mut running = Box::pin(executor.run(one.attempt()));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(until(|| program.pids("pids").len() == 3, running.as_mut()));
    drop(runtime);
    drop(running);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(eventually(|| !one.control.is_held()));
    assert!(!program.pids("pids").into_iter().any(is_running));
}

/// The zombie's parent leaves the group and never reaps it, as an init that does not care would.
#[tokio::test]
async fn a_zombie_that_nobody_reaps_does_not_count_as_running() {
    let program = Script::new(
        "mkfifo go; sh -c 'sh -c \"echo \\$\\$ > zombie\" & exec setsid cat go > /dev/null 2>&1' & \
         while [ ! -s zombie ]; do sleep 0.01; done",
    );
    assert_eq!(answer_of(&program.executor()).await, Answer::applied());
    let zombie = program.pids("zombie")[0];
    assert!(Path::new(&format!("/proc/{zombie}")).exists() && !is_running(zombie));
    fs::write(program.path("go"), "").unwrap();
}

#[tokio::test]
async fn one_who_left_the_group_cannot_hold_up_the_answer() {
    let program = Script::new(
        "setsid sh -c 'echo $$ > escaped; while [ ! -e go ]; do sleep 0.01; done' & \
         while [ ! -s escaped ]; do sleep 0.01; done; echo '{\"effect\":\"rejected\"}'",
    );
    assert_eq!(answer_of(&program.executor()).await, Answer::rejected());
    assert!(is_running(program.pids("escaped")[0]));
    fs::write(program.path("go"), "").unwrap();
    eventually(|| !is_running(program.pids("escaped")[0])).await;
}

/// A directory of locks beside the files of the script.
fn locks_of(program: &Script) -> LockDirectory {
    LockDirectory::open(&program.path("db.locks")).unwrap()
}

fn locked<'a>(one: &'a OneAttempt, lock: &'a AttemptLock) -> Attempt<'a> {
    Attempt { lock: Some(lock), ..one.attempt() }
}

fn has_ended(locks: &LockDirectory, fence: u64) -> bool {
    locks.attempt(fence).unwrap() == AttemptState::Ended
}

fn has_no_locks(program: &Script) -> bool {
    fs::read_dir(program.path("db.locks")).unwrap().next().is_none()
}

/// Field 22 of `/proc/PID/stat`, of a program whose name has neither blanks nor parentheses.
fn start_time_ticks(pid: u32) -> u64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    stat.split(' ').nth(21).unwrap().parse().unwrap()
}

#[test]
fn a_program_may_outlive_the_process() {
    assert!(Script::new("").executor().may_outlive_process());
    assert!(AnyExecutor::new(Script::new("").executor()).may_outlive_process());
    assert!(!AnyExecutor::new(Noop).may_outlive_process());
}

#[tokio::test]
async fn a_program_holds_the_lock_of_its_attempt_and_is_written_down_in_it() {
    let program = Script::new("echo $$ > pids; while [ ! -e go ]; do sleep 0.01; done");
    let (executor, one, locks) = (program.executor(), OneAttempt::new(), locks_of(&program));
    let lock = locks.prepare_attempt(41).unwrap();
    {
        let mut running = pin!(executor.run(locked(&one, &lock)));
        until(|| program.pids("pids").len() == 1, running.as_mut()).await;
        let pid = program.pids("pids")[0];
        let group = ProcessGroup { id: pid.cast_signed(), start_time_ticks: start_time_ticks(pid) };
        assert_eq!(locks.attempt(41).unwrap(), AttemptState::Running(Some(group)));
        fs::write(program.path("go"), "").unwrap();
        assert_eq!(in_time(running).await, Answer::applied());
    }
    assert!(has_ended(&locks, 41) && lock.inheritable().is_err());
    drop(lock);
    assert!(has_no_locks(&program));
}

/// Ends at once, but for a descendant that leaves the group, keeps no pipe, and lives until the file `go` is
/// there, or its directory is not.
const LETS_ONE_ESCAPE: &str = "setsid sh -c 'echo $$ > escaped; exec >&- 2>&-; while [ -e escaped ] && [ ! -e go ]; do sleep 0.01; done' & \
    echo $$ > leader; while [ ! -s escaped ] && [ -e leader ]; do sleep 0.01; done";

fn only_the_escaped_runs(program: &Script) -> bool {
    let (leader, escaped) = (program.pids("leader"), program.pids("escaped"));
    leader.len() == 1 && escaped.len() == 1 && !is_running(leader[0]) && is_running(escaped[0])
}

#[tokio::test]
async fn an_attempt_runs_until_whoever_left_its_group_has_let_go_of_the_lock() {
    let program = Script::new(LETS_ONE_ESCAPE);
    let (executor, one, locks) = (program.executor(), OneAttempt::new(), locks_of(&program));
    let lock = locks.prepare_attempt(41).unwrap();
    let mut running = pin!(executor.run(locked(&one, &lock)));
    until(|| only_the_escaped_runs(&program), running.as_mut()).await;
    assert_eq!(locks.sweep().unwrap(), 0);
    assert!(one.control.is_held() && !has_ended(&locks, 41));
    fs::write(program.path("go"), "").unwrap();
    assert_eq!(in_time(running).await, Answer::applied());
    assert!(has_ended(&locks, 41) && !one.control.is_held());
}

#[tokio::test]
async fn who_escaped_the_stop_keeps_the_attempt_running_when_it_is_given_up() {
    let program = Script::new(LETS_ONE_ESCAPE);
    let (executor, one, locks) = (program.executor(), OneAttempt::new(), locks_of(&program));
    let lock = locks.prepare_attempt(41).unwrap();
    {
        let mut running = pin!(executor.run(locked(&one, &lock)));
        until(|| only_the_escaped_runs(&program), running.as_mut()).await;
        one.control.raise(Urgency::Kill);
        let looks = Cell::new(0);
        until(|| looks.replace(looks.get() + 1) == 20, running.as_mut()).await;
    }
    drop(lock);
    assert!(one.control.is_held() && !has_ended(&locks, 41) && is_running(program.pids("escaped")[0]));
    fs::write(program.path("go"), "").unwrap();
    eventually(|| !one.control.is_held()).await;
    assert!(has_ended(&locks, 41) && has_no_locks(&program));
}

#[tokio::test]
async fn a_program_does_not_inherit_the_lock_of_another_attempt_nor_of_its_owner() {
    let program = Script::new("touch started; while [ ! -e go ]; do sleep 0.01; done");
    let (executor, one, locks) = (program.executor(), OneAttempt::new(), locks_of(&program));
    let (first, second) = (locks.prepare_attempt(1).unwrap(), locks.prepare_attempt(2).unwrap());
    let owner = locks.take_ownership().unwrap();
    // A second name for the owner's lock, so that it can be looked at when the owner has taken its own away.
    fs::hard_link(
        program.path(&format!("db.locks/owner-{}", owner.id())),
        program.path("db.locks/attempt-3"),
    )
    .unwrap();
    let mut running = pin!(executor.run(locked(&one, &second)));
    until(|| program.exists("started"), running.as_mut()).await;

    let other = Script::new("exit 0");
    assert_eq!(in_time(other.executor().run(locked(&one, &first))).await, Answer::applied());
    assert!(has_ended(&locks, 1));
    assert!(!has_ended(&locks, 3));
    drop(owner);
    until(|| has_ended(&locks, 3), running.as_mut()).await;
    assert!(!has_ended(&locks, 2));
    fs::write(program.path("go"), "").unwrap();
    in_time(running).await;
}

#[tokio::test]
async fn a_failed_start_leaves_the_lock_free() {
    let program = Script::new("");
    let (one, locks) = (OneAttempt::new(), locks_of(&program));
    let lock = locks.prepare_attempt(41).unwrap();
    let executor = CommandExecutor::new(CommandSpec::new("act", program.path("missing")));
    let answer = in_time(executor.run(locked(&one, &lock))).await;
    assert_eq!(answer, Answer::rejected().with_code("program_not_found"));
    assert!(has_ended(&locks, 41) && has_no_locks(&program));
}

#[tokio::test]
async fn no_program_starts_with_a_lock_that_is_not_held_any_more() {
    let program = Script::new("touch started");
    let (one, locks) = (OneAttempt::new(), locks_of(&program));
    let lock = locks.prepare_attempt(41).unwrap();
    lock.release();
    let answer = in_time(program.executor().run(locked(&one, &lock))).await;
    assert_eq!(answer, Answer::not_applied().with_code("spawn_failed"));
    assert!(!program.exists("started"));
}

#[test]
fn nothing_prints_arguments_or_values_of_variables() {
    let mut spec = CommandSpec::new("act", "/bin/true");
    spec.args = vec!["--token=canary-4711".to_owned()];
    spec.env = vec![("TOKEN".to_owned(), "canary-4711".into())];
    let printed = format!("{spec:?} {:#?}", CommandExecutor::new(spec.clone()));
    assert!(!printed.contains("canary") && printed.contains("TOKEN"), "{printed}");
}
