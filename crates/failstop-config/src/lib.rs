//! Configuration: one TOML file, every key overridable by a variable, everything checked before anything runs.
//!
//! Read [`keys`] first: the table that all the rest is made from.
#![forbid(unsafe_code)]

pub mod assemble;
pub mod fault;
pub mod keys;
pub mod nearest;
pub mod pipeline;
mod policy;
mod read;
pub mod reference;
pub mod schema;
pub mod settings;

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
};

use failstop::{
    core::policies::{ExecutionPolicy, PolicySpec},
    health_core::HealthPolicy,
    modulation_core::GuardPolicy,
};

use crate::{
    fault::{ConfigFault, InvalidConfig, Place},
    read::{FILE_VARIABLE, Reader},
    settings::Settings,
};

/// The file that is read where none is named.
const DEFAULT_FILE: &str = "failstop.toml";

/// A configuration, checked.
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
        let file = named.map(Path::to_owned).or_else(|| std::env::var_os(FILE_VARIABLE).map(PathBuf::from));
        let file = file.or_else(|| Some(PathBuf::from(DEFAULT_FILE)).filter(|file| file.exists()));
        let mut reader = Reader::new();
        if let Some(file) = &file {
            match std::fs::read_to_string(file) {
                Ok(text) => reader.file(&text),
                Err(error) => reader.faults.push(unreadable(&error)),
            }
        }
        reader.variables(std::env::vars_os().filter_map(as_text));
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

/// A variable whose name is text; its value, if that is text too.
fn as_text((name, value): (OsString, OsString)) -> Option<(String, Option<String>)> {
    Some((name.into_string().ok()?, value.into_string().ok()))
}
