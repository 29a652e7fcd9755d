//! Configuration: what is refused and how, what overrides what, and what `check` shows.

use decision_schema::{Value, json};

use crate::shop::{NOOP, Shop, decision, run_command, text};

/// What `check` says of a configuration that is wrong.
fn refused(config: &str) -> String {
    let said = Shop::with(config).run(&["check"], "");
    assert_eq!((said.code, said.stdout.as_str()), (2, ""));
    for line in said.stderr.lines() {
        let code = line.rsplit_once('(').unwrap().1.trim_end_matches(')');
        assert_eq!(Shop::bare().run(&["explain", code], "").code, 0, "{code} has no page");
    }
    said.stderr
}

#[test]
fn faults_name_the_place_the_path_the_range_and_the_nearest_key() {
    let config = "\
[policy]
max_concurrency = 0
max_retries = 3
[policy.retry]
max_retires = 3
jitter = \"lots\"
backoff_multiplier = -1
[polcy]
[policy.rate_limit.global]
permits = 3
[gate]
file = 7
[executor]
kind = \"noop\"
program = \"x\"
[executors.ACT]
kind = \"command\"
[executors.HOLD]
kind = \"http\"
program = \"x\"
exit_effects = { 300 = \"applied\" }
[executors.FLY]
kind = \"noop\"
";
    insta::assert_snapshot!(refused(config));
}

#[test]
fn broken_toml_is_placed_and_never_quoted() {
    insta::assert_snapshot!(refused("[executor\nkind = \"hunter22\""));
    insta::assert_snapshot!(refused("[trace]\nextended = true\nextended = false\n"));
}

#[test]
fn ledgers_of_later_versions_are_refused() {
    insta::assert_snapshot!(refused(
        "[ledger]\nkind = \"postgres\"\nurl = \"postgres://ada:hunter22@host/db\"\n"
    ));
}

#[test]
fn parts_that_contradict_each_other_are_refused() {
    let always =
        "[policy.retry]\nretry_unknown = \"always\"\n[executor]\nkind = \"command\"\nprogram = \"true\"\n";
    insta::assert_snapshot!(refused(always));
    insta::assert_snapshot!(refused("[gate]\nfile = \"no/such/place/STOP\"\n"));
    insta::assert_snapshot!(refused("[executor]\nkind = \"http\"\nurl = \"http://ada:hunter22@host/\"\n"));
}

#[test]
fn a_file_that_is_named_must_be_there() {
    let said = Shop::bare().run(&["run", "--config", "other.toml"], "");
    assert_eq!(
        (said.code, said.stderr.as_str()),
        (2, "failstop: other.toml: no such file (config_unreadable)\n")
    );
}

#[test]
fn variables_override_the_file_and_are_checked_as_it_is() {
    let shop = Shop::with(NOOP);
    let check = |name: &str, value: &str| {
        let mut command = shop.command(&["check", "--json"]);
        command.env(name, value);
        run_command(command, "")
    };
    let said = check("FAILSTOP_POLICY_RETRY_MAX_RETRIES", "5");
    let value = json::parse(said.stdout.trim().as_bytes()).unwrap();
    let setting = value.get("settings").unwrap().get("policy.retry.max_retries").unwrap();
    assert_eq!(setting.get("value"), Some(&Value::from(5)));
    assert_eq!(text(setting, "from"), "FAILSTOP_POLICY_RETRY_MAX_RETRIES");
    let said = check("FAILSTOP_POLICY_ALLOW_WHEN_STOPPED", "STOP, EXIT");
    assert!(said.stdout.contains("{\"value\":[\"STOP\",\"EXIT\"],"), "{}", said.stdout);
    let said = check("FAILSTOP_POLICY_RETRY_MAX_RETRIES", "many");
    insta::assert_snapshot!(said.stderr);
    let said = check("FAILSTOP_POLICY_RETRY_MAX_RETIRES", "5");
    insta::assert_snapshot!(said.stderr);
    assert_eq!(said.code, 2);
}

#[test]
fn an_executor_can_be_configured_by_variables_alone() {
    let shop = Shop::bare();
    let mut command = shop.command(&["run"]);
    command.env("FAILSTOP_EXECUTORS_ACT_KIND", "noop");
    assert_eq!(run_command(command, decision("ACT", 1)).code, 0);
}

#[test]
fn paths_are_relative_to_the_file() {
    let shop = Shop::bare();
    std::fs::create_dir(shop.path("deep")).unwrap();
    shop.write(
        "deep/conf.toml",
        "[policy.idempotency]\nenabled = false\n[executor]\nkind = \"command\"\nprogram = \"./act.sh\"\n",
    );
    shop.script("deep/act.sh", "exit 0");
    assert_eq!(shop.run(&["run", "--config", "deep/conf.toml"], decision("ACT", 1)).code, 0);
}

#[test]
fn a_bare_program_is_a_file_beside_the_configuration_before_it_is_one_of_the_path() {
    let config =
        "[policy.idempotency]\nenabled = false\n[executor]\nkind = \"command\"\nprogram = \"true\"\n";
    let shop = Shop::with(config);
    let run = || shop.run(&["run"], decision("ACT", 1)).code;
    assert_eq!(run(), 0, "of the path");
    shop.script("true", "exit 75");
    assert_eq!(run(), 1, "beside the configuration");
}

#[test]
fn the_path_of_a_ledger_that_has_none_is_a_warning() {
    let said = Shop::with("[ledger]\nkind = \"memory\"\npath = \"failstop.db\"\n").run(&["check"], "");
    assert_eq!(said.code, 0);
    assert!(said.stdout.contains("warning: ledger.path is not used"), "{}", said.stdout);
}

#[test]
fn check_shows_what_is_in_force_and_warns() {
    let said = Shop::with("[executor]\nkind = \"command\"\nprogram = \"./missing\"\n").run(&["check"], "");
    assert_eq!(said.code, 0);
    insta::assert_snapshot!(said.stdout);
}

#[test]
fn brakes_need_their_first_key_and_are_off_without_any() {
    insta::assert_snapshot!(refused(
        "[policy.circuit_breaker]\nopen_ms = 1000\nprobes = 0\n[policy.retry_budget]\nburst = 0\n"
    ));
    let plan = |config: &str| {
        let said = Shop::with(&format!("{config}{NOOP}")).run(&["plan"], decision("ACT", 1));
        assert_eq!(said.code, 0, "{}", said.stderr);
        said.stdout
    };
    let brakes = ["circuit_breaker", "retry_budget"];
    assert!(brakes.iter().all(|brake| !plan("").contains(brake)));
    let braked =
        plan("[policy.circuit_breaker]\nfailures = 5\n[policy.retry_budget]\nratio_per_mille = 100\n");
    for part in [
        "\"wait\",\"retry_budget\",\"circuit_breaker\",\"concurrency\"",
        "\"circuit_breaker\":{\"failures\":5,\"open_ms\":30000,\"probes\":1}",
        "\"retry_budget\":{\"burst\":100,\"min_per_second\":1,\"ratio_per_mille\":100}",
    ] {
        assert!(braked.contains(part), "{part} is not in {braked}");
    }
}

#[test]
fn a_breaker_of_the_configuration_holds_back_what_follows_a_run_of_failures() {
    let shop = Shop::with(
        "[policy]\nmax_concurrency = 1\n[policy.idempotency]\nenabled = false\n[policy.retry]\nmax_retries = 0\n\
         [policy.circuit_breaker]\nfailures = 2\n[executor]\nkind = \"command\"\nprogram = \"./act.sh\"\n",
    );
    shop.script("act.sh", "echo >> calls; exit 75");
    let lines: String = (1..=5).map(|step| decision("ACT", step)).collect();
    let said = shop.run(&["run", "--ordered"], lines);
    assert_eq!(said.code, 1);
    let codes: Vec<_> = said
        .stdout
        .lines()
        .map(|line| text(&json::parse(line.as_bytes()).unwrap(), "reason_code").to_owned())
        .collect();
    assert_eq!(codes, ["executor_failed", "executor_failed", "rate_limited", "rate_limited", "rate_limited"]);
    assert_eq!(std::fs::read_to_string(shop.path("calls")).unwrap().lines().count(), 2);
}

#[test]
fn the_schema_is_json_and_knows_every_section() {
    let said = Shop::bare().run(&["check", "--schema"], "");
    let schema = json::parse(said.stdout.trim().as_bytes()).unwrap();
    let sections: Vec<&str> = schema.get("properties").unwrap().as_object().unwrap().keys().collect();
    assert_eq!(sections, ["policy", "ledger", "gate", "trace", "redaction", "executor", "executors"]);
}

#[test]
fn the_extended_trace_is_a_setting() {
    let shop = Shop::with(&format!("{NOOP}[trace]\nextended = true\n"));
    assert!(shop.run(&["run"], decision("ACT", 1)).stdout.contains("\"x_exec.outcome\":\"executed\""));
}
