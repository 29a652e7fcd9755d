//! From a configuration to an engine: executors, gate, ledger, redactor.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use decision_schema::Action;
use failstop::{
    BuildError, Engine, EngineBuilder,
    core::{
        model::{Effect, EffectClass},
        redaction::{Profile, Redactor, RegisteredSecrets},
    },
    executor::{
        AnyExecutor, Secret,
        command::{CommandExecutor, CommandSpec},
        http::{HttpExecutor, HttpSpec},
        noop::Noop,
    },
    gate::{Gate, WatchedFile},
    ledger::{Ledger, MemoryLedger},
    pipeline::Pipeline,
};

use crate::{
    Config,
    fault::{ConfigFault, InvalidConfig, Place},
    read::Reader,
    settings::Settings,
};

/// The sections that may hold an executor: the default, then one for each action.
pub fn executor_sections() -> impl Iterator<Item = (Option<Action>, String)> {
    let routed = Action::ALL.into_iter().map(|action| (Some(action), format!("executors.{action}")));
    std::iter::once((None, "executor".to_owned())).chain(routed)
}

/// Checks what the keys of a section mean for each other.
pub(super) fn check_sections(reader: &mut Reader) {
    check_ledger(reader);
    for (_, section) in executor_sections() {
        if reader.settings.has_section(&section) {
            check_executor(reader, &section);
        }
    }
}

fn check_ledger(reader: &mut Reader) {
    let kind = reader.settings.text("ledger.kind").unwrap_or_default().to_owned();
    let place = reader.settings.place("ledger.kind");
    if kind == "postgres" {
        let message =
            "ledger.kind = \"postgres\" is not in this version, which has \"sqlite\" and \"memory\"";
        reader.faults.push(ConfigFault::new("config_ledger_unsupported", place, message));
    }
}

fn check_executor(reader: &mut Reader, section: &str) {
    let mut faults = Vec::new();
    let settings = &reader.settings;
    let first = settings.under(section).filter_map(|(_, entry)| entry.place.clone()).min();
    let missing = |name: &str| {
        let place = first.clone().unwrap_or(Place::Whole);
        ConfigFault::new("config_missing_key", place, format!("[{section}] needs {name}"))
    };
    let Some(kind) = settings.text(&format!("{section}.kind")) else {
        if !reader.faults.iter().any(|fault| fault.message.starts_with(&format!("{section}.kind"))) {
            faults.push(missing("kind"));
        }
        reader.faults.extend(faults);
        return;
    };
    for (name, entry) in settings.under(section) {
        let path = format!("{section}.{name}");
        if !reader.knows(kind, &path) {
            let place = entry.place.clone().unwrap_or(Place::Whole);
            faults.push(ConfigFault::new(
                "config_unfit_key",
                place,
                format!("{path} is not for kind {kind}"),
            ));
        }
    }
    for (of_kind, name) in [("command", "program"), ("http", "url")] {
        if kind == of_kind && settings.text(&format!("{section}.{name}")).is_none() {
            faults.push(missing(name));
        }
    }
    reader.faults.extend(faults);
}

impl Config {
    /// A pipeline that would carry out what this configuration says, and writes nothing down: to plan with, and to find
    /// out what is wrong before a ledger is made.
    ///
    /// # Errors
    /// Parts that cannot be made, or that contradict each other.
    pub fn pipeline(&self) -> Result<Pipeline, InvalidConfig> {
        self.pipeline_on(Arc::new(MemoryLedger::new()))
    }

    /// A pipeline that carries out what this configuration says, and writes it down in `ledger` if keys are on.
    ///
    /// # Errors
    /// Parts that cannot be made, or that contradict each other.
    pub fn pipeline_on(&self, ledger: Arc<dyn Ledger>) -> Result<Pipeline, InvalidConfig> {
        self.pipeline_of(self.builder_on(ledger)?)
    }

    /// The engine that this configuration describes, before it is built: a caller may route executors of its own, which
    /// take the place of those that are configured. Writes down in `ledger` if keys are on.
    ///
    /// # Errors
    /// Executors or a gate that cannot be made.
    pub fn builder_on(&self, ledger: Arc<dyn Ledger>) -> Result<EngineBuilder, InvalidConfig> {
        let mut faults = Vec::new();
        let mut builder = Engine::builder(self.policy.clone()).redactor(self.redactor()).plan_digests(true);
        if self.policy.idempotency().enabled {
            builder = builder.ledger(ledger);
        }
        if let Some(health) = self.health {
            builder = builder.health(health);
        }
        match self.gate() {
            Ok(gate) => builder = builder.gate(gate),
            Err(fault) => faults.push(fault),
        }
        for (action, section) in executor_sections() {
            match self.executor(&section) {
                Ok(Some(executor)) => builder = route(builder, action, executor),
                Ok(None) => {}
                Err(fault) => faults.push(fault),
            }
        }
        if faults.is_empty() { Ok(builder) } else { Err(self.invalid(faults)) }
    }

    /// The pipeline of an engine that [`Self::builder_on`] began, with this configuration's guards.
    ///
    /// # Errors
    /// Parts that contradict each other.
    pub fn pipeline_of(&self, builder: EngineBuilder) -> Result<Pipeline, InvalidConfig> {
        Pipeline::build(builder, self.guards).map_err(|error| self.invalid(vec![self.build_fault(&error)]))
    }

    fn build_fault(&self, error: &BuildError) -> ConfigFault {
        let (code, path) = match error {
            BuildError::LedgerMissing => ("config_ledger_missing", "policy.idempotency.enabled"),
            _ => ("config_retries_unknown_effects", "policy.retry.retry_unknown"),
        };
        ConfigFault::new(code, self.settings.place(path), error.to_string())
    }

    /// Knows every secret of the configuration, so that a target that echoes them gives nothing away.
    pub fn redactor(&self) -> Redactor {
        let secrets = self.settings.iter().filter(|(_, entry)| entry.kind.is_hidden());
        let secrets = secrets.flat_map(|(path, _)| self.settings.table(path)).map(|(_, secret)| secret);
        Redactor::new(Profile::Strict)
            .with_keep(self.settings.texts("redaction.keep"))
            .with_standing(RegisteredSecrets::new(secrets))
    }

    fn gate(&self) -> Result<Gate, ConfigFault> {
        let max_staleness_ms = self.settings.integer("gate.max_staleness_ms").unwrap_or(0);
        let Some(file) = self.settings.text("gate.file") else {
            return Ok(Gate::with_sources(None, max_staleness_ms));
        };
        let watched = WatchedFile::open(&self.resolve(file)).map_err(|error| {
            ConfigFault::new("config_gate_unwatchable", self.settings.place("gate.file"), error.to_string())
        })?;
        Ok(Gate::with_sources(Some(watched), max_staleness_ms))
    }

    fn executor(&self, section: &str) -> Result<Option<AnyExecutor>, ConfigFault> {
        let part = Section { config: self, settings: &self.settings, path: section };
        Ok(match part.text("kind") {
            Some("noop") => Some(AnyExecutor::new(Noop)),
            Some("command") => Some(AnyExecutor::new(CommandExecutor::new(part.command()))),
            Some("http") => Some(AnyExecutor::new(HttpExecutor::new(part.http()).map_err(|error| {
                let place = self.settings.place(&part.path("url"));
                ConfigFault::new(error.code(), place, format!("[{section}] {error}"))
            })?)),
            _ => None,
        })
    }

    /// The program of a section, as it will be looked for. A bare name is that of a file beside the configuration, if
    /// there is one, and else one for `PATH`.
    pub fn program(&self, section: &str) -> Option<PathBuf> {
        self.program_at(&format!("{section}.program"))
    }

    /// The probe of the executor that carries out `action`, started as that would be.
    pub fn probe(&self, action: Action) -> Option<CommandSpec> {
        let routed = format!("executors.{action}");
        let path = if self.settings.has_section(&routed) { routed.as_str() } else { "executor" };
        let part = Section { config: self, settings: &self.settings, path };
        let program = self.program_at(&part.path("probe"))?;
        let args = self.settings.texts(&part.path("probe_args")).to_vec();
        Some(CommandSpec { program, args, ..part.command() })
    }

    /// The file of the ledger, unless that is none.
    pub fn ledger_path(&self) -> Option<PathBuf> {
        let path = self.settings.text("ledger.path").unwrap_or("failstop.db");
        (self.settings.text("ledger.kind") == Some("sqlite")).then(|| self.resolve(path))
    }

    fn program_at(&self, path: &str) -> Option<PathBuf> {
        let program = self.settings.text(path)?;
        // `.` keeps a file in the current directory from being taken for a name for `PATH`.
        let beside = Path::new(".").join(self.resolve(program));
        Some(if program.contains('/') || beside.is_file() { beside } else { program.into() })
    }
}

fn route(builder: EngineBuilder, action: Option<Action>, executor: AnyExecutor) -> EngineBuilder {
    match action {
        Some(action) => builder.route(action, executor),
        None => builder.executor(executor),
    }
}

/// One executor's section.
struct Section<'c> {
    config: &'c Config,
    settings: &'c Settings,
    path: &'c str,
}

impl<'c> Section<'c> {
    fn path(&self, name: &str) -> String {
        format!("{}.{name}", self.path)
    }

    fn text(&self, name: &str) -> Option<&'c str> {
        self.settings.text(&self.path(name))
    }

    fn name(&self) -> &'c str {
        self.text("name").or(self.text("kind")).unwrap_or_default()
    }

    fn effect_class(&self) -> EffectClass {
        self.text("effect").and_then(EffectClass::from_name).unwrap_or_default()
    }

    fn max_output_bytes(&self, default: usize) -> usize {
        let set = self.settings.integer(&self.path("max_output_bytes"));
        set.map_or(default, |bytes| usize::try_from(bytes).unwrap_or(usize::MAX))
    }

    fn secrets(&self, name: &str) -> Vec<(String, Secret)> {
        let pairs = self.settings.table(&self.path(name)).iter();
        pairs.map(|(name, value)| (name.clone(), Secret::from(value.as_str()))).collect()
    }

    fn effects<C: std::str::FromStr + Ord>(&self, name: &str) -> BTreeMap<C, Effect> {
        let pairs = self.settings.table(&self.path(name)).iter();
        pairs.filter_map(|(code, effect)| Some((code.parse().ok()?, Effect::from_name(effect)?))).collect()
    }

    fn command(&self) -> CommandSpec {
        let mut spec = CommandSpec::new(self.name(), self.config.program(self.path).unwrap_or_default());
        spec.args = self.settings.texts(&self.path("args")).to_vec();
        spec.env = self.secrets("env");
        spec.inherit_env = self.settings.texts(&self.path("inherit_env")).to_vec();
        spec.cwd = self.text("cwd").map(|cwd| self.config.resolve(cwd));
        spec.effect_class = self.effect_class();
        spec.exit_effects = self.effects("exit_effects");
        spec.max_output_bytes = self.max_output_bytes(spec.max_output_bytes);
        spec
    }

    fn http(&self) -> HttpSpec {
        let mut spec = HttpSpec::new(self.name(), self.text("url").unwrap_or_default());
        spec.method = self.text("method").unwrap_or(&spec.method).to_owned();
        spec.headers = self.secrets("headers");
        spec.effect_class = self.effect_class();
        spec.status_effects = self.effects("status_effects");
        let connect_timeout_ms = self.settings.integer(&self.path("connect_timeout_ms"));
        spec.connect_timeout_ms = connect_timeout_ms.unwrap_or(spec.connect_timeout_ms);
        spec.max_output_bytes = self.max_output_bytes(spec.max_output_bytes);
        spec
    }
}
