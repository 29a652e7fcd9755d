//! `failstop audit`.

use decision_schema::{Value, json};

use crate::shop::{Said, Shop, decision, number, text};

/// A shop whose ledger has three keys.
fn audited() -> Shop {
    let shop = Shop::keyed("exit 0", "[policy]\nmax_concurrency = 1");
    assert_eq!(shop.run(&["run"], (0..3).map(|n| decision("ACT", n)).collect::<String>()).code, 0);
    shop
}

/// Tampers as anybody could who may write the file.
fn tamper(shop: &Shop, sql: &str) {
    rusqlite::Connection::open(shop.path("failstop.db")).unwrap().execute_batch(sql).unwrap();
}

fn findings(said: &Said) -> Vec<String> {
    assert_eq!(said.code, 1, "{}", said.stderr);
    let report = json::parse(said.stdout.trim().as_bytes()).unwrap();
    assert_eq!(report.get("clean"), Some(&Value::from(false)));
    let findings = report.get("findings").unwrap().as_array().unwrap();
    findings.iter().map(|finding| text(finding, "code").to_owned()).collect()
}

#[test]
fn a_ledger_that_nobody_touched_is_clean() {
    let shop = audited();
    let said = shop.run(&["audit", "verify"], "");
    assert_eq!(said.code, 0);
    assert!(said.stdout.starts_with("clean: 7 events, 3 keys, 0 retired\n"), "{}", said.stdout);
    assert!(said.stderr.contains("no kept checkpoint was given"), "{}", said.stderr);
    let said = shop.run(&["audit", "verify", "--json"], "");
    let report = json::parse(said.stdout.trim().as_bytes()).unwrap();
    assert_eq!((said.code, number(&report, "events"), number(&report, "findings_total")), (0, 7, 0));
    assert_eq!(said.stderr, "");
}

#[test]
fn edits_are_found_and_named() {
    let shop = audited();
    tamper(&shop, "UPDATE events SET at_ms = at_ms + 1 WHERE seq = 3");
    assert!(findings(&shop.run(&["audit", "verify", "--json"], "")).contains(&"audit_hash".to_owned()));
    let said = shop.run(&["audit", "verify"], "");
    assert!(said.stdout.contains("audit_hash  event 3  "), "{}", said.stdout);
    assert_eq!(shop.run(&["explain", "audit_hash"], "").code, 0);
    let shop = audited();
    tamper(&shop, "UPDATE executions SET state = 'FAILED' WHERE id = 2");
    let said = shop.run(&["audit", "verify"], "");
    let key = text(&shop.run(&["list", "--json"], "").reports()[1], "key").to_owned();
    assert_eq!(said.code, 1);
    assert!(said.stdout.contains("audit_column") && said.stdout.contains(&key), "{}", said.stdout);
}

#[test]
fn a_cut_end_shows_against_a_checkpoint_that_was_kept() {
    let shop = audited();
    let kept = shop.run(&["audit", "checkpoint"], "");
    assert_eq!((kept.code, kept.stdout.lines().count()), (0, 1));
    shop.write("kept.jsonl", format!("\n{}\n", kept.stdout));
    let verify = |checkpoint: &str| shop.run(&["audit", "verify", "--json", "--checkpoint", checkpoint], "");
    assert_eq!(verify("kept.jsonl").code, 0);
    assert_eq!(verify(kept.stdout.trim()).code, 0);
    tamper(
        &shop,
        "DELETE FROM events WHERE seq > 5; DELETE FROM attempts WHERE execution = 3; DELETE FROM executions WHERE id = 3",
    );
    assert_eq!(shop.run(&["audit", "verify"], "").code, 0, "without it, it does not");
    assert_eq!(findings(&verify("kept.jsonl")), ["audit_tail_cut"]);
    assert_eq!(findings(&verify(kept.stdout.trim())), ["audit_tail_cut"]);
}

#[test]
fn an_export_is_proved_on_its_own() {
    let shop = audited();
    let said = shop.run(&["audit", "export", "-o", "chain.jsonl"], "");
    assert_eq!((said.code, said.stdout.as_str()), (0, ""));
    assert!(said.stderr.contains("7 events; the last: {\"seq\":7,"), "{}", said.stderr);
    let piped = shop.run(&["audit", "export"], "");
    assert_eq!(piped.stdout, shop.read("chain.jsonl"));
    let kept = shop.run(&["audit", "checkpoint"], "").stdout;
    let verify = |name: &str| {
        shop.run(&["audit", "verify", "--json", "--export", name, "--checkpoint", kept.trim()], &piped.stdout)
    };
    assert_eq!((verify("chain.jsonl").code, verify("-").code), (0, 0));
    shop.write("forged.jsonl", piped.stdout.replace("\"kind\":\"succeeded\"", "\"kind\":\"failed\""));
    assert!(findings(&verify("forged.jsonl")).contains(&"audit_hash".to_owned()));
    let again = shop.run(&["audit", "export", "-o", "failstop.db"], "");
    assert_eq!(again.code, 2, "nothing is written over");
    assert!(again.stderr.ends_with("(audit_stream)\n"), "{}", again.stderr);
    assert_eq!(shop.run(&["audit", "verify"], "").code, 0);
}

#[test]
fn what_cannot_be_read_is_no_finding() {
    let shop = Shop::keyed("exit 0", "");
    for args in [&["verify"][..], &["export"], &["checkpoint"]] {
        let said = shop.run(&[&["audit"], args].concat(), "");
        assert_eq!((said.code, said.stdout.as_str()), (3, ""));
        assert!(said.stderr.ends_with("(ledger_missing)\n"), "{}", said.stderr);
    }
    let said = shop.run(&["audit", "verify", "--export", "missing.jsonl"], "");
    assert_eq!(said.code, 3);
    assert!(said.stderr.ends_with("(audit_stream)\n"), "{}", said.stderr);
    shop.write("empty.jsonl", "\n");
    for checkpoint in ["{}", "missing.jsonl", "empty.jsonl"] {
        let said = shop.run(&["audit", "verify", "--checkpoint", checkpoint], "");
        assert_eq!(said.code, 2, "{checkpoint}");
        assert!(said.stderr.ends_with("(audit_checkpoint_unreadable)\n"), "{}", said.stderr);
    }
    let both = ["audit", "verify", "--export", "chain.jsonl", "--ledger", "failstop.db"];
    assert_eq!(shop.run(&both, "").code, 2);
}
