//! Where the ledger is, and how commands open it.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use clap::Args;
use decision_schema::{Object, Value};
pub use failstop_config::ledger::{open, shown};
use failstop_config::{
    Config,
    ledger::{OpenedLedger, UnopenedLedger},
};
use failstop_sqlite::{OpenError, view::View};

use crate::{exit::Failure, stderr};

/// How a command finds the ledger.
#[derive(Debug, Args)]
pub struct LedgerArgs {
    /// The configuration that names the ledger; default failstop.toml, if there is one.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The ledger's file, whatever the configuration says.
    #[arg(long, value_name = "PATH", conflicts_with = "config")]
    ledger: Option<PathBuf>,
}

impl LedgerArgs {
    /// Whether the ledger is named itself, and no configuration asked.
    pub const fn is_named(&self) -> bool {
        self.ledger.is_some()
    }

    /// The configuration that names it.
    ///
    /// # Errors
    /// Where that is wrong.
    pub fn config(&self) -> Result<Config, Failure> {
        Ok(Config::load(self.config.as_deref())?)
    }

    /// The ledger's file: as it is named, else that of `config`.
    ///
    /// # Errors
    /// Where the configuration's ledger is no file.
    pub fn path_in(&self, config: Option<&Config>) -> Result<PathBuf, Failure> {
        let path = self.ledger.clone().or_else(|| config?.ledger_path());
        path.ok_or_else(|| {
            Failure::Usage(
                "ledger.kind = \"memory\": what a run kept went with it, so there is nothing to look at \
                 (ledger_in_memory)"
                    .to_owned(),
            )
        })
    }

    /// The ledger's file.
    ///
    /// # Errors
    /// Where the configuration is wrong, or names a ledger that is no file.
    pub fn path(&self) -> Result<PathBuf, Failure> {
        let config = if self.is_named() { None } else { Some(self.config()?) };
        self.path_in(config.as_ref())
    }

    /// The ledger, to be looked at.
    ///
    /// # Errors
    /// Where there is none, or it cannot be read.
    pub fn view(&self) -> Result<View, Failure> {
        let path = self.path()?;
        View::open(&path).map_err(|error| unopened(&path, error))
    }
}

/// Opens the ledger that a run writes down on, or makes it, and says what people should know of it.
///
/// # Errors
/// Where it cannot be opened.
pub fn open_for_run(config: &Config) -> Result<OpenedLedger, Failure> {
    let ledger = config.open_ledger()?;
    if ledger.path().is_none() && config.policy.idempotency().enabled {
        stderr::say("ledger.kind = \"memory\": keys are forgotten at exit, so a second run repeats effects");
    }
    if let Some(path) = ledger.path().filter(|_| ledger.is_new()) {
        stderr::say(&format!("new ledger {}", shown(path)));
    }
    if ledger.recovered() > 0 {
        stderr::say(&format!(
            "keys in doubt, left by a process that died: {}; see failstop list --state IN_DOUBT",
            ledger.recovered()
        ));
    }
    Ok(ledger)
}

impl From<UnopenedLedger> for Failure {
    fn from(unopened: UnopenedLedger) -> Self {
        Self::Ledger(unopened.to_string())
    }
}

/// Why the ledger at `path` was not opened, as a command's failure.
pub fn unopened(path: &Path, error: OpenError) -> Failure {
    UnopenedLedger { path: path.to_owned(), error }.into()
}

/// What there is where the configuration has its ledger; nothing is made to find out.
pub enum LedgerFound {
    /// Keys are off, so none is opened.
    Unused,
    /// It is in memory.
    Memory,
    /// Nothing; the first run makes it.
    New(PathBuf),
    /// A ledger that can be read.
    Ready(Box<View>),
    /// Something that no run could open.
    Faulty(PathBuf, OpenError),
}

impl LedgerFound {
    /// Looks.
    pub fn by(config: &Config) -> Self {
        if !config.policy.idempotency().enabled {
            return Self::Unused;
        }
        let Some(path) = config.ledger_path() else { return Self::Memory };
        let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        match View::open(&path) {
            Ok(view) => Self::Ready(Box::new(view)),
            Err(OpenError::Missing) if directory.is_none_or(Path::is_dir) => Self::New(path),
            Err(error) => Self::Faulty(path, error),
        }
    }

    /// `{"path", "state": "unused" | "memory" | "new" | "ready" | CODE}`.
    pub fn as_json(&self) -> Object {
        let (path, state) = match self {
            Self::Unused => (None, "unused"),
            Self::Memory => (None, "memory"),
            Self::New(path) => (Some(path.as_path()), "new"),
            Self::Ready(view) => (Some(view.path()), "ready"),
            Self::Faulty(path, error) => (Some(path.as_path()), error.code()),
        };
        let path = path.map(shown);
        Object::from_iter([("path", Value::from(path)), ("state", state.into())])
    }
}

impl fmt::Display for LedgerFound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unused => f.write_str("none, because policy.idempotency.enabled is false"),
            Self::Memory => f.write_str("in memory"),
            Self::New(path) => write!(f, "{}, made by the first run", shown(path)),
            Self::Ready(view) => f.write_str(&shown(view.path())),
            Self::Faulty(path, error) => write!(f, "{}: {error} ({})", shown(path), error.code()),
        }
    }
}
