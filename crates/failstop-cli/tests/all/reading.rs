//! What counts as a line, what is printed at once, and what a run exits with.

use std::io::{BufRead as _, BufReader, Write as _};

use crate::shop::{NOOP, Said, Shop, decision, number, spawn, text};

#[test]
fn blank_lines_count_carriage_returns_do_not_matter_and_the_last_line_break_may_be_missing() {
    let said = Shop::with(NOOP).run(&["run"], "\r\n{\"action\":\"HOLD\"}\r\n\n  \n{\"action\":\"ACT\"}");
    let lines: Vec<i64> = said.reports().iter().map(|report| number(report, "line")).collect();
    assert_eq!((said.code, lines), (0, vec![2, 5]));
    assert_eq!(said.stderr, "");
}

#[test]
fn an_empty_input_is_done() {
    let said = Shop::with(NOOP).run(&["run"], "");
    assert_eq!((said.code, said.stdout.as_str(), said.stderr.as_str()), (0, "", ""));
}

#[test]
fn a_file_is_read_by_its_name() {
    let shop = Shop::with(NOOP);
    shop.write("in.jsonl", decision("ACT", 1));
    let said = shop.run(&["run", "in.jsonl"], "");
    assert_eq!((said.code, said.reports().len()), (0, 1));
    let said = shop.run(&["run", "missing.jsonl"], "");
    assert_eq!(
        (said.code, said.stderr.as_str()),
        (2, "failstop: the input cannot be opened: os error 2 (input_unreadable)\n")
    );
    assert_eq!(shop.run(&["run", "."], "").code, 2);
}

#[test]
fn a_report_is_seen_before_the_next_line_is_sent() {
    let shop = Shop::with(NOOP);
    let mut child = spawn(&mut shop.command(&["run"]));
    let (mut stdin, mut stdout) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
    for n in 0..3 {
        stdin.write_all(decision("ACT", n).as_bytes()).unwrap();
        let mut report = String::new();
        stdout.read_line(&mut report).unwrap();
        assert!(report.contains("\"status\":\"success\""), "{report}");
    }
    drop(stdin);
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn exit_codes_follow_the_reports() {
    let shop = Shop::with("[policy.idempotency]\nenabled = false\n[executors.HOLD]\nkind = \"noop\"\n");
    let run = |line: &str| shop.run(&["run"], line).code;
    assert_eq!(run("{\"action\":\"HOLD\"}"), 0);
    assert_eq!(run("{\"action\":\"HOLD\",\"allowed\":false}"), 0);
    assert_eq!(run("{\"action\":\"ACT\"}"), 1);
    assert_eq!(run("nonsense"), 1);
    assert_eq!(shop.run(&["run", "--nonsense"], "").code, 2);
    assert_eq!(shop.run(&["run", "--max-concurrency", "0"], "").code, 2);
}

#[test]
fn without_an_executor_every_decision_is_denied_and_a_hint_is_given_once() {
    let said = Shop::bare().run(&["run"], [decision("ACT", 1), decision("HOLD", 2)].concat());
    assert_eq!(said.code, 1);
    assert!(said.reports().iter().all(|report| text(report, "reason_code") == "no_executor"));
    assert_eq!(said.stderr.matches("add [executor]").count(), 1);
}

#[test]
fn keys_of_the_memory_ledger_replay_within_a_run_and_their_end_is_announced() {
    let shop = Shop::with(
        "[ledger]\nkind = \"memory\"\n[executor]\nkind = \"noop\"\n[policy]\nmax_concurrency = 1\n",
    );
    let said = shop.run(&["run"], [decision("ACT", 1), decision("ACT", 1)].concat());
    let replayed: Vec<_> =
        said.reports().iter().map(|report| report.get("replayed").unwrap().as_bool()).collect();
    assert_eq!((said.code, replayed), (0, vec![Some(false), Some(true)]));
    assert_eq!(said.stderr.matches("keys are forgotten at exit").count(), 1);
    let said = shop.run(&["run"], "{\"action\":\"ACT\"}");
    assert_eq!(text(&said.reports()[0], "reason_code"), "idempotency_key_missing");
    assert!(said.stderr.contains("run_id and step"));
}

#[test]
fn a_closed_output_is_an_error_and_what_runs_is_seen_to_its_end() {
    let shop = Shop::with(NOOP);
    let mut child = spawn(&mut shop.command(&["run"]));
    drop(child.stdout.take());
    let mut stdin = child.stdin.take().unwrap();
    // Reading stops before the input ends, so that the pipe breaks for the one who writes.
    let many = decision("ACT", 1).repeat(1000);
    while stdin.write_all(many.as_bytes()).is_ok() {}
    let said = Said::from(child.wait_with_output().unwrap());
    assert_eq!(said.code, 3);
    assert!(said.stderr.contains("standard output cannot be written (output_closed)"), "{}", said.stderr);
}

#[test]
fn an_input_that_breaks_off_is_no_end() {
    let shop = Shop::with(NOOP);
    let directory = std::fs::File::open(shop.path(".")).unwrap();
    let said = Said::from(shop.command(&["run"]).stdin(directory).output().unwrap());
    assert_eq!((said.code, said.stdout.as_str()), (1, ""));
    assert_eq!(said.stderr, "failstop: the input cannot be read on (os error 21) (input_unreadable)\n");
}
