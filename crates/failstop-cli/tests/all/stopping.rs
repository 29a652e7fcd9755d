//! `failstop stop` and `failstop release`.

use std::io::{BufRead as _, BufReader, Write as _};

use decision_schema::{Value, json};

use crate::shop::{Said, Shop, decision, number, spawn, text};

fn object(said: &Said) -> Value {
    json::parse(said.stdout.as_bytes()).unwrap_or_else(|_| panic!("{}", said.stderr))
}

#[test]
fn a_stop_before_the_first_run_stops_it_until_it_is_released() {
    let shop = Shop::keyed("exit 0", "");
    let stop = shop.run(&["stop", "--reason", "not yet", "--json"], "");
    assert_eq!(stop.code, 0, "{}", stop.stderr);
    let stopped = object(&stop);
    assert_eq!((number(&stopped, "confirmed"), number(&stopped, "living_owners")), (0, 0));
    let epoch = number(&stopped, "epoch").to_string();

    let denied = shop.run(&["run"], decision("ACT", 1));
    assert_eq!((denied.code, text(&denied.reports()[0], "reason_code")), (1, "gate_stopped"));
    let status = object(&shop.run(&["status", "--json"], ""));
    let global = &status.get("gate").unwrap().as_array().unwrap()[0];
    assert_eq!((text(global, "level"), text(global, "reason")), ("stop", "not yet"));

    let refused = shop.run(&["release", "--epoch", "1", "--reason", "now"], "");
    assert_eq!(refused.code, 1);
    assert!(refused.stderr.contains("release_refused"), "{}", refused.stderr);
    let released = shop.run(&["release", "--epoch", &epoch, "--reason", "now"], "");
    assert_eq!(released.code, 0, "{}", released.stderr);
    let done = shop.run(&["run"], decision("ACT", 1));
    assert_eq!((done.code, text(&done.reports()[0], "status")), (0, "success"));
}

/// Says on a pipe that it runs, and then does not end by itself.
const HUNG: &str = "exec 3<>ready; echo up >&3; exec 3>&-; sleep 600 & wait";

#[test]
fn inv_exe_4_a_stop_reaches_what_another_process_runs() {
    let shop =
        Shop::keyed(HUNG, "[policy.timeout]\ntimeout_per_action_ms = 600000\nmax_total_time_ms = 600000\n");
    rustix::fs::mkfifoat(rustix::fs::CWD, shop.path("ready"), rustix::fs::Mode::from_raw_mode(0o600))
        .unwrap();
    let mut child = spawn(&mut shop.command(&["run"]));
    // Left open, so that the process lives on when its execution has ended.
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(decision("ACT", 1).as_bytes()).unwrap();
    let ready = std::fs::OpenOptions::new().read(true).write(true).open(shop.path("ready")).unwrap();
    BufReader::new(ready).read_line(&mut String::new()).unwrap();

    let stop = shop.run(&["stop", "--reason", "a test", "--json"], "");
    assert_eq!(stop.code, 0, "{}{}", stop.stdout, stop.stderr);
    let stopped = object(&stop);
    assert_eq!(number(&stopped, "living_owners"), 1);
    // In force before anything is looked at: what hears of it at once may have ended by then.
    assert!(number(&stopped, "confirmed") <= 1, "{}", stop.stdout);
    drop(stdin);
    let said = Said::from(child.wait_with_output().unwrap());
    assert_eq!(text(&said.reports()[0], "reason_code"), "stopped_in_flight");
    assert_eq!(text(&said.reports()[0], "outcome"), "unknown");
}

#[test]
fn what_only_memory_could_hold_is_refused_with_the_alternatives() {
    let shop = Shop::with("[ledger]\nkind = \"memory\"\n[executor]\nkind = \"noop\"\n");
    let stop = shop.run(&["stop", "--reason", "why"], "");
    assert_eq!(stop.code, 2);
    assert!(stop.stderr.contains("SIGTERM") && stop.stderr.contains("stop_in_memory"), "{}", stop.stderr);
    let wrong = shop.run(&["stop", "--reason", "why", "--scope", "everything"], "");
    assert_eq!(wrong.code, 2);
}

#[test]
fn a_stop_in_the_wrong_place_says_that_there_is_nothing() {
    let shop = Shop::bare();
    for args in [&["stop", "--reason", "x"][..], &["stop", "--reason", "x", "--ledger", "nosuch.db"]] {
        let said = shop.run(args, "");
        assert_eq!(said.code, 3, "{}", said.stderr);
        assert!(said.stderr.contains("ledger_missing"), "{}", said.stderr);
    }
    assert!(!shop.path("nosuch.db").exists() && !shop.path("failstop.db").exists());
}

#[test]
fn inv_exe_5_no_secret_of_a_reason_is_kept() {
    const SECRET: &str = "ghp_0123456789abcdefghijklmnopqrstuvwxyz";
    let shop = Shop::keyed("exit 0", "");
    let why = format!("leaked {SECRET}");
    let stopped = object(&shop.run(&["stop", "--reason", &why, "--json"], ""));
    let epoch = number(&stopped, "epoch").to_string();
    let released = shop.run(&["release", "--epoch", &epoch, "--reason", &why, "--who", SECRET], "");
    assert_eq!(released.code, 0, "{}", released.stderr);
    for name in ["failstop.db", "failstop.db-wal", "failstop.db.gate"] {
        let bytes = std::fs::read(shop.path(name)).unwrap_or_default();
        assert!(!String::from_utf8_lossy(&bytes).contains(SECRET), "{name}");
    }
    assert!(!shop.run(&["status", "--json"], "").stdout.contains(SECRET));
}

#[test]
fn a_drain_is_done_when_it_is_in_force() {
    let shop = Shop::keyed("exit 0", "");
    let drained = shop.run(&["stop", "--level", "drain", "--reason", "maintenance"], "");
    assert_eq!(drained.code, 0, "{}", drained.stderr);
    assert_eq!(text(&shop.run(&["run"], decision("ACT", 1)).reports()[0], "reason_code"), "gate_stopped");
}
