//! Values that are handed over: read as the file is, checked as the file is, and placed by their paths.

use std::path::Path;

use failstop_config::{
    Config,
    fault::Place,
    settings::{Setting, Settings},
};

use crate::{object, of, refused};

const TOML: &str = r#"
[policy]
max_concurrency = 4
allow_when_stopped = ["EXIT"]
[policy.retry]
max_retries = 0x1
backoff_multiplier = 3
jitter = "none"
[policy.idempotency]
enabled = false
[executors.ACT]
kind = "command"
program = "./act"
args = ["--fast"]
env = { TOKEN = "hunter22" }
exit_effects = { 3 = "applied" }
"#;

const JSON: &str = r#"{
    "policy": {
        "max_concurrency": 4,
        "allow_when_stopped": ["EXIT"],
        "retry": {"max_retries": 1, "backoff_multiplier": 3, "jitter": "none"},
        "idempotency": {"enabled": false}
    },
    "executors": {"ACT": {
        "kind": "command",
        "program": "./act",
        "args": ["--fast"],
        "env": {"TOKEN": "hunter22"},
        "exit_effects": {"3": "applied"}
    }}
}"#;

/// Every setting by path, with what it holds.
fn held(settings: &Settings) -> Vec<(String, Setting)> {
    settings.iter().map(|(path, entry)| (path.to_owned(), entry.setting.clone())).collect()
}

#[test]
fn values_mean_what_the_same_file_means() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("conf.toml");
    std::fs::write(&file, TOML).unwrap();
    let (from_file, from_values) = (Config::load(Some(&file)).unwrap(), of(JSON));
    assert!(held(&from_file.settings) == held(&from_values.settings));
    assert_eq!(from_file.policy.spec(), from_values.policy.spec());
    assert_eq!(from_file.policy.spec().retry.max_retries, 1);
}

#[test]
fn faults_name_the_path_the_range_and_the_nearest_key() {
    let values = r#"{
        "policy": {
            "max_concurrency": 0,
            "max_retries": 3,
            "retry": {"max_retires": 3, "jitter": "lots", "backoff_multiplier": -1, "max_retries": 1.0},
            "rate_limit": {"global": {"permits": 3}},
            "timeout": {"grace_ms": null},
            "idempotency": 7
        },
        "polcy": {},
        "gate": {"file": 7},
        "ledger": {"kind": "postgres"},
        "executor": {"kind": "noop", "program": "x"},
        "executors": {
            "ACT": {"kind": "command"},
            "HOLD": {"kind": "http", "url": "http://host/", "exit_effects": {"300": "applied"}},
            "FLY": {"kind": "noop"}
        }
    }"#;
    let said = refused(values);
    let expected = [
        "executor.program: is not for kind noop (config_unfit_key)",
        "executors.ACT.kind: [executors.ACT] needs program (config_missing_key)",
        "executors.HOLD.exit_effects: must be a table from codes (0 to 255) to \"applied\", \"not_applied\", \"rejected\", \
         \"unknown\" (config_wrong_value)",
        "executors: unknown key in [executors]; see docs/configuration.md for the keys there are (config_unknown_key)",
        "gate.file: must be a path as a string (config_wrong_value)",
        "ledger.kind: ledger.kind = \"postgres\" is not in this version, which has \"sqlite\" and \"memory\" \
         (config_ledger_unsupported)",
        "polcy: unknown key; did you mean policy? (config_unknown_key)",
        "policy.idempotency: must be a table (config_wrong_value)",
        "policy.max_concurrency: must be an integer from 1 to 16777216 (config_wrong_value)",
        "policy.max_retries: unknown key in [policy]; did you mean policy.retry.max_retries? (config_unknown_key)",
        "policy.rate_limit.global.permits: [policy.rate_limit.global] needs permits and per_ms (config_missing_key)",
        "policy.retry.backoff_multiplier: must be a number from 0.0 to 1000.0 (config_wrong_value)",
        "policy.retry.jitter: must be one of \"none\", \"derived\" (config_wrong_value)",
        "policy.retry.max_retires: unknown key in [policy.retry]; did you mean max_retries? (config_unknown_key)",
        "policy.retry.max_retries: must be an integer from 0 to 100 (config_wrong_value)",
        "policy.timeout.grace_ms: must be an integer from 0 to 600000 (config_wrong_value)",
    ];
    let mut lines: Vec<&str> = said.lines().collect();
    lines.sort_unstable();
    let mut expected = expected.to_vec();
    expected.sort_unstable();
    assert_eq!(lines, expected);
}

#[test]
fn a_name_that_is_no_slip_is_not_repeated() {
    for values in [r#"{"hunter2hunter2": 1}"#, r#"{"policy": {"hunter2hunter2": {"retry": 1}}}"#] {
        let said = refused(values);
        assert!(!said.contains("hunter2"), "{said}");
        assert!(said.ends_with("see docs/configuration.md for the keys there are (config_unknown_key)"));
    }
    assert!(refused(r#"{"hunter2hunter2": 1}"#).starts_with("configuration: unknown key; "));
    assert!(refused(r#"{"policy": {"hunter2hunter2": 1}}"#).starts_with("policy: unknown key in [policy]; "));
}

#[test]
fn values_that_are_wrong_are_not_repeated() {
    let values = r#"{"executor": {"kind": "hunter22"}, "policy": {"retry": {"jitter": "hunter22"}}, "gate": "hunter22"}"#;
    assert!(!refused(values).contains("hunter22"));
}

#[test]
fn a_value_takes_the_place_of_its_own_path_alone() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("conf.toml");
    std::fs::write(&file, "[policy.retry]\nmax_retries = 5\njitter = \"none\"\n").unwrap();
    let values = object(r#"{"policy": {"retry": {"max_retries": 0}}}"#);
    let config = Config::from_values(Some(&file), &values).unwrap();
    let retry = config.policy.retry();
    assert_eq!((retry.max_retries, retry.jitter.as_str()), (0, "none"));
    assert_eq!(config.settings.place("policy.retry.jitter"), Place::File { line: 3, column: 10 });
}

#[test]
fn faults_of_the_file_and_of_values_are_told_together() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("conf.toml");
    std::fs::write(&file, "[executor]\nkind = \"http\"\nurl = 7\n").unwrap();
    let values = object(r#"{"executor": {"kind": "command"}, "trace": {"extended": 1}}"#);
    let faults = Config::from_values(Some(&file), &values).unwrap_err().faults;
    let told: Vec<_> = faults.iter().map(|fault| (fault.code, &fault.place)).collect();
    assert_eq!(
        told,
        [
            ("config_wrong_value", &Place::File { line: 3, column: 7 }),
            ("config_missing_key", &Place::Value("executor.kind".into())),
            ("config_wrong_value", &Place::Value("trace.extended".into())),
        ]
    );
}

#[test]
fn paths_are_relative_to_the_file_and_else_to_the_current_directory() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("conf.toml");
    std::fs::write(&file, "").unwrap();
    let values = object(r#"{"ledger": {"path": "kept.db"}}"#);
    let config = Config::from_values(Some(&file), &values).unwrap();
    assert_eq!(config.ledger_path(), Some(directory.path().join("kept.db")));
    let config = Config::from_values(None, &values).unwrap();
    assert_eq!(config.ledger_path().as_deref(), Some(Path::new("./kept.db")));
}

#[test]
fn a_file_that_is_not_there_is_told_by_its_name() {
    let said = Config::from_values(Some(Path::new("no/such.toml")), &object("{}")).unwrap_err();
    assert_eq!(said.to_string(), "no/such.toml: no such file (config_unreadable)");
}

#[test]
fn a_configuration_that_is_debugged_shows_no_secret() {
    assert_eq!(format!("{:?}", of(JSON)), "Config { file: None, .. }");
}
