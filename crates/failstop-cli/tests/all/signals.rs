//! SIGINT and SIGTERM.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    process::Child,
};

use rustix::process::{Pid, Signal, kill_process};

use crate::shop::{Said, Shop, decision, spawn, text};

const HUNG: &str = "exec 3<>ready; echo up >&3; trap '' TERM; sleep 600 & wait; wait";

fn send(child: &Child, signal: Signal) {
    kill_process(Pid::from_child(child), signal).unwrap();
}

/// Waits until the program that hangs has said that it runs.
fn wait_until_up(shop: &Shop) {
    let mut line = String::new();
    BufReader::new(std::fs::File::open(shop.path("ready")).unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line, "up\n");
}

fn hung(timeout: &str) -> (Shop, Child) {
    let shop =
        Shop::with_script(HUNG, &format!("[policy]\nmax_concurrency = 1\n[policy.timeout]\n{timeout}"));
    rustix::fs::mkfifoat(rustix::fs::CWD, shop.path("ready"), rustix::fs::Mode::from_raw_mode(0o600))
        .unwrap();
    shop.write("in.jsonl", (0..7).map(|n| decision("ACT", n)).collect::<String>());
    let child = spawn(&mut shop.command(&["run", "in.jsonl"]));
    wait_until_up(&shop);
    (shop, child)
}

const LONG: &str = "timeout_per_action_ms = 600000\nmax_total_time_ms = 600000\n";

#[test]
fn a_signal_stops_what_hangs_within_the_grace_and_counts_what_is_unread() {
    let (_shop, child) = hung(&format!("{LONG}grace_ms = 1000"));
    send(&child, Signal::TERM);
    let said = Said::from(child.wait_with_output().unwrap());
    let reports = said.reports();
    assert_eq!((said.code, reports.len()), (1, 1));
    assert_eq!(text(&reports[0], "reason_code"), "stopped_in_flight");
    assert!(said.stderr.contains("failstop: stopped: 6 lines left unread\n"), "{}", said.stderr);
}

#[test]
fn a_second_signal_halts_without_waiting_for_the_grace() {
    let (_shop, child) = hung(&format!("{LONG}grace_ms = 600000"));
    let mut stderr = BufReader::new(child.stderr.as_ref().unwrap().try_clone_to_owned());
    send(&child, Signal::INT);
    let mut line = String::new();
    stderr.read_line(&mut line).unwrap();
    assert!(line.contains("signal: reading no more lines"), "{line}");
    send(&child, Signal::INT);
    let said = Said::from(child.wait_with_output().unwrap());
    let reports = said.reports();
    assert_eq!(said.code, 1);
    assert_eq!(text(&reports[0], "reason_code"), "stopped_in_flight");
    assert_eq!(text(&reports[0].get("attempts").unwrap().as_array().unwrap()[0], "stopped"), "confirmed");
}

#[test]
fn a_signal_while_nothing_comes_in_ends_the_run() {
    let shop = Shop::with(crate::shop::NOOP);
    let mut child = spawn(&mut shop.command(&["run"]));
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(decision("ACT", 1).as_bytes()).unwrap();
    let mut report = String::new();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut report).unwrap();
    send(&child, Signal::TERM);
    let said = Said::from(child.wait_with_output().unwrap());
    assert_eq!(said.code, 1);
    assert!(said.stderr.contains("stopped: at least 0 lines left unread"), "{}", said.stderr);
    drop(stdin);
}

/// A second handle on a pipe.
trait TryCloneToOwned {
    fn try_clone_to_owned(&self) -> std::fs::File;
}

impl TryCloneToOwned for std::process::ChildStderr {
    fn try_clone_to_owned(&self) -> std::fs::File {
        rustix::io::dup(self).unwrap().into()
    }
}

#[test]
fn what_was_read_and_has_not_begun_when_a_signal_comes_does_not_begin() {
    let shop = Shop::with(&format!("{}[policy.timeout]\n{LONG}grace_ms = 600000\n", crate::shop::NOOP));
    let mut child = spawn(&mut shop.command(&["run"]));
    let mut stdin = child.stdin.take().unwrap();
    let throttled = "{\"action\":\"ACT\",\"throttle_ms\":10000}\n";
    stdin.write_all([&decision("HOLD", 1), throttled].concat().as_bytes()).unwrap();
    let mut report = String::new();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    stdout.read_line(&mut report).unwrap();
    send(&child, Signal::TERM);
    let mut report = String::new();
    stdout.read_line(&mut report).unwrap();
    assert!(report.contains("\"status\":\"denied\"") && report.contains("\"gate_stopped\""), "{report}");
    assert_eq!(child.wait().unwrap().code(), Some(1));
    drop(stdin);
}

#[test]
fn inv_exe_4_sigusr1_stops_what_runs_and_denies_what_still_comes_in() {
    let (shop, mut child) = hung(&format!("{LONG}grace_ms = 1000"));
    send(&child, Signal::USR1);
    let stdout = BufReader::new(child.stdout.take().unwrap());
    let reports: Vec<String> = stdout.lines().map(Result::unwrap).collect();
    assert_eq!(child.wait().unwrap().code(), Some(1));
    assert_eq!(reports.len(), 7, "each line has its report");
    assert!(reports[0].contains("\"stopped_in_flight\""), "{}", reports[0]);
    assert!(reports[1..].iter().all(|report| report.contains("\"gate_stopped\"")));
    drop(shop);
}
