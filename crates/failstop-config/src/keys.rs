//! Every key of the configuration, once: reading, environment variables, `failstop check`, the JSON Schema and the
//! reference page are all made from this table.

use decision_schema::Action;

use crate::pipeline;

/// What stands for the name of an action in [`Key::path`].
pub const ACTION: &str = "ACTION";

/// One key.
#[derive(Debug, Clone)]
pub struct Key {
    /// Its dotted path; [`ACTION`] stands for any action.
    pub path: String,
    /// What it may hold.
    pub kind: Kind,
    /// Its default as TOML; `None` where it may be absent.
    pub default: Option<&'static str>,
    /// One sentence.
    pub doc: &'static str,
    /// For keys of an executor: the kinds that know it. Empty: all.
    pub only: &'static [&'static str],
}

/// What a key may hold.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    /// An integer, both ends included.
    Integer {
        /// The least.
        min: u64,
        /// The greatest.
        max: u64,
    },
    /// A number, both ends included.
    Number {
        /// The least.
        min: f64,
        /// The greatest.
        max: f64,
    },
    /// `true` or `false`.
    Flag,
    /// One of these.
    Choice(&'static [&'static str]),
    /// A string.
    Text,
    /// A string that is not shown.
    HiddenText,
    /// A path, relative to the file.
    Path,
    /// Strings.
    Texts,
    /// Strings that are not shown.
    HiddenTexts,
    /// Names of actions.
    Actions,
    /// Names and values; the values are not shown.
    Secrets,
    /// Codes within these ends, and the effects they stand for.
    Effects {
        /// The least code.
        min: i64,
        /// The greatest code.
        max: i64,
    },
}

impl Kind {
    /// What it may hold, for people: `an integer from 0 to 100`.
    pub fn expected(self) -> String {
        match self {
            Self::Integer { min, max } => format!("an integer from {min} to {max}"),
            Self::Number { min, max } => format!("a number from {min:?} to {max:?}"),
            Self::Flag => "true or false".to_owned(),
            Self::Choice(names) => format!("one of {}", quoted(names.iter())),
            Self::Text | Self::HiddenText => "a string".to_owned(),
            Self::Path => "a path as a string".to_owned(),
            Self::Texts | Self::HiddenTexts => "an array of strings".to_owned(),
            Self::Actions => format!("an array of {}", quoted(Action::ALL.iter())),
            Self::Secrets => "a table of strings".to_owned(),
            Self::Effects { min, max } => {
                format!("a table from codes ({min} to {max}) to {}", quoted(EFFECTS.iter()))
            }
        }
    }

    /// Whether values of this kind are kept out of everything that is printed.
    pub const fn is_hidden(self) -> bool {
        matches!(self, Self::HiddenText | Self::HiddenTexts | Self::Secrets)
    }
}

fn quoted<T: std::fmt::Display>(names: impl Iterator<Item = T>) -> String {
    names.map(|name| format!("{name:?}", name = name.to_string())).collect::<Vec<_>>().join(", ")
}

/// The effects that a code may stand for.
pub const EFFECTS: [&str; 4] = ["applied", "not_applied", "rejected", "unknown"];

pub(super) const DAY_MS: u64 = 86_400_000;
pub(super) const MANY: u64 = 1_000_000_000;

/// A key as the tables below have it: path, kind, default, document.
pub(super) type Row = (&'static str, Kind, Option<&'static str>, &'static str);

const ROWS: &[Row] = &[
    (
        "policy.max_concurrency",
        Kind::Integer { min: 1, max: 16_777_216 },
        Some("16"),
        "Effects at once. With 1 effects come in the order of decisions.",
    ),
    (
        "policy.allow_when_stopped",
        Kind::Actions,
        Some("[]"),
        "Actions that may still run while the gate is at `drain` or `stop`.",
    ),
    ("policy.retry.max_retries", Kind::Integer { min: 0, max: 100 }, Some("3"), "Attempts after the first."),
    (
        "policy.retry.initial_backoff_ms",
        Kind::Integer { min: 0, max: DAY_MS },
        Some("100"),
        "The pause before the first retry, milliseconds.",
    ),
    (
        "policy.retry.max_backoff_ms",
        Kind::Integer { min: 0, max: DAY_MS },
        Some("5000"),
        "No pause is longer, milliseconds.",
    ),
    (
        "policy.retry.backoff_multiplier",
        Kind::Number { min: 0.0, max: 1000.0 },
        Some("2.0"),
        "Each pause is this many times the one before.",
    ),
    (
        "policy.retry.jitter",
        Kind::Choice(&["none", "derived"]),
        Some("\"derived\""),
        "Whether up to half of each pause is taken off, by a hash of the plan.",
    ),
    (
        "policy.retry.retry_unknown",
        Kind::Choice(&["auto", "always", "never"]),
        Some("\"auto\""),
        "Whether an attempt whose effect is unknown may be followed by another.",
    ),
    (
        "policy.timeout.timeout_per_action_ms",
        Kind::Integer { min: 1, max: DAY_MS },
        Some("5000"),
        "An attempt is stopped after this long, milliseconds.",
    ),
    (
        "policy.timeout.max_total_time_ms",
        Kind::Integer { min: 1, max: 7 * DAY_MS },
        Some("30000"),
        "An execution ends after this long, waits included, milliseconds.",
    ),
    (
        "policy.timeout.grace_ms",
        Kind::Integer { min: 0, max: 600_000 },
        Some("2000"),
        "A stopped attempt has this long to end by itself, milliseconds.",
    ),
    (
        "policy.timeout.min_attempt_ms",
        Kind::Integer { min: 0, max: 60_000 },
        Some("50"),
        "No attempt is started with less than this left of the total, milliseconds.",
    ),
    ("policy.idempotency.enabled", Kind::Flag, Some("true"), "Whether keys guard executions."),
    (
        "policy.idempotency.key_generator",
        Kind::Choice(&["action+context_hash", "custom"]),
        Some("\"action+context_hash\""),
        "Where a key comes from when a line brings none; `custom`: from nowhere.",
    ),
    (
        "policy.idempotency.on_in_progress",
        Kind::Choice(&["reject", "wait"]),
        Some("\"reject\""),
        "What happens to a duplicate of an execution that is still running.",
    ),
    (
        "policy.idempotency.retention_ms",
        Kind::Integer { min: 0, max: 3650 * DAY_MS },
        Some("2592000000"),
        "How long a finished key can be replayed, milliseconds.",
    ),
    (
        "policy.rate_limit.max_wait_ms",
        Kind::Integer { min: 0, max: DAY_MS },
        None,
        "How long an attempt may wait for its permits, milliseconds; 0 denies at once. Absent: what is left of the total time.",
    ),
    (
        "policy.rate_limit.global.permits",
        Kind::Integer { min: 1, max: MANY },
        None,
        "Attempts allowed in `per_ms`, over all actions.",
    ),
    (
        "policy.rate_limit.global.per_ms",
        Kind::Integer { min: 1, max: DAY_MS },
        None,
        "The period, milliseconds.",
    ),
    (
        "policy.rate_limit.global.burst",
        Kind::Integer { min: 1, max: MANY },
        None,
        "Attempts that may come at once after a quiet time. Absent: `permits`.",
    ),
    (
        "policy.rate_limit.actions.ACTION.permits",
        Kind::Integer { min: 1, max: MANY },
        None,
        "Attempts of this action allowed in `per_ms`.",
    ),
    (
        "policy.rate_limit.actions.ACTION.per_ms",
        Kind::Integer { min: 1, max: DAY_MS },
        None,
        "The period, milliseconds.",
    ),
    (
        "policy.rate_limit.actions.ACTION.burst",
        Kind::Integer { min: 1, max: MANY },
        None,
        "Attempts of this action that may come at once. Absent: `permits`.",
    ),
    (
        "policy.circuit_breaker.failures",
        Kind::Integer { min: 1, max: 1_000_000 },
        None,
        "Failed attempts in a row, of one action on one executor, after which no attempt is started for a while; `rejected` and refusals do not count. Absent: the breaker is off.",
    ),
    (
        "policy.circuit_breaker.open_ms",
        Kind::Integer { min: 1, max: DAY_MS },
        None,
        "How long none is started then, milliseconds. Absent: 30000.",
    ),
    (
        "policy.circuit_breaker.probes",
        Kind::Integer { min: 1, max: 1000 },
        None,
        "Attempts let through after that: if all succeed it is over, if one fails it begins anew. Absent: 1.",
    ),
    (
        "policy.retry_budget.ratio_per_mille",
        Kind::Integer { min: 0, max: 10_000 },
        None,
        "Retries of all executions together, in thousandths of their first attempts; past it an execution ends with its last error. Absent: there is no budget.",
    ),
    (
        "policy.retry_budget.min_per_second",
        Kind::Integer { min: 0, max: 1_000_000 },
        None,
        "Retries allowed in each second whatever the ratio. Absent: 1.",
    ),
    (
        "policy.retry_budget.burst",
        Kind::Integer { min: 1, max: 1_000_000 },
        None,
        "Retries that may come at once, at the start or after a good time. Absent: 100.",
    ),
    (
        "ledger.kind",
        Kind::Choice(&["memory", "sqlite", "postgres"]),
        Some("\"sqlite\""),
        "Where keys are kept: in a file, or in `memory`, which forgets them at exit. This version has no `postgres`.",
    ),
    (
        "ledger.path",
        Kind::Path,
        Some("\"failstop.db\""),
        "The file of a `sqlite` ledger, on a local disk; made where there is none.",
    ),
    ("ledger.url", Kind::HiddenText, None, "The address of a `postgres` ledger. Never shown."),
    (
        "gate.file",
        Kind::Path,
        None,
        "While this file exists, the gate is at `stop`. Its directory must exist.",
    ),
    (
        "gate.max_staleness_ms",
        Kind::Integer { min: 0, max: DAY_MS },
        Some("0"),
        "The gate counts as stopped when its file was not looked at for this long, milliseconds; 0: need not be.",
    ),
    ("trace.extended", Kind::Flag, Some("false"), "Whether reports carry the `x_exec.*` keys too."),
    (
        "redaction.keep",
        Kind::Texts,
        Some("[]"),
        "Names of members that do not speak of secrets, whatever they look like.",
    ),
];

const COMMAND: &[&str] = &["command"];
const HTTP: &[&str] = &["http"];
const BOTH: &[&str] = &["command", "http"];

/// The keys of one executor, under `executor` (for every action) and under `executors.ACTION`.
const EXECUTOR_ROWS: &[(Row, &[&str])] = &[
    (
        ("kind", Kind::Choice(&["noop", "command", "http"]), None, "What carries the action out. Required."),
        &[],
    ),
    (("name", Kind::Text, None, "The name in plans. Absent: the kind."), BOTH),
    (
        (
            "effect",
            Kind::Choice(&["read_only", "naturally_idempotent", "keyed_idempotent", "non_idempotent"]),
            Some("\"non_idempotent\""),
            "What it promises about repeating its effect.",
        ),
        BOTH,
    ),
    (
        (
            "max_output_bytes",
            Kind::Integer { min: 0, max: 16 << 20 },
            Some("65536"),
            "How much of its answer is read, bytes.",
        ),
        BOTH,
    ),
    (
        (
            "program",
            Kind::Path,
            None,
            "The program. Required. Relative to this file; a bare name that is no file beside it is looked for in `PATH`.",
        ),
        COMMAND,
    ),
    (("args", Kind::HiddenTexts, Some("[]"), "Its arguments. Never shown."), COMMAND),
    (("env", Kind::Secrets, Some("{}"), "Variables to set. Values are never shown."), COMMAND),
    (
        (
            "inherit_env",
            Kind::Texts,
            Some("[\"PATH\", \"HOME\", \"LANG\", \"TZ\", \"TMPDIR\"]"),
            "Variables to pass through.",
        ),
        COMMAND,
    ),
    (("cwd", Kind::Path, None, "Its working directory. Absent: the one failstop was started in."), COMMAND),
    (
        (
            "probe",
            Kind::Path,
            None,
            "A program that tells `failstop resolve --probe` whether an effect happened; found and started as `program` is.",
        ),
        COMMAND,
    ),
    (("probe_args", Kind::HiddenTexts, Some("[]"), "The arguments of `probe`. Never shown."), COMMAND),
    (
        (
            "exit_effects",
            Kind::Effects { min: 0, max: 255 },
            Some("{}"),
            "What exit codes mean, where it is not 0 applied, 75 not applied, all others unknown.",
        ),
        COMMAND,
    ),
    (
        (
            "url",
            Kind::HiddenText,
            None,
            "`http://` or `https://`; path and query may contain `{action}`, `{run_id}`, `{step}`, `{tenant}`. Required. Only its host is shown.",
        ),
        HTTP,
    ),
    (("method", Kind::Text, Some("\"POST\""), "The method."), HTTP),
    (("headers", Kind::Secrets, Some("{}"), "Headers to send. Values are never shown."), HTTP),
    (
        (
            "status_effects",
            Kind::Effects { min: 200, max: 599 },
            Some("{}"),
            "What statuses mean, where it is not what their class says.",
        ),
        HTTP,
    ),
    (
        (
            "connect_timeout_ms",
            Kind::Integer { min: 1, max: 600_000 },
            Some("3000"),
            "How long the way to the first byte of the request may take, milliseconds.",
        ),
        HTTP,
    ),
];

/// Every key, in the order of the reference page.
pub fn all() -> Vec<Key> {
    let plain = ROWS.iter().chain(pipeline::ROWS).map(|row| key("", *row, &[]));
    let executors = ["executor.", "executors.ACTION."]
        .into_iter()
        .flat_map(|prefix| EXECUTOR_ROWS.iter().map(move |(row, only)| key(prefix, *row, only)));
    plain.chain(executors).collect()
}

fn key(prefix: &str, (path, kind, default, doc): Row, only: &'static [&'static str]) -> Key {
    Key { path: format!("{prefix}{path}"), kind, default, doc, only }
}

impl Key {
    /// The paths it stands for: itself, or one for each action.
    pub fn concrete_paths(&self) -> Vec<String> {
        if self.path.split('.').any(|segment| segment == ACTION) {
            Action::ALL.iter().map(|action| self.path.replace(ACTION, action.as_str())).collect()
        } else {
            vec![self.path.clone()]
        }
    }

    /// Whether it has a value even where its section is not there.
    pub fn stands_alone(&self) -> bool {
        !self.path.starts_with("executor")
    }

    /// The section it is in: all of its path but the last name.
    pub fn section(&self) -> &str {
        self.path.rsplit_once('.').map_or("", |(section, _)| section)
    }

    /// Its own name: the last of its path.
    pub fn name(&self) -> &str {
        self.path.rsplit_once('.').map_or(self.path.as_str(), |(_, name)| name)
    }
}

/// The environment variable that overrides `path`.
pub fn variable(path: &str) -> String {
    format!("FAILSTOP_{}", path.replace('.', "_").to_uppercase())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use failstop::core::policies::{
        CircuitBreakerPolicy, ExecutionPolicy, PolicySpec, Quota, RateLimitPolicy, RetryBudgetPolicy,
    };

    use super::*;

    #[test]
    fn no_two_keys_share_a_variable() {
        let paths: Vec<String> = all().iter().flat_map(Key::concrete_paths).collect();
        let variables: BTreeSet<String> = paths.iter().map(|path| variable(path)).collect();
        assert_eq!(variables.len(), paths.len());
    }

    #[test]
    fn ranges_are_those_of_the_policies() {
        let quota = Quota { permits: 0, per_ms: 0, burst: 0 };
        let mut spec = PolicySpec { max_concurrency: 0, ..PolicySpec::default() };
        spec.retry.max_retries = u32::MAX;
        spec.retry.initial_backoff_ms = u64::MAX;
        spec.retry.max_backoff_ms = u64::MAX;
        spec.retry.backoff_multiplier = -1.0;
        spec.timeout.timeout_per_action_ms = 0;
        spec.timeout.max_total_time_ms = 0;
        spec.timeout.grace_ms = u64::MAX;
        spec.timeout.min_attempt_ms = u64::MAX;
        spec.idempotency.retention_ms = u64::MAX;
        spec.rate_limit =
            RateLimitPolicy { global: Some(quota), max_wait_ms: Some(u64::MAX), ..spec.rate_limit };
        spec.circuit_breaker = Some(CircuitBreakerPolicy { failures: 0, open_ms: 0, probes: 0 });
        spec.retry_budget =
            Some(RetryBudgetPolicy { ratio_per_mille: u32::MAX, min_per_second: u32::MAX, burst: 0 });
        let invalid = ExecutionPolicy::new(spec).unwrap_err();
        let told: BTreeSet<String> =
            invalid.faults().iter().map(|fault| format!("{} {}", fault.path, fault.allowed)).collect();
        let is_number = |key: &&Key| matches!(key.kind, Kind::Integer { .. } | Kind::Number { .. });
        let keys = all();
        let ours = keys
            .iter()
            .filter(|key| key.path.starts_with("policy.") && !key.path.contains(ACTION))
            .filter(|key| pipeline::ROWS.iter().all(|row| row.0 != key.path))
            .filter(is_number);
        assert_eq!(
            ours.map(|key| format!("{} {}", key.path, key.kind.expected())).collect::<BTreeSet<_>>(),
            told
        );
    }
}
