//! INV-EXE-5: no secret reaches any output.

use std::{
    io::{Read as _, Write as _},
    net::TcpListener,
    thread,
};

use decision_schema::Value;
use failstop_testkit::canary::Canary;

use crate::shop::Shop;

fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

#[test]
fn inv_exe_5_secrets_of_params_context_and_programs_stay_inside() {
    let canaries: Vec<Canary> = (1..5).map(Canary::new).collect();
    let shop = Shop::with("");
    // The program echoes its whole request in every way it has.
    shop.script(
        "act.sh",
        "r=$(cat)\nprintf '%s' \"$r$TOKEN\" >&2\n\
         printf '{\"effect\":\"not_applied\",\"error_code\":%s,\"output\":{\"echo\":%s,\"plain\":\"ok\"}}' \"$TOKEN_JSON\" \"$r\"",
    );
    let config = format!(
        "[policy.retry]\nmax_retries = 1\ninitial_backoff_ms = 1\n[executor]\nkind = \"command\"\nprogram = \"./act.sh\"\nargs = [{}]\n[executor.env]\nTOKEN = {}\nTOKEN_JSON = {}\n",
        quoted(canaries[3].secret()),
        quoted(canaries[2].secret()),
        quoted(&quoted(canaries[2].secret())),
    );
    shop.write("failstop.toml", config);
    let line = format!(
        "{{\"decision\":{{\"action\":\"ACT\",\"params\":{{\"domain:api_key\":{}}}}},\"context\":{{\"domain:password\":{}}},\"run_id\":\"r\",\"step\":1}}\n",
        quoted(canaries[0].secret()),
        quoted(canaries[1].secret()),
    );
    let broken = line.replace("\"step\":1", "\"stp\":1");
    let cut = &line[..line.len() - 30];
    let input = format!("{line}{broken}{cut}\n");
    for args in [&["run"][..], &["plan"], &["check"], &["check", "--json"], &["redact"]] {
        let said = shop.run(args, &input);
        for canary in &canaries {
            canary.assert_absent("standard output", &said.stdout);
            canary.assert_absent("standard error", &said.stderr);
        }
    }
    assert!(shop.run(&["run"], &line).stdout.contains("\"plain\":\"ok\""), "the program was heard");
}

#[test]
fn inv_exe_5_a_header_that_the_target_echoes_is_redacted() {
    let canary = Canary::of("plainHeaderValue0815");
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let server = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = [0; 4096];
        let read = stream.read(&mut request).unwrap();
        let heard = String::from_utf8_lossy(&request[..read]).to_lowercase();
        let value = "plainHeaderValue0815";
        assert!(heard.contains(&value.to_lowercase()));
        let body = format!("{{\"you_sent\":\"{value}\",\"plain\":\"ok\"}}");
        write!(stream, "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len()).unwrap();
    });
    let shop = Shop::with(&format!(
        "[policy.idempotency]\nenabled = false\n[executor]\nkind = \"http\"\nurl = \"http://{address}/hook/plainHeaderValue0815\"\n[executor.headers]\nx-custom = \"plainHeaderValue0815\"\n"
    ));
    let said = shop.run(&["run"], "{\"action\":\"ACT\"}");
    server.join().unwrap();
    assert!(said.code == 0 && said.stdout.contains("\"plain\":\"ok\""), "{}", said.stdout);
    let checked = shop.run(&["check"], "");
    assert!(checked.stdout.contains("[REDACTED]"));
    for surface in [&said.stdout, &said.stderr, &checked.stdout, &checked.stderr] {
        canary.assert_absent("an output", surface);
    }
}

#[test]
fn inv_exe_5_no_secret_is_in_a_byte_of_the_ledger_nor_in_what_is_told_of_it() {
    let mut canaries: Vec<Canary> = (10..13).map(Canary::new).collect();
    canaries.push(Canary::of("spokenOutLoud0815"));
    let shop = Shop::with("");
    // The program echoes its whole request, and what happened stays unknown.
    shop.script(
        "act.sh",
        "r=$(cat)\nprintf '%s' \"$r$TOKEN\" >&2\n\
         printf '{\"effect\":\"unknown\",\"error_code\":%s,\"output\":{\"echo\":%s,\"plain\":\"heard\"}}' \"$TOKEN_JSON\" \"$r\"",
    );
    shop.write(
        "failstop.toml",
        format!(
            "[executor]\nkind = \"command\"\nprogram = \"./act.sh\"\n[executor.env]\nTOKEN = {}\nTOKEN_JSON = {}\n",
            quoted(canaries[2].secret()),
            quoted(&quoted(canaries[2].secret())),
        ),
    );
    let line = format!(
        "{{\"decision\":{{\"action\":\"ACT\",\"params\":{{\"domain:api_key\":{}}}}},\"context\":{{\"domain:password\":{}}},\"run_id\":\"r\",\"step\":1,\"idempotency_key\":\"k\"}}\n",
        quoted(canaries[0].secret()),
        quoted(canaries[1].secret()),
    );
    shop.run(&["run"], &line);
    let reason = format!("the log says password={}", canaries[3].secret());
    let commands = [
        &["list"][..],
        &["list", "--json"],
        &["show", "k"],
        &["show", "k", "--json"],
        &["status"],
        &["status", "--json"],
        &["run"],
        &["resolve", "k", "--applied", "--reason", &reason, "--evidence", &reason, "--who", &reason],
        &["show", "k"],
        &["show", "k", "--json"],
    ];
    for args in commands {
        let said = shop.run(args, &line);
        for canary in &canaries {
            canary.assert_absent("standard output", &said.stdout);
            canary.assert_absent("standard error", &said.stderr);
        }
    }
    assert!(shop.run(&["show", "k"], "").stdout.contains("\"plain\":\"heard\""), "the program was heard");
    for file in ["failstop.db", "failstop.db-wal", "failstop.db-shm", "failstop.db.gate"] {
        let bytes = std::fs::read(shop.path(file)).unwrap_or_default();
        for canary in &canaries {
            canary.assert_absent(file, &bytes);
        }
    }
    assert!(std::fs::read(shop.path("failstop.db")).unwrap().len() > 4096);
}

#[test]
fn inv_exe_5_no_secret_of_a_proposal_is_in_its_packet_nor_in_the_ledger() {
    let canaries: Vec<Canary> = (20..24).map(Canary::new).collect();
    let secret = |at: usize| quoted(canaries[at].secret());
    let shop = Shop::keyed(
        "r=$(cat)\nprintf '{\"effect\":\"applied\",\"output\":{\"echo\":%s,\"plain\":\"ok\"}}' \"$r\"",
        "",
    );
    let line = |step: u32, context: &str| {
        format!(
            "{{\"proposal\":{{\"action\":\"ACT\",\"confidence\":1,\"reasons\":[{}],\"params\":{{\"domain:api_key\":{}}},\
             \"features_summary\":{{\"token\":{}}}}},\"run_id\":\"r\",\"step\":{step},\
             \"context\":{{\"domain:password\":{}{context}}}}}\n",
            secret(0),
            secret(0),
            secret(1),
            secret(2),
        )
    };
    let odd = format!(",\"recent_failures\":{}", secret(3));
    let lines = [line(1, ""), line(2, &odd)].concat();
    for args in [&["run", "--packets", "packets.jsonl"][..], &["plan"], &["run"]] {
        let said = shop.run(args, &lines);
        for canary in &canaries[..3] {
            canary.assert_absent("standard output", &said.stdout);
            canary.assert_absent("standard error", &said.stderr);
        }
        canaries[3].assert_absent("standard error", &said.stderr);
    }
    assert!(shop.run(&["run"], &lines).stdout.contains("\"plain\":\"ok\""), "the program was heard");
    assert_eq!(shop.read("packets.jsonl").lines().count(), 2);
    for file in ["packets.jsonl", "failstop.db", "failstop.db-wal"] {
        let bytes = std::fs::read(shop.path(file)).unwrap_or_default();
        for canary in &canaries[..3] {
            canary.assert_absent(file, &bytes);
        }
    }
}
