//! Configuration: one TOML file, every key overridable by a variable, everything checked before anything runs.
//!
//! The command line reads it with [`Config::load`]; a library that takes values too, with [`Config::from_values`]. Either
//! way the keys, the checks and the words of a fault are the same. What comes of it is a [`failstop::pipeline::Pipeline`]
//! on an opened [`ledger`]. The crate says nothing to anybody: what people should be told, its callers tell.
//!
//! Read [`keys`] first: the table that all the rest is made from.
#![forbid(unsafe_code)]

pub mod assemble;
pub mod fault;
pub mod keys;
pub mod ledger;
pub mod nearest;
pub mod pipeline;
mod policy;
mod read;
pub mod reference;
pub mod schema;
pub mod settings;
mod written;

use std::{
    ffi::OsString,
    fmt,
    path::{Path, PathBuf},
};

use decision_schema::Object;
use failstop::{
    core::policies::{ExecutionPolicy, PolicySpec},
    health_core::HealthPolicy,
    modulation_core::GuardPolicy,
};

pub use crate::fault::InvalidConfig;
use crate::{
    fault::{ConfigFault, Place},
    read::{FILE_VARIABLE, Reader},
    settings::Settings,
};

/// The file that is read where none is named.
const DEFAULT_FILE: &str = "failstop.toml";

/// A configuration, checked. It holds secrets; its `Debug` shows where it came from alone.
pub struct Config {
    /// The file as it was named, if there is one.
    pub file: Option<PathBuf>,
    /// What relative paths are relative to.
    base: PathBuf,
    /// Every value in force.
    pub settings: Settings,
    /// The policy in force.
    pub policy: ExecutionPolicy,
    /// The guards in force.
    pub guards: GuardPolicy,
    /// The watch over health, where it is wanted.
    pub health: Option<HealthPolicy>,
}

impl Config {
    /// Reads the configuration: `named`, else the file that `FAILSTOP_CONFIG` names, else `failstop.toml` where there
    /// is one; then the environment.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn load(named: Option<&Path>) -> Result<Self, InvalidConfig> {
        let file = named.map(Path::to_owned).or_else(file_of_environment);
        let file = file.or_else(|| Some(PathBuf::from(DEFAULT_FILE)).filter(|file| file.exists()));
        Self::read(file, environment(), &Object::new())
    }

    /// Reads the configuration of a caller that has values of its own: `file`, else the file that `FAILSTOP_CONFIG`
    /// names, else none; then the environment; then `values`, which win. What is checked is all of it together.
    ///
    /// `values` has the shape of the file: `{"policy": {"retry": {"max_retries": 1}}, "ledger": {"kind": "memory"},
    /// "executors": {"ACT": {"kind": "noop"}}}`. Each value takes the place of the one at its path alone, not of its
    /// section. Paths that are relative are so to the file, wherever they stand, and to the current directory where
    /// there is none.
    ///
    /// # Errors
    /// Everything that is wrong with it. A value's place is [`Place::Value`].
    pub fn from_values(file: Option<&Path>, values: &Object) -> Result<Self, InvalidConfig> {
        let file = file.map(Path::to_owned).or_else(file_of_environment);
        Self::read(file, environment(), values)
    }

    fn read(
        file: Option<PathBuf>,
        variables: impl Iterator<Item = (String, Option<String>)>,
        values: &Object,
    ) -> Result<Self, InvalidConfig> {
        let mut reader = Reader::new();
        if let Some(file) = &file {
            match std::fs::read_to_string(file) {
                Ok(text) => reader.file(&text),
                Err(error) => reader.faults.push(unreadable(&error)),
            }
        }
        reader.variables(variables);
        reader.values(values);
        reader.defaults();
        Self::check(file, reader)
    }

    /// Whether there is a file of it, and not the defaults alone.
    pub const fn is_from_file(&self) -> bool {
        self.file.is_some()
    }

    fn check(file: Option<PathBuf>, mut reader: Reader) -> Result<Self, InvalidConfig> {
        assemble::check_sections(&mut reader);
        let policy = policy::policy(&reader.settings, &mut reader.faults);
        let guards = pipeline::guards(&reader.settings, &mut reader.faults);
        let health = pipeline::health(&reader.settings, &mut reader.faults);
        match policy {
            Some(policy) if reader.faults.is_empty() => {
                let parent =
                    file.as_deref().and_then(Path::parent).filter(|parent| !parent.as_os_str().is_empty());
                let base = parent.unwrap_or(Path::new(".")).to_owned();
                Ok(Self { file, base, settings: reader.settings, policy, guards, health })
            }
            _ => Err(invalid(file.as_deref(), reader.faults)),
        }
    }

    /// This configuration, with another `policy.max_concurrency` where one is given.
    ///
    /// # Errors
    /// Where it is out of range.
    pub fn with_max_concurrency(self, max_concurrency: Option<u32>) -> Result<Self, InvalidConfig> {
        let Some(max_concurrency) = max_concurrency else { return Ok(self) };
        let spec = PolicySpec { max_concurrency, ..*self.policy.spec() };
        match ExecutionPolicy::new(spec) {
            Ok(policy) => Ok(Self { policy, ..self }),
            Err(invalid) => {
                let fault = ConfigFault::new(invalid.code(), Place::Whole, invalid.to_string());
                Err(self.invalid(vec![fault]))
            }
        }
    }

    /// A path of the configuration, seen from here.
    pub fn resolve(&self, path: &str) -> PathBuf {
        self.base.join(path)
    }

    /// These faults, as faults of this configuration.
    pub fn invalid(&self, faults: Vec<ConfigFault>) -> InvalidConfig {
        invalid(self.file.as_deref(), faults)
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config").field("file", &self.file).finish_non_exhaustive()
    }
}

fn invalid(file: Option<&Path>, mut faults: Vec<ConfigFault>) -> InvalidConfig {
    faults.sort_by(|a, b| a.place.cmp(&b.place));
    InvalidConfig { file: file.map(|file| file.display().to_string()), faults }
}

fn unreadable(error: &std::io::Error) -> ConfigFault {
    let why = match error.kind() {
        std::io::ErrorKind::NotFound => "no such file".to_owned(),
        std::io::ErrorKind::InvalidData => "not valid UTF-8".to_owned(),
        _ => format!("cannot be read (os error {})", error.raw_os_error().unwrap_or(0)),
    };
    ConfigFault::new("config_unreadable", Place::Whole, why)
}

fn file_of_environment() -> Option<PathBuf> {
    std::env::var_os(FILE_VARIABLE).map(PathBuf::from)
}

fn environment() -> impl Iterator<Item = (String, Option<String>)> {
    std::env::vars_os().filter_map(as_text)
}

/// A variable whose name is text; its value, if that is text too.
fn as_text((name, value): (OsString, OsString)) -> Option<(String, Option<String>)> {
    Some((name.into_string().ok()?, value.into_string().ok()))
}

#[cfg(test)]
mod tests {
    use decision_schema::json;

    use super::*;

    fn max_retries(file: Option<PathBuf>, variable: Option<&str>, values: &str) -> (u32, Place) {
        let path = "policy.retry.max_retries";
        let values = json::parse(values.as_bytes()).unwrap().as_object().unwrap().clone();
        let variables =
            variable.map(|raw| ("FAILSTOP_POLICY_RETRY_MAX_RETRIES".to_owned(), Some(raw.to_owned())));
        let config = Config::read(file, variables.into_iter(), &values).unwrap();
        (config.policy.retry().max_retries, config.settings.place(path))
    }

    #[test]
    fn values_win_over_variables_and_variables_over_the_file() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("failstop.toml");
        std::fs::write(&file, "[policy.retry]\nmax_retries = 5\n").unwrap();
        let given = r#"{"policy": {"retry": {"max_retries": 7}}}"#;
        let named = || Some(file.clone());
        let told = Place::Value("policy.retry.max_retries".to_owned());
        assert_eq!(max_retries(named(), Some("6"), given), (7, told));
        let told = Place::Variable("FAILSTOP_POLICY_RETRY_MAX_RETRIES".to_owned());
        assert_eq!(max_retries(named(), Some("6"), "{}"), (6, told));
        assert_eq!(max_retries(named(), None, "{}"), (5, Place::File { line: 2, column: 15 }));
        assert_eq!(max_retries(None, None, "{}"), (3, Place::Whole));
    }
}
