//! Which ledger is opened, and what is known of it.

use failstop_config::Config;
use tempfile::TempDir;

use crate::{object, of};

/// A configuration whose paths are in `directory`.
fn inside(directory: &TempDir, values: &str) -> Config {
    let file = directory.path().join("failstop.toml");
    std::fs::write(&file, "").unwrap();
    Config::from_values(Some(&file), &object(values)).unwrap()
}

#[test]
fn a_ledger_in_a_file_is_made_once() {
    let directory = tempfile::tempdir().unwrap();
    let config = inside(&directory, "{}");
    let ledger = config.open_ledger().unwrap();
    assert_eq!(ledger.path(), Some(directory.path().join("failstop.db").as_path()));
    assert!(ledger.is_new() && ledger.sqlite().is_some() && ledger.flush());
    drop(ledger);
    let ledger = config.open_ledger().unwrap();
    assert_eq!((ledger.is_new(), ledger.recovered()), (false, 0));
}

#[test]
fn a_ledger_in_memory_has_no_file() {
    for values in [r#"{"ledger": {"kind": "memory"}}"#, r#"{"policy": {"idempotency": {"enabled": false}}}"#]
    {
        let directory = tempfile::tempdir().unwrap();
        let ledger = inside(&directory, values).open_ledger().unwrap();
        assert!(ledger.path().is_none() && ledger.sqlite().is_none());
        assert!(!ledger.is_new() && ledger.recovered() == 0 && ledger.flush());
        assert!(!directory.path().join("failstop.db").exists(), "{values}");
    }
}

#[test]
fn a_ledger_that_cannot_be_opened_is_told_with_its_path_and_its_code() {
    let said = of(r#"{"ledger": {"path": "no/such/place/kept.db"}}"#).open_ledger().unwrap_err();
    let code = said.error.code();
    let text = said.to_string();
    assert!(text.starts_with("no/such/place/kept.db: ") && text.ends_with(&format!(" ({code})")), "{text}");
}
