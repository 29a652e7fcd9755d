//! Proposals, from a line to a packet.

use std::os::unix::fs::PermissionsExt as _;

use decision_schema::{
    PacketV2, Value, json,
    trace_registry::{KeyMode, RESERVED_NAMESPACES, validate_external_dict},
};

use crate::shop::{NOOP, Shop, text};

fn line(step: u64, more: &str) -> String {
    format!(
        "{{\"proposal\":{{\"action\":\"ACT\",\"confidence\":0.5,\"features_summary\":{{\"price\":3}}}},\
         \"run_id\":\"r\",\"step\":{step}{more}}}\n"
    )
}

fn packets(shop: &Shop) -> Vec<PacketV2> {
    let packets: Vec<PacketV2> = shop
        .read("packets.jsonl")
        .lines()
        .map(|line| PacketV2::from_value(json::parse(line.as_bytes()).unwrap()).unwrap())
        .collect();
    for packet in &packets {
        assert_eq!(validate_external_dict(&packet.external, KeyMode::Both, &RESERVED_NAMESPACES), []);
    }
    packets
}

#[test]
fn proposals_pass_the_guards_are_executed_once_and_leave_a_packet_each() {
    let shop = Shop::keyed("cat >> effects; echo >> effects", "");
    let lines = [line(1, ""), line(2, ",\"context\":{\"recent_failures\":9}"), line(3, "")].concat();
    let said = shop.run(&["run", "--ordered", "--packets", "packets.jsonl"], &lines);
    let reports = said.reports();
    let codes: Vec<_> = reports.iter().map(|report| text(report, "reason_code")).collect();
    assert_eq!((said.code, codes.as_slice()), (0, ["null", "not_allowed", "null"].as_slice()));
    assert_eq!(shop.read("effects").lines().count(), 2);
    assert!(!shop.read("effects").contains("recent_failures"), "what is computed stays here");
    let flags =
        |packet: &PacketV2| packet.mismatch.as_ref().map(|mismatch| mismatch.get("flags").cloned().unwrap());
    let mut first = packets(&shop);
    first.sort_by_key(|packet| packet.step);
    assert_eq!(
        first.iter().map(flags).collect::<Vec<_>>(),
        [None, Some(vec!["circuit_breaker"].into()), None]
    );
    assert_eq!(first[0].external.get("exec.success_count"), Some(&Value::from(1)));
    let mode = shop.path("packets.jsonl").metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);

    let again = shop.run(&["run", "--packets", "packets.jsonl"], &lines);
    assert_eq!(
        again.reports().iter().filter(|report| report.get("replayed") == Some(&Value::from(true))).count(),
        2
    );
    assert_eq!(shop.read("effects").lines().count(), 2);
    assert_eq!(packets(&shop).len(), 6, "packets are appended");
}

#[test]
fn packets_of_decisions_get_their_trace_and_lines_without_one_leave_none() {
    let shop = Shop::with(NOOP);
    let packet = "{\"run_id\":\"r\",\"step\":1,\"input\":{\"token\":\"swordfish\"},\"external\":{},\"mdm\":{},\
                  \"final_action\":{},\"latency_ms\":1}";
    let lines =
        format!("{{\"decision\":{{\"action\":\"ACT\"}},\"packet\":{packet}}}\n{{\"action\":\"ACT\"}}\nbad\n");
    shop.run(&["run", "--packets", "packets.jsonl"], &lines);
    let packets = packets(&shop);
    assert_eq!(packets.len(), 1);
    assert_eq!(packets[0].external.get("exec.attempt_count"), Some(&Value::from(1)));
    assert!(!shop.read("packets.jsonl").contains("swordfish"));
}

#[test]
fn guards_and_health_are_configured_and_checked() {
    let strict = format!("{NOOP}[policy.guards]\nstaleness_ms = 10\nfail_closed_action = \"STOP\"\n");
    let shop = Shop::with(&strict);
    let stale = line(1, ",\"context\":{\"now_ms\":100,\"last_event_ts_ms\":80}");
    let said = shop.run(&["run"], &stale);
    assert_eq!(text(&said.reports()[0], "action"), "STOP");
    assert!(said.stdout.contains("staleness_exceeded"));

    let shop = Shop::with(&format!("{NOOP}[policy.health]\nenabled = true\n"));
    let said = shop.run(&["check"], "");
    assert!(
        said.stdout.contains("warning: policy.health: errors alone cannot make health RED"),
        "{}",
        said.stdout
    );
    let shop =
        Shop::with(&format!("{NOOP}[policy.health]\nwindow_ms = 0\n[policy.guards]\nmax_error_rate = 2\n"));
    let said = shop.run(&["check"], "");
    assert_eq!(said.code, 2);
    for told in [
        "policy.health.window_ms must be an integer from 1 to 86400000",
        "policy.guards.max_error_rate must be a number from 0.0 to 1.0",
    ] {
        assert!(said.stderr.contains(told), "{}", said.stderr);
    }
}

#[test]
fn an_error_storm_stops_the_run_by_itself() {
    let health = "[policy]\nmax_concurrency = 1\n[policy.retry]\nmax_retries = 0\n[policy.health]\nenabled = true\n\
                  weight_errors = 1.0\nmax_errors_per_window = 3\n[policy.guards]\nmax_error_rate = 1.0";
    let shop = Shop::with_script("exit 7", health);
    let lines: String = (0..10).map(|step| line(step, "")).collect();
    let said = shop.run(&["run"], &lines);
    let reports = said.reports();
    let codes: Vec<_> = reports.iter().map(|report| text(report, "reason_code")).collect();
    assert_eq!(codes[..3], ["unknown_outcome"; 3]);
    assert_eq!(codes[3..], ["gate_stopped"; 7]);
}

#[test]
fn a_plan_of_a_proposal_is_that_of_the_decision_the_guards_make_of_it() {
    let shop = Shop::with("[executor]\nkind = \"noop\"\n");
    let decision = "{\"decision\":{\"action\":\"ACT\"},\"run_id\":\"r\",\"step\":1}\n";
    let said = shop.run(&["plan"], format!("{decision}{}", line(1, "")));
    let plans: Vec<&str> =
        said.stdout.lines().map(|plan| plan.split_once("plan_digest").unwrap().1).collect();
    assert_eq!(plans[0], plans[1], "{}", said.stderr);

    let said = shop.run(&["plan"], line(1, ",\"context\":{\"recent_failures\":9}"));
    assert_eq!((said.code, text(&said.reports()[0], "reason_code")), (1, "not_allowed"));
    assert_eq!(said.stderr, "failstop: line 1: the guards refuse it: circuit_breaker (not_allowed)\n");
}

#[test]
fn packets_that_cannot_be_written_are_an_error_and_nothing_runs() {
    let shop = Shop::with_script("echo >> effects", "");
    let said = shop.run(&["run", "--packets", "nowhere/packets.jsonl"], line(1, ""));
    assert_eq!((said.code, shop.read("effects").as_str()), (2, ""));
    assert!(said.stderr.contains("(packets_unwritable)"), "{}", said.stderr);
    let said = shop.run(&["run", "--packets", "/dev/full"], line(1, ""));
    assert_eq!(said.code, 3);
    assert!(said.stderr.contains("(packets_unwritable)"), "{}", said.stderr);
    assert_eq!(said.reports().len(), 1, "the report is not lost with its packet");
}
