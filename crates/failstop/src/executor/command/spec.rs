//! What the configuration says about one program.

use std::{collections::BTreeMap, fmt, path::PathBuf};

use execution_orchestration_core::model::{Effect, EffectClass};

use crate::executor::Secret;

/// The variables that a program inherits unless told otherwise, each if it is set.
pub const DEFAULT_INHERITED_ENV: [&str; 5] = ["PATH", "HOME", "LANG", "TZ", "TMPDIR"];

/// The default of [`CommandSpec::max_output_bytes`]: 64 KiB.
pub const DEFAULT_MAX_OUTPUT_BYTES: usize = 64 * 1024;

/// A program and how to start it. `Debug` shows neither arguments nor values of variables.
#[derive(Clone, PartialEq, Eq)]
pub struct CommandSpec {
    /// The executor's name in plans.
    pub name: String,
    /// The program. One without a slash is looked for in the child's `PATH`.
    pub program: PathBuf,
    /// Its arguments, without its own name.
    pub args: Vec<String>,
    /// Variables to set. They win over inherited ones.
    pub env: Vec<(String, Secret)>,
    /// Names of the variables to pass through from this process; default [`DEFAULT_INHERITED_ENV`].
    pub inherit_env: Vec<String>,
    /// The working directory; default this process's own.
    pub cwd: Option<PathBuf>,
    /// What the program promises about repeating its effect; default [`EffectClass::NonIdempotent`].
    pub effect_class: EffectClass,
    /// What exit codes mean, where it is not 0 applied, 75 not applied, all others unknown.
    pub exit_effects: BTreeMap<i32, Effect>,
    /// How much of standard output is kept, bytes; default [`DEFAULT_MAX_OUTPUT_BYTES`]. The rest is read and thrown
    /// away, and an answer that was cut does not count.
    pub max_output_bytes: usize,
}

impl CommandSpec {
    /// `program` without arguments, and the defaults for everything else.
    pub fn new(name: impl Into<String>, program: impl Into<PathBuf>) -> Self {
        Self {
            name: name.into(),
            program: program.into(),
            args: Vec::new(),
            env: Vec::new(),
            inherit_env: DEFAULT_INHERITED_ENV.map(str::to_owned).to_vec(),
            cwd: None,
            effect_class: EffectClass::NonIdempotent,
            exit_effects: BTreeMap::new(),
            max_output_bytes: DEFAULT_MAX_OUTPUT_BYTES,
        }
    }
}

impl fmt::Debug for CommandSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CommandSpec")
            .field("name", &self.name)
            .field("program", &self.program)
            .field("args", &self.args.len())
            .field("env", &self.env)
            .field("inherit_env", &self.inherit_env)
            .field("cwd", &self.cwd)
            .field("effect_class", &self.effect_class)
            .field("exit_effects", &self.exit_effects)
            .field("max_output_bytes", &self.max_output_bytes)
            .finish()
    }
}
