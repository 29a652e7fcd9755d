//! Where the ledger is, and how commands open it.

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
};

use clap::Args;
use decision_schema::{Object, Value};
use failstop::ledger::{Ledger, MemoryLedger};
use failstop_config::Config;
use failstop_sqlite::{OpenError, Options, SqliteLedger, view::View};

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

/// What a run writes down on: the ledger of the configuration, opened or made.
pub enum RunLedger {
    /// Kept in memory, for the life of the process.
    Memory(Arc<MemoryLedger>),
    /// Kept in a file.
    Sqlite(Arc<SqliteLedger>),
}

impl RunLedger {
    /// Opens the configuration's ledger, or makes it, and says what people should know of it.
    ///
    /// # Errors
    /// Where it cannot be opened.
    pub fn open(config: &Config) -> Result<Self, Failure> {
        let is_wanted = config.policy.idempotency().enabled;
        let Some(path) = config.ledger_path().filter(|_| is_wanted) else {
            if is_wanted {
                stderr::say(
                    "ledger.kind = \"memory\": keys are forgotten at exit, so a second run repeats effects",
                );
            }
            return Ok(Self::Memory(Arc::new(MemoryLedger::new())));
        };
        let ledger = open(&path, config.policy.idempotency().retention_ms)?;
        if ledger.is_new() {
            stderr::say(&format!("new ledger {}", shown(&path)));
        }
        if ledger.recovered() > 0 {
            stderr::say(&format!(
                "keys in doubt, left by a process that died: {}; see failstop list --state IN_DOUBT",
                ledger.recovered()
            ));
        }
        Ok(Self::Sqlite(Arc::new(ledger)))
    }

    /// The ledger for an engine.
    pub fn shared(&self) -> Arc<dyn Ledger> {
        match self {
            Self::Memory(ledger) => Arc::clone(ledger) as Arc<dyn Ledger>,
            Self::Sqlite(ledger) => Arc::clone(ledger) as Arc<dyn Ledger>,
        }
    }

    /// Waits until all that was noted is durable; whether it is.
    pub fn flush(&self) -> bool {
        match self {
            Self::Memory(_) => true,
            Self::Sqlite(ledger) => ledger.flush(),
        }
    }
}

/// Opens a ledger to work on it, and makes it where there is none.
///
/// # Errors
/// Where it cannot be opened.
pub fn open(path: &Path, retention_ms: u64) -> Result<SqliteLedger, Failure> {
    let options = Options::default().retention_ms(i64::try_from(retention_ms).unwrap_or(i64::MAX));
    SqliteLedger::open(path, options).map_err(|error| unopened(path, error))
}

/// Why the ledger at `path` was not opened, as a command's failure.
pub fn unopened(path: &Path, error: OpenError) -> Failure {
    Failure::Ledger(format!("{}: {error} ({})", shown(path), error.code()))
}

/// The path as people named it.
pub fn shown(path: &Path) -> String {
    path.strip_prefix(".").unwrap_or(path).display().to_string()
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
