//! The deny rule: levels, scopes, and what a gate reading means for one action. Unknown means stop.

use alloc::string::String;

use decision_schema::{Action, Number, Object, Value};

use crate::model::wire_names;

/// How far a stop goes. The highest level over all scopes wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Level {
    /// Everything may start.
    #[default]
    Run,
    /// Nothing new starts; running executions may finish their retries.
    Drain,
    /// Nothing new, no further attempts; running attempts get the signal and the grace, then are killed.
    Stop,
    /// Running attempts are killed at once.
    Halt,
}

wire_names!(Level { Run => "run", Drain => "drain", Stop => "stop", Halt => "halt" });

/// What a gate entry covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// Everything.
    Global,
    /// One action.
    Action(Action),
    /// One execution, stopped by its own context.
    Context,
}

impl Scope {
    /// Reads `global` or `action:NAME`.
    pub fn from_name(name: &str) -> Option<Self> {
        match name.split_once(':') {
            None => (name == "global").then_some(Self::Global),
            Some(("action", action)) => Action::from_name(action).map(Self::Action),
            Some(_) => None,
        }
    }
}

impl core::fmt::Display for Scope {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Global => f.write_str("global"),
            Self::Action(action) => write!(f, "action:{action}"),
            Self::Context => f.write_str("context"),
        }
    }
}

/// Why a gate says no.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StopCode {
    /// Somebody or something engaged it.
    Stopped,
    /// It could not be read.
    Unreadable,
    /// It was not refreshed in time.
    Stale,
}

/// The gate as a report shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct GateStamp {
    /// Which entry decided.
    pub scope: Scope,
    /// Its level.
    pub level: Level,
    /// The epoch of its last change; 0 for sources that have none.
    pub epoch: u64,
}

/// What the gate means for one action at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Verdict {
    /// How far the stop goes.
    pub level: Level,
    /// Why, where `level` is above `run`.
    pub code: StopCode,
    /// Which entry decided, and its epoch.
    pub stamp: GateStamp,
}

impl Verdict {
    /// Nothing stands in the way.
    pub const RUN: Self = Self::new(Level::Run, StopCode::Stopped, Scope::Global, 0);

    /// A verdict of `level` by `scope` at `epoch`.
    pub const fn new(level: Level, code: StopCode, scope: Scope, epoch: u64) -> Self {
        Self { level, code, stamp: GateStamp { scope, level, epoch } }
    }

    /// The stricter of two verdicts; the first where they are equal. A fault outranks an engaged stop of the same level.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        let rank = |verdict: &Self| (verdict.level, verdict.code != StopCode::Stopped);
        if rank(&other) > rank(&self) { other } else { self }
    }

    /// What is left for an action that may run while stopped: it passes `drain` and `stop`, never `halt`, and never a
    /// gate that cannot be read, since that may hide a `halt`.
    #[must_use]
    pub fn exempting(self, allowed_when_stopped: bool) -> Self {
        if allowed_when_stopped && self.level < Level::Halt && self.code == StopCode::Stopped {
            Self::RUN
        } else {
            self
        }
    }

    /// Whether a start is barred: of new work from `drain` on, of a retry from `stop` on.
    pub fn bars_start(&self, is_new_work: bool) -> bool {
        if is_new_work { self.bars_new_work() } else { self.bars_retries() }
    }

    /// Whether an execution that has started nothing yet must not.
    pub fn bars_new_work(&self) -> bool {
        self.level >= Level::Drain
    }

    /// Whether a running execution must start no further attempt.
    pub fn bars_retries(&self) -> bool {
        self.level >= Level::Stop
    }
}

/// What the execution's own context says of the gate: `stop` or nothing (INV-EXE-4).
///
/// `ops_deny_actions` anything but absent, null or false; `ops_state` `"RED"` or not a string; `now_ms` before
/// `ops_cooldown_until_ms`, or that without a readable `now_ms`. What cannot be read means stop.
pub fn context_verdict(context: &Object) -> Verdict {
    let stops = context.iter().any(|(key, value)| match key {
        "ops_deny_actions" => !matches!(value, Value::Null | Value::Bool(false)),
        "ops_state" => match value {
            Value::Null => false,
            Value::String(state) => state.eq_ignore_ascii_case("RED"),
            Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => true,
        },
        "ops_cooldown_until_ms" => is_cooling_down(value, context.get("now_ms")),
        _ => false,
    });
    if stops { Verdict::new(Level::Stop, StopCode::Stopped, Scope::Context, 0) } else { Verdict::RUN }
}

fn is_cooling_down(until: &Value, now: Option<&Value>) -> bool {
    match (until, now) {
        (Value::Null, _) => false,
        (Value::Number(until), Some(Value::Number(now))) => !is_at_or_after(*now, *until),
        _ => true,
    }
}

fn is_at_or_after(now: Number, until: Number) -> bool {
    match (now.as_i64(), until.as_i64()) {
        (Some(now), Some(until)) => now >= until,
        _ => now.as_f64() >= until.as_f64(),
    }
}

/// One entry of a gate, as `status` prints it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GateEntry {
    /// What it covers.
    pub scope: Scope,
    /// Its level.
    pub level: Level,
    /// The epoch of its last change.
    pub epoch: u64,
    /// Why, as the operator said it.
    pub reason: String,
    /// When, Unix wall time in milliseconds.
    pub at_ms: i64,
}
