//! Whole executions with real parts: programs and HTTP servers. After each, the report is within its bound, nothing is
//! left running, and `stopped` is true.

use std::{
    cell::Cell,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use decision_schema::{Action, FinalDecision};
use failstop::{
    Engine, Request,
    core::{
        model::{ExecutionReport, ExecutionStatus, Outcome, ReasonCode, Stopped},
        policies::ExecutionPolicy,
        stop::{Level, Scope},
    },
    executor::{
        Answer, blocking,
        command::{CommandExecutor, CommandSpec},
        from_fn,
        http::{HttpExecutor, HttpSpec},
    },
    ledger::MemoryLedger,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

use crate::support::{nobody_listens, object, patient, policy, run, while_running, while_time_stands};

/// Little time, for tests that tell the time themselves.
fn brief() -> ExecutionPolicy {
    policy(|spec| {
        spec.timeout.timeout_per_action_ms = 300;
        spec.timeout.max_total_time_ms = 2000;
        spec.timeout.grace_ms = 400;
        spec.retry.max_retries = 0;
    })
}

fn program(directory: &Path, script: &str, policy: ExecutionPolicy) -> Engine {
    let path = directory.join("act.sh");
    std::fs::write(&path, script).unwrap();
    let mut spec = CommandSpec::new("command", "/bin/sh");
    spec.args = vec![path.to_str().unwrap().to_owned()];
    Engine::builder(policy)
        .ledger(Arc::new(MemoryLedger::new()))
        .executor(CommandExecutor::new(spec))
        .build()
        .unwrap()
}

fn is_within_bound(report: &ExecutionReport, policy: &ExecutionPolicy) {
    let timeout = policy.timeout();
    let bound = timeout.max_total_time_ms + timeout.grace_ms;
    assert!(report.total_latency_ms <= bound, "{} ms is more than {bound}", report.total_latency_ms);
}

/// Whether a process of this id exists that is no zombie.
fn is_alive(pid: &str) -> bool {
    std::fs::read_to_string(format!("/proc/{}/stat", pid.trim()))
        .is_ok_and(|stat| !stat.rsplit(')').next().unwrap_or_default().trim_start().starts_with('Z'))
}

/// Whether somebody has written a whole line into that file.
fn is_written(file: &Path) -> bool {
    std::fs::read_to_string(file).is_ok_and(|text| text.ends_with('\n'))
}

#[tokio::test(start_paused = true)]
async fn inv_exe_2_a_program_that_ignores_term_and_forks_is_gone_when_the_report_comes() {
    let directory = tempfile::tempdir().unwrap();
    let script = format!(
        "trap 'touch {0}/termed' TERM\nsh -c 'trap \"\" TERM; echo $$ > {0}/child; sleep 600' &\n\
         echo $$ > {0}/parent\nwhile :; do sleep 0.01; done\n",
        directory.path().display()
    );
    let policy = brief();
    let engine = program(directory.path(), &script, policy.clone());
    let files = ["parent", "child"].map(|name| directory.path().join(name));
    let time = async {
        while_time_stands(|| files.iter().all(|file| is_written(file))).await;
        tokio::time::advance(Duration::from_millis(301)).await;
        while_time_stands(|| directory.path().join("termed").exists()).await;
        // A quarter of so short a grace is kept for killing.
        tokio::time::advance(Duration::from_millis(301)).await;
        let pids = files.each_ref().map(|file| std::fs::read_to_string(file).unwrap());
        while_time_stands(|| !pids.iter().any(|pid| is_alive(pid))).await;
    };
    let (report, ()) = while_running(run(&engine, Action::Act), time).await;
    assert_eq!(report.conclusion.reason_code, Some(ReasonCode::Timeout));
    assert_eq!(report.conclusion.outcome, Outcome::Unknown);
    assert_eq!(report.attempts[0].stopped, Some(Stopped::Confirmed));
    is_within_bound(&report, &policy);
    assert_eq!(engine.abandoned(), 0);
}

#[tokio::test]
async fn inv_exe_4_a_stop_ends_a_program_and_says_so() {
    let directory = tempfile::tempdir().unwrap();
    let script = format!("echo $$ > {}/pid\nexec sleep 600\n", directory.path().display());
    let engine = program(directory.path(), &script, patient(|_| {}));
    let pid_file = directory.path().join("pid");
    let stop = async {
        while_time_stands(|| is_written(&pid_file)).await;
        engine.gate().engage(Scope::Global, Level::Stop, "drill");
    };
    let (report, ()) = while_running(run(&engine, Action::Act), stop).await;
    assert_eq!(report.conclusion.reason_code, Some(ReasonCode::StoppedInFlight));
    assert_eq!(report.attempts[0].stopped, Some(Stopped::Confirmed));
    assert!(!is_alive(&std::fs::read_to_string(&pid_file).unwrap()));
}

#[tokio::test]
async fn a_flaky_program_is_tried_again_and_its_answer_is_shown() {
    let directory = tempfile::tempdir().unwrap();
    let script = format!(
        "if [ ! -e {0}/seen ]; then : > {0}/seen; exit 75; fi\necho '{{\"effect\":\"applied\",\"output\":{{\"done\":true}}}}'\n",
        directory.path().display()
    );
    let engine = program(directory.path(), &script, patient(|spec| spec.retry.max_retries = 2));
    let report = run(&engine, Action::Act).await;
    assert_eq!(report.conclusion.status, ExecutionStatus::Success);
    assert_eq!(report.attempts.len(), 2);
    assert_eq!(report.output, Some(object([("done", true.into())]).into()));
}

/// Serves one connection as `serve` says, on a free port, for as long as the returned future is polled.
async fn serving<F, Fut>(serve: F) -> (String, impl Future<Output = ()>)
where
    F: Fn(TcpStream) -> Fut,
    Fut: Future<Output = ()>,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let accept = async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            serve(stream).await;
        }
    };
    (url, accept)
}

async fn read_request(stream: &mut TcpStream) {
    let mut seen = Vec::new();
    while !seen.windows(4).any(|window| window == b"\r\n\r\n") {
        let mut chunk = [0; 4096];
        match stream.read(&mut chunk).await {
            Ok(0) | Err(_) => return,
            Ok(read) => seen.extend_from_slice(&chunk[..read]),
        }
    }
}

async fn against<F, Fut>(policy: ExecutionPolicy, serve: F) -> ExecutionReport
where
    F: Fn(TcpStream) -> Fut,
    Fut: Future<Output = ()>,
{
    let (url, server) = serving(serve).await;
    let spec = HttpSpec { connect_timeout_ms: 60_000, ..HttpSpec::new("http", &url) };
    let executor = HttpExecutor::new(spec).unwrap();
    let engine = Engine::builder(policy.clone()).executor(executor).build().unwrap();
    let report = tokio::select! {
        biased;
        report = run(&engine, Action::Act) => report,
        () = server => unreachable!("the server runs for ever"),
    };
    is_within_bound(&report, &policy);
    assert_eq!((engine.abandoned(), engine.keys_in_progress()), (0, 0));
    report
}

/// Against a server that has read the request when `serve` begins. Until then time stands, so that the attempt cannot be
/// over before.
async fn cut_off<F, Fut>(serve: F) -> ExecutionReport
where
    F: Fn(TcpStream) -> Fut,
    Fut: Future<Output = ()>,
{
    let is_asked = Cell::new(false);
    let (asked, serve) = (&is_asked, &serve);
    let report = against(brief(), move |mut stream| async move {
        read_request(&mut stream).await;
        asked.set(true);
        serve(stream).await;
    });
    while_running(report, while_time_stands(|| is_asked.get())).await.0
}

async fn replying(policy: ExecutionPolicy, reply: &'static str) -> ExecutionReport {
    against(policy, move |mut stream| async move {
        read_request(&mut stream).await;
        let _ = stream.write_all(reply.as_bytes()).await;
    })
    .await
}

#[tokio::test(start_paused = true)]
async fn a_server_that_accepts_and_never_answers_is_cut_off() {
    let report = cut_off(|stream| async move {
        let _open = stream;
        std::future::pending::<()>().await;
    })
    .await;
    assert_eq!(report.conclusion.reason_code, Some(ReasonCode::Timeout));
    assert_eq!(report.conclusion.outcome, Outcome::Unknown);
    assert_eq!(report.attempts[0].stopped, Some(Stopped::Confirmed));
}

#[tokio::test(start_paused = true)]
async fn a_server_that_drips_for_ever_is_cut_off() {
    let report = cut_off(|mut stream| async move {
        let head = "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ntransfer-encoding: chunked\r\n\r\n";
        let _ = stream.write_all(head.as_bytes()).await;
        let mut drip = tokio::time::interval(Duration::from_millis(5));
        while stream.write_all(b"1\r\nx\r\n").await.is_ok() {
            drip.tick().await;
        }
    })
    .await;
    assert_eq!(report.conclusion.reason_code, Some(ReasonCode::Timeout));
    assert_eq!(report.attempts[0].stopped, Some(Stopped::Confirmed));
}

#[tokio::test]
async fn a_redirect_is_not_followed_and_its_effect_is_unknown() {
    let reply = "HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n";
    let report = replying(patient(|_| {}), reply).await;
    assert_eq!(report.conclusion.reason_code, Some(ReasonCode::UnknownOutcome));
    assert_eq!(report.conclusion.outcome, Outcome::Unknown);
    assert_eq!(report.attempts[0].stopped, None);
}

#[tokio::test]
async fn a_429_with_a_long_retry_after_ends_the_execution_now() {
    let reply = "HTTP/1.1 429 Too Many Requests\r\nretry-after: 120\r\ncontent-length: 0\r\n\r\n";
    let report = replying(patient(|spec| spec.retry.max_retries = 3), reply).await;
    assert_eq!(report.conclusion.reason_code, Some(ReasonCode::RetryAfterExceedsDeadline));
    assert_eq!(report.conclusion.outcome, Outcome::NotExecuted);
    assert_eq!(report.attempts.len(), 1);
    assert_eq!(report.attempts[0].error_code.as_deref(), Some("http_429"));
}

#[tokio::test]
async fn a_connection_cut_after_the_request_was_sent_is_unknown() {
    let report = against(patient(|_| {}), |mut stream| async move { read_request(&mut stream).await }).await;
    assert_eq!(report.conclusion.reason_code, Some(ReasonCode::UnknownOutcome));
    assert_eq!(report.conclusion.outcome, Outcome::Unknown);
}

#[tokio::test]
async fn a_refused_connection_has_no_effect_and_is_tried_again() {
    let (_held, url) = nobody_listens();
    let executor = HttpExecutor::new(HttpSpec::new("http", &url)).unwrap();
    let retrying = patient(|spec| {
        spec.retry.max_retries = 2;
        spec.retry.initial_backoff_ms = 1;
    });
    let engine = Engine::builder(retrying).executor(executor).build().unwrap();
    let decision = FinalDecision::new(Action::Act);
    let report = engine.execute(&Request::new(&decision, &object([]))).await;
    assert_eq!(report.attempts.len(), 3);
    assert_eq!(report.conclusion.reason_code, Some(ReasonCode::ExecutorFailed));
    assert_eq!(report.conclusion.outcome, Outcome::NotExecuted);
}

/// How many of each kind are in flight at once; threads and processes are dearer than futures.
const OF_EACH_KIND: usize = 40;

/// INV-EXE-4: whoever carries it out, what is in flight is reached, ends long before its grace does, and is told so.
#[tokio::test]
async fn inv_exe_4_a_stop_reaches_every_kind_of_executor_at_once() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/act", listener.local_addr().unwrap());
    let entered = Arc::new(AtomicUsize::new(0));
    let (in_future, in_thread) = (Arc::clone(&entered), Arc::clone(&entered));
    let mut sleeper = CommandSpec::new("command", "/bin/sh");
    sleeper.args = vec!["-c".to_owned(), "sleep 600 & wait".to_owned()];
    let http = HttpSpec { connect_timeout_ms: 60_000, ..HttpSpec::new("http", url) };
    let long = policy(|spec| {
        spec.max_concurrency = 1_000;
        spec.timeout.timeout_per_action_ms = 600_000;
        spec.timeout.max_total_time_ms = 600_000;
        spec.timeout.grace_ms = 600_000;
    });
    let engine = Engine::builder(long)
        .route(
            Action::Act,
            from_fn(move |_| {
                in_future.fetch_add(1, Ordering::SeqCst);
                std::future::pending::<Answer>()
            }),
        )
        .route(
            Action::Exit,
            blocking(move |attempt| {
                in_thread.fetch_add(1, Ordering::SeqCst);
                while !attempt.is_signalled() {
                    std::thread::park_timeout(Duration::from_millis(5));
                }
                Answer::unknown()
            }),
        )
        .route(Action::Cancel, CommandExecutor::new(sleeper))
        .route(Action::Stop, HttpExecutor::new(http).unwrap())
        .build()
        .unwrap();
    let mut running = JoinSet::new();
    for action in [Action::Act, Action::Exit, Action::Cancel, Action::Stop] {
        for _ in 0..OF_EACH_KIND {
            let engine = engine.clone();
            running.spawn(async move { run(&engine, action).await });
        }
    }
    // Everybody is at work: requests have come, and so have closures; programs start before them or beside them.
    let mut requests = Vec::new();
    while requests.len() < OF_EACH_KIND || entered.load(Ordering::SeqCst) < 2 * OF_EACH_KIND {
        tokio::select! {
            request = listener.accept() => requests.push(request.unwrap()),
            () = tokio::task::yield_now() => {}
        }
    }
    engine.gate().engage(Scope::Global, Level::Stop, "drill");
    let told = tokio::time::timeout(Duration::from_secs(120), running.join_all()).await;
    for report in told.expect("hangs") {
        assert_eq!(report.conclusion.reason_code, Some(ReasonCode::StoppedInFlight));
        assert_eq!(report.conclusion.outcome, Outcome::Unknown);
        assert_eq!(report.attempts[0].stopped, Some(Stopped::Confirmed), "{:?}", report.action);
    }
}
