//! The ledger in a file: replays, what is listed of it, and files that are none.

use std::fs;

use decision_schema::{Value, json};

use crate::shop::{Said, Shop, decision, number, spawn, text};

const COUNTED: &str = "cat > /dev/null; echo effect >> effects";

/// The one object that a command printed.
pub fn object(said: &Said) -> Value {
    assert_eq!(said.code, 0, "{}", said.stderr);
    json::parse(said.stdout.trim().as_bytes()).unwrap()
}

fn effects(shop: &Shop) -> usize {
    shop.read("effects").lines().count()
}

#[test]
fn a_second_run_on_the_same_file_replays_everything_and_executes_nothing() {
    let shop = Shop::keyed(COUNTED, "");
    let input: String = (0..5).map(|n| decision("ACT", n)).collect();
    let first = shop.run(&["run", "--ordered"], &input);
    assert_eq!((first.code, effects(&shop)), (0, 5), "{}", first.stderr);
    assert_eq!(first.stderr, "failstop: new ledger failstop.db\n");
    let second = shop.run(&["run", "--ordered"], &input);
    assert_eq!((second.code, effects(&shop)), (0, 5), "INV-FS-1");
    assert_eq!(second.stderr, "");
    assert_eq!(second.stdout, first.stdout.replace("\"replayed\":false", "\"replayed\":true"));
}

#[test]
fn the_ledger_is_beside_the_configuration_or_where_that_says() {
    let shop = Shop::bare();
    fs::create_dir(shop.path("deep")).unwrap();
    shop.write("deep/conf.toml", "[executor]\nkind = \"noop\"\n");
    assert_eq!(shop.run(&["run", "--config", "deep/conf.toml"], decision("ACT", 1)).code, 0);
    assert!(shop.path("deep/failstop.db").exists());
    shop.write("deep/conf.toml", "[ledger]\npath = \"../other.db\"\n[executor]\nkind = \"noop\"\n");
    assert_eq!(shop.run(&["run", "--config", "deep/conf.toml"], decision("ACT", 1)).code, 0);
    assert!(shop.path("other.db").exists());
    let by_path = object(&shop.run(&["status", "--json", "--ledger", "other.db"], ""));
    let by_config = object(&shop.run(&["status", "--json", "--config", "deep/conf.toml"], ""));
    assert_eq!(number(&by_path, "succeeded"), 1);
    let id = |status: &Value| text(status.get("ledger").unwrap(), "id").to_owned();
    assert_eq!(id(&by_path), id(&by_config));
}

#[test]
fn with_keys_off_no_ledger_is_made() {
    let shop = Shop::with("[policy.idempotency]\nenabled = false\n[executor]\nkind = \"noop\"\n");
    assert_eq!(shop.run(&["run"], decision("ACT", 1)).code, 0);
    assert!(!shop.path("failstop.db").exists());
    assert!(shop.run(&["check"], "").stdout.contains("ledger: none, because"));
}

#[test]
fn keys_are_listed_in_the_order_of_their_starts_and_by_state() {
    let shop = Shop::keyed(
        "n=$(grep -o '\"domain:n\":[0-9]*' | cut -d: -f3)\n[ $n = 1 ] && exit 7\n[ $n = 2 ] && exit 3\nexit 0",
        "[policy]\nmax_concurrency = 1\n[executor.exit_effects]\n7 = \"rejected\"",
    );
    let said = shop.run(&["run"], (0..4).map(|n| decision("ACT", n)).collect::<String>());
    let keys: Vec<String> =
        said.reports().iter().map(|report| text(report, "idempotency_key").to_owned()).collect();
    let listed = |args: &[&str]| shop.run(&[&["list", "--json"], args].concat(), "").reports();
    let all = listed(&[]);
    let states: Vec<&str> = all.iter().map(|record| text(record, "state")).collect();
    assert_eq!(states, ["SUCCEEDED", "FAILED", "IN_DOUBT", "SUCCEEDED"]);
    assert!(all.iter().map(|record| text(record, "key")).eq(&keys));
    let doubt = &listed(&["--state", "IN_DOUBT"])[..];
    assert_eq!((doubt.len(), text(&doubt[0], "key")), (1, keys[2].as_str()));
    assert_eq!((text(&doubt[0], "outcome"), text(&doubt[0], "action")), ("unknown", "ACT"));
    assert_eq!((number(&doubt[0], "attempts"), doubt[0].get("resolution")), (1, Some(&Value::Null)));
    assert_eq!(text(&doubt[0], "execution_id"), text(&said.reports()[2], "execution_id"));
    assert!(number(&doubt[0], "fence") > 0);
    assert!(number(&doubt[0], "started_at_ms") <= number(&doubt[0], "updated_at_ms"));
    assert_eq!(listed(&["--state", "failed", "--state", "SUCCEEDED"]).len(), 3);
    assert_eq!(listed(&["--limit", "2"]).len(), 2);
    let table = shop.run(&["list"], "").stdout;
    assert_eq!(table.lines().count(), 5);
    assert!(table.lines().skip(1).zip(&keys).all(|(line, key)| line.ends_with(key.as_str())), "{table}");
    assert!(!table.contains('\x1b'), "colours are for terminals");
    assert_eq!(shop.run(&["list", "--state", "GONE"], "").code, 2);
}

#[test]
fn status_tells_the_gate_and_how_many_keys_stand_where() {
    let shop = Shop::keyed("exit 0", "");
    shop.run(&["run"], (0..3).map(|n| decision("ACT", n)).collect::<String>());
    let status = object(&shop.run(&["status", "--json"], ""));
    let gate = status.get("gate").unwrap().as_array().unwrap();
    assert_eq!(
        (text(&gate[0], "scope"), text(&gate[0], "level"), number(&gate[0], "epoch")),
        ("global", "run", 1)
    );
    for (name, count) in [("succeeded", 3), ("failed", 0), ("running", 0), ("open", 0), ("in_doubt", 0)] {
        assert_eq!(number(&status, name), count, "{name}");
    }
    assert_eq!(number(&status, "living_owners"), 0);
    let told = shop.run(&["status"], "").stdout;
    assert!(told.contains("gate       run global (epoch 1") && told.contains("succeeded  3\n"), "{told}");
    fs::remove_file(shop.path("failstop.db.gate")).unwrap();
    let status = object(&shop.run(&["status", "--json"], ""));
    let gate = status.get("gate").unwrap().as_array().unwrap();
    assert_eq!(text(&gate[0], "level"), "stop", "what cannot be read is stopped");
    assert!(text(&status, "gate_fault").contains("missing"));
    assert!(shop.run(&["status"], "").stdout.contains("gate       stop: the gate file is missing"));
    let check = shop.run(&["check"], "").stdout;
    let warning = "warning: the gate file is missing, so every decision will be denied (gate_unreadable)";
    assert!(check.contains(warning), "{check}");
    let said = shop.run(&["run"], decision("ACT", 9));
    assert_eq!(text(&said.reports()[0], "reason_code"), "gate_unreadable");
}

#[test]
fn a_key_is_shown_with_its_report_and_events() {
    let shop = Shop::keyed("echo '{\"effect\":\"applied\",\"output\":{\"n\":1e20}}'", "");
    let report = &shop.run(&["run"], decision("ACT", 1)).reports()[0];
    let key = text(report, "idempotency_key");
    let shown = object(&shop.run(&["show", key, "--json"], ""));
    assert_eq!((text(&shown, "state"), text(&shown, "outcome")), ("SUCCEEDED", "executed"));
    let stored = shown.get("report").unwrap();
    assert_eq!(text(stored, "execution_id"), text(report, "execution_id"));
    let kinds: Vec<&str> =
        shown.get("events").unwrap().as_array().unwrap().iter().map(|event| text(event, "kind")).collect();
    assert_eq!(kinds, ["started", "succeeded"]);
    let bodies = shown.get("events").unwrap().as_array().unwrap().iter();
    assert!(bodies.clone().all(|event| event.get("body").unwrap().get("report").is_some()), "{shown}");
    assert!(stored.get("output").is_some() && shown.get("report_fault") == Some(&Value::Null));
    let told = shop.run(&["show", key], "").stdout;
    for part in [key, "SUCCEEDED", "executed", "started  ", "succeeded"] {
        assert!(told.contains(part), "{part}: {told}");
    }
    let said = shop.run(&["show", "nobody's"], "");
    assert_eq!((said.code, said.stdout.as_str()), (1, ""));
    assert_eq!(said.stderr, "failstop: the ledger never met this key (key_unknown)\n");
}

/// What every command says of a ledger that cannot be used.
fn refused(shop: &Shop, code: &str) {
    let line = decision("ACT", 1);
    for args in [
        &["run"][..],
        &["list"],
        &["show", "k"],
        &["status"],
        &["resolve", "k", "--applied", "--reason", "r"],
    ] {
        let said = shop.run(args, &line);
        assert_eq!((said.code, said.stdout.as_str()), (3, ""), "{args:?}: {}", said.stderr);
        assert!(said.stderr.starts_with("failstop: failstop.db: "), "{}", said.stderr);
        assert!(said.stderr.ends_with(&format!("({code})\n")), "{args:?}: {}", said.stderr);
    }
    let check = shop.run(&["check"], "");
    assert_eq!(check.code, 0);
    assert!(check.stdout.contains("warning: a run would fail: "), "{}", check.stdout);
    assert!(check.stdout.contains(code), "{}", check.stdout);
}

fn with_sqlite_header(application_id: u32, version: u32) -> Vec<u8> {
    let shop = Shop::keyed("exit 0", "");
    shop.run(&["run"], decision("ACT", 1));
    let mut bytes = fs::read(shop.path("failstop.db")).unwrap();
    bytes[60..64].copy_from_slice(&version.to_be_bytes());
    bytes[68..72].copy_from_slice(&application_id.to_be_bytes());
    bytes
}

#[test]
fn what_is_no_ledger_is_refused_and_left_as_it_is() {
    let shop = Shop::keyed("exit 0", "");
    let text = b"dear diary, ".repeat(1000);
    shop.write("failstop.db", &text);
    refused(&shop, "ledger_not_a_ledger");
    assert!(fs::read(shop.path("failstop.db")).unwrap() == text);
    let shop = Shop::keyed("exit 0", "");
    shop.write("failstop.db", with_sqlite_header(7, 1));
    refused(&shop, "ledger_not_a_ledger");
}

#[test]
fn a_newer_ledger_is_refused() {
    let shop = Shop::keyed("exit 0", "");
    shop.write("failstop.db", with_sqlite_header(0x6661_696c, 99));
    refused(&shop, "ledger_newer_version");
}

#[test]
fn a_damaged_ledger_is_refused() {
    let shop = Shop::keyed("exit 0", "");
    let mut bytes = with_sqlite_header(0x6661_696c, 1);
    for byte in &mut bytes[100..4096] {
        *byte = 0xa5;
    }
    shop.write("failstop.db", bytes);
    refused(&shop, "ledger_corrupt");
}

#[test]
fn commands_that_look_make_no_ledger() {
    let shop = Shop::keyed("exit 0", "");
    for args in [
        &["list"][..],
        &["show", "k"],
        &["status"],
        &["resolve", "k", "--applied", "--reason", "r"],
        &["resolve", "k", "--probe"],
    ] {
        let said = shop.run(args, "");
        assert_eq!((said.code, said.stdout.as_str()), (3, ""));
        assert_eq!(said.stderr, "failstop: failstop.db: there is no ledger at this path (ledger_missing)\n");
    }
    let check = shop.run(&["check", "--json"], "");
    let state = |said: &Said| text(object(said).get("ledger").unwrap(), "state").to_owned();
    assert_eq!(state(&check), "new");
    assert!(!shop.path("failstop.db").exists());
    shop.run(&["run"], decision("ACT", 1));
    assert_eq!(state(&shop.run(&["check", "--json"], "")), "ready");
}

#[test]
fn a_ledger_in_memory_cannot_be_looked_at() {
    let shop = Shop::with("[ledger]\nkind = \"memory\"\n[executor]\nkind = \"noop\"\n");
    for args in [&["list"][..], &["show", "k"], &["status"]] {
        let said = shop.run(args, "");
        assert_eq!(said.code, 2);
        assert!(said.stderr.ends_with("(ledger_in_memory)\n"), "{}", said.stderr);
    }
}

#[test]
fn what_is_wrong_with_the_configuration_is_said_before_a_ledger_is_made() {
    let shop = Shop::keyed("exit 0", "[gate]\nfile = \"no/such/place/STOP\"");
    assert_eq!(shop.run(&["run"], decision("ACT", 1)).code, 2);
    assert!(!shop.path("failstop.db").exists());
}

#[test]
fn a_ledger_that_is_lost_on_the_way_stops_the_run_and_is_our_fault() {
    let shop = Shop::keyed("rm failstop.db; echo effect >> effects", "[policy]\nmax_concurrency = 1");
    let said = shop.run(&["run"], (0..3).map(|n| decision("ACT", n)).collect::<String>());
    assert_eq!((said.code, effects(&shop)), (3, 1), "{}", said.stderr);
    let reports = said.reports();
    assert_eq!(reports.len(), 3, "each line has its report");
    assert!(
        reports.iter().all(|report| text(report, "reason_code") == "ledger_unavailable"),
        "{}",
        said.stdout
    );
    assert_eq!(text(&reports[0], "outcome"), "executed", "what ran is reported with what is known");
    assert_eq!(text(&reports[1], "outcome"), "unknown", "INV-FS-3: what the lost ledger knew of it is lost");
    assert_eq!(said.stderr.matches("look at its disk").count(), 1);
}

#[test]
fn two_processes_on_one_file_execute_each_key_once() {
    let shop = Shop::keyed(COUNTED, "[policy.idempotency]\non_in_progress = \"wait\"");
    let input: String = (0..40).map(|n| decision("ACT", n)).collect();
    shop.write("in.jsonl", &input);
    let running: Vec<_> = (0..2).map(|_| spawn(&mut shop.command(&["run", "in.jsonl"]))).collect();
    for child in running {
        let said = Said::from(child.wait_with_output().unwrap());
        assert_eq!((said.code, said.reports().len()), (0, 40), "{}", said.stderr);
        assert!(said.reports().iter().all(|report| text(report, "outcome") == "executed"));
    }
    assert_eq!(effects(&shop), 40, "INV-FS-1");
    assert_eq!(shop.run(&["audit", "verify"], "").code, 0);
}

#[test]
fn a_key_is_refused_when_its_retention_is_over_and_shown_as_retired() {
    let shop = Shop::keyed(COUNTED, "[policy.idempotency]\nretention_ms = 0");
    let report = &shop.run(&["run"], decision("ACT", 1)).reports()[0];
    let late = shop.run(&["run"], decision("ACT", 1));
    assert_eq!((late.code, text(&late.reports()[0], "reason_code")), (1, "idempotency_key_expired"));
    assert_eq!(effects(&shop), 1);
    let key = text(report, "idempotency_key");
    let shown = object(&shop.run(&["show", key, "--json"], ""));
    assert_eq!((shown.get("retired"), shown.get("state")), (Some(&Value::from(true)), Some(&Value::Null)));
    assert!(shop.run(&["show", key], "").stdout.contains("state       retired"));
}

#[test]
fn resolving_retires_nothing() {
    let shop = Shop::keyed("exit 0", "");
    shop.run(&["run"], decision("ACT", 1));
    let ledger = rusqlite::Connection::open(shop.path("failstop.db")).unwrap();
    ledger.execute("UPDATE executions SET updated_at_ms = 0, started_at_ms = 0", []).unwrap();
    drop(ledger);
    let said = shop.run(&["resolve", "other", "--applied", "--reason", "r", "--ledger", "failstop.db"], "");
    assert!(said.stderr.ends_with("(resolve_unknown_key)\n"), "{}", said.stderr);
    assert_eq!(shop.run(&["list", "--json"], "").reports().len(), 1);
}
