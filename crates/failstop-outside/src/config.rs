//! Configurations: a file, or values that are handed over.

use std::io::Write as _;

use decision_schema::{
    Object, Value,
    json::{MAX_LINE_BYTES, parse},
};
use failstop::modulation_core::GuardPolicy;
use failstop_config::{Config, InvalidConfig};

use crate::{
    planted::{assert_not_repeated, planted},
    respelled::respelled,
};

/// JSON objects are values and policies of guards, all else is a file. What is refused, by the reader or by the engine
/// that would come of it, is not repeated; what is accepted is so in every spelling, with the same settings, and is
/// not shown by `Debug`.
pub fn check(bytes: &[u8]) {
    let bytes = planted(bytes);
    match parse(&bytes) {
        Ok(Value::Object(values)) => {
            guards(&values);
            of_values(&values);
        }
        _ => of_file(&bytes),
    }
}

fn guards(object: &Object) {
    if let Err(fault) = GuardPolicy::from_object(object) {
        assert_not_repeated(&format!("{fault} {fault:?}"));
    }
}

fn of_file(bytes: &[u8]) {
    let mut file = tempfile::NamedTempFile::new().expect("a file can be made");
    file.write_all(bytes).expect("a file can be written");
    told(&Config::from_values(Some(file.path()), &Object::new()));
}

fn of_values(values: &Object) {
    let first = told(&Config::from_values(None, values));
    let line = respelled(&Value::Object(values.clone()));
    if line.len() > MAX_LINE_BYTES {
        return;
    }
    if let Ok(Value::Object(values)) = parse(line.as_bytes()) {
        assert_eq!(told(&Config::from_values(None, &values)), first, "spelling has no meaning");
    }
}

/// The settings in force, if it is accepted.
fn told(read: &Result<Config, InvalidConfig>) -> Option<Vec<(String, String)>> {
    let config = match read {
        Ok(config) => config,
        Err(fault) => {
            assert_not_repeated(&format!("{fault} {fault:?}"));
            return None;
        }
    };
    assert_not_repeated(&format!("{config:?}"));
    if let Err(fault) = config.pipeline() {
        assert_not_repeated(&format!("{fault} {fault:?}"));
    }
    let settings = config.settings.iter().map(|(path, entry)| (path.to_owned(), shown(&entry.shown())));
    let mut settings: Vec<_> = settings.collect();
    settings.sort();
    Some(settings)
}

fn shown(value: &Value) -> String {
    failstop::core::idempotency::canonical_json::to_string(value)
}
