//! A process that is killed in an attempt: what is told of its key, and how that is resolved.

use std::io::{BufRead as _, BufReader};

use decision_schema::Value;
use rustix::process::{Pid, Signal, kill_process_group};

use crate::{
    ledger::object,
    shop::{Shop, decision, number, spawn, text},
};

/// Says that it runs, then hangs until it is killed, if `hang` is there; else it has its effect.
const HANGS_ONCE: &str = "cat > /dev/null\nif [ -e hang ]; then rm hang; echo $$ > group; exec 3<>ready; echo up >&3\n\
                          sleep 600 & wait; fi\necho effect >> effects";

/// A shop in which failstop was killed in the middle of an attempt, whose program lives on.
struct Killed {
    shop: Shop,
    group: Pid,
    key: String,
}

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = kill_process_group(self.group, Signal::KILL);
    }
}

impl Killed {
    fn new(more: &str) -> Self {
        let shop = Shop::keyed(
            HANGS_ONCE,
            &format!("[policy.timeout]\ntimeout_per_action_ms = 600000\nmax_total_time_ms = 600000\n{more}"),
        );
        shop.write("hang", "");
        rustix::fs::mkfifoat(rustix::fs::CWD, shop.path("ready"), rustix::fs::Mode::from_raw_mode(0o600))
            .unwrap();
        shop.write("in.jsonl", decision("ACT", 1));
        let mut child = spawn(&mut shop.command(&["run", "in.jsonl"]));
        let mut line = String::new();
        BufReader::new(std::fs::File::open(shop.path("ready")).unwrap()).read_line(&mut line).unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        let group = Pid::from_raw(shop.read("group").trim().parse().unwrap()).unwrap();
        let key = text(&shop.run(&["list", "--json"], "").reports()[0], "key").to_owned();
        Self { shop, group, key }
    }

    /// Kills the orphan too, and waits until its lock is free.
    fn bury(&self) {
        kill_process_group(self.group, Signal::KILL).unwrap();
        while self.state() == "STARTED" {}
    }

    fn state(&self) -> String {
        text(&self.shop.run(&["list", "--json"], "").reports()[0], "state").to_owned()
    }

    fn status(&self) -> Value {
        object(&self.shop.run(&["status", "--json"], ""))
    }

    fn resolve(&self, how: &str) -> crate::shop::Said {
        self.shop.run(
            &["resolve", &self.key, how, "--reason", "looked", "--who", "ada", "--evidence", "TICKET-7"],
            "",
        )
    }

    fn run_again(&self) -> Value {
        self.shop.run(&["run", "in.jsonl"], "").reports().remove(0)
    }
}

#[test]
fn while_an_orphan_runs_its_key_is_started_and_neither_taken_over_nor_resolved() {
    let killed = Killed::new("");
    let status = killed.status();
    assert_eq!((number(&status, "running"), number(&status, "in_doubt")), (1, 0));
    let orphans = status.get("orphans").unwrap().as_array().unwrap();
    assert_eq!((orphans.len(), text(&orphans[0], "key")), (1, killed.key.as_str()));
    let group = orphans[0].get("process_group").unwrap();
    assert_eq!(number(group, "id"), i64::from(killed.group.as_raw_nonzero().get()));
    assert!(killed.shop.run(&["status"], "").stdout.contains("its owner is dead"));
    assert!(killed.shop.run(&["show", &killed.key], "").stdout.contains("process group"));
    assert_eq!(killed.state(), "STARTED");
    let said = killed.resolve("--applied");
    assert_eq!((said.code, said.stdout.as_str()), (1, ""));
    assert!(said.stderr.ends_with("(resolve_still_running)\n"), "{}", said.stderr);
    let report = killed.run_again();
    assert_eq!(text(&report, "reason_code"), "idempotency_in_progress");
    assert_eq!(killed.shop.read("effects"), "", "no take-over");
}

#[test]
fn when_all_are_dead_the_key_is_in_doubt_everywhere_and_is_not_repeated() {
    let killed = Killed::new("");
    killed.bury();
    assert_eq!(killed.state(), "IN_DOUBT");
    let status = killed.status();
    assert_eq!((number(&status, "running"), number(&status, "in_doubt")), (0, 1));
    assert_eq!(status.get("orphans"), Some(&Value::Array(Vec::new())));
    let shown = object(&killed.shop.run(&["show", &killed.key, "--json"], ""));
    assert_eq!((text(&shown, "state"), text(&shown, "outcome")), ("IN_DOUBT", "unknown"));
    let said = killed.shop.run(&["run", "in.jsonl"], "");
    assert_eq!((said.code, text(&said.reports()[0], "reason_code")), (1, "in_doubt"));
    assert_eq!(text(&said.reports()[0], "outcome"), "unknown");
    assert!(said.stderr.contains("failstop list --state IN_DOUBT"), "{}", said.stderr);
    assert_eq!(killed.shop.read("effects"), "", "INV-FS-1");
    assert_eq!(killed.state(), "IN_DOUBT", "recorded, it is the same");
}

#[test]
fn resolved_as_applied_the_key_replays_a_success() {
    let killed = Killed::new("");
    killed.bury();
    let said = killed.resolve("--applied");
    let resolved = object(&said);
    assert_eq!((text(&resolved, "status"), text(&resolved, "outcome")), ("success", "executed"));
    assert_eq!(killed.state(), "SUCCEEDED");
    let replay = killed.run_again();
    assert_eq!((text(&replay, "outcome"), replay.get("replayed")), ("executed", Some(&Value::from(true))));
    assert_eq!(killed.shop.read("effects"), "");
    let shown = killed.shop.run(&["show", &killed.key], "").stdout;
    assert!(shown.contains("as applied, who ada, reason looked, evidence TICKET-7"), "{shown}");
    let again = killed.resolve("--not-applied");
    assert_eq!(again.code, 1);
    assert!(again.stderr.ends_with("(resolve_not_in_doubt)\n"), "{}", again.stderr);
}

#[test]
fn resolved_as_not_applied_the_attempts_that_are_left_may_run() {
    let killed = Killed::new("");
    killed.bury();
    assert_eq!(killed.resolve("--not-applied").code, 0);
    assert_eq!(killed.state(), "OPEN");
    assert_eq!(number(&killed.status(), "open"), 1);
    let report = killed.run_again();
    assert_eq!((text(&report, "status"), text(&report, "outcome")), ("success", "executed"));
    assert_eq!(report.get("attempts").unwrap().as_array().unwrap().len(), 2, "numbers are never reset");
    assert_eq!(killed.shop.read("effects"), "effect\n");
}

#[test]
fn what_cannot_be_resolved_is_refused_with_its_reason() {
    let shop = Shop::keyed("exit 0", "");
    let key = text(&shop.run(&["run"], decision("ACT", 1)).reports()[0], "idempotency_key").to_owned();
    let refused = |args: &[&str]| {
        let said = shop.run(&[&["resolve"], args].concat(), "");
        assert_eq!(said.stdout, "");
        (said.code, said.stderr.trim_end().rsplit_once(' ').unwrap().1.to_owned())
    };
    assert_eq!(refused(&[&key, "--applied", "--reason", "r"]), (1, "(resolve_not_in_doubt)".to_owned()));
    assert_eq!(refused(&["other", "--applied", "--reason", "r"]), (1, "(resolve_unknown_key)".to_owned()));
    assert_eq!(refused(&[&key, "--applied", "--reason", "  "]), (2, "(resolve_reason_missing)".to_owned()));
    assert_eq!(refused(&[&key, "--applied"]).0, 2);
    assert_eq!(refused(&[&key, "--applied", "--not-applied", "--reason", "r"]).0, 2);
    assert_eq!(refused(&[&key]).0, 2);
}
