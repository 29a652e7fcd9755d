//! What health means for actions.

use alloc::vec::Vec;

use decision_schema::{Action, Number, Object, Value};

/// How well things go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum HealthState {
    /// Well.
    Green,
    /// Not well, and not so ill that actions must be denied.
    Yellow,
    /// Ill: actions are denied.
    Red,
}

impl HealthState {
    /// The wire name: `GREEN`, `YELLOW` or `RED`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Green => "GREEN",
            Self::Yellow => "YELLOW",
            Self::Red => "RED",
        }
    }
}

/// Why actions are denied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reason {
    /// The state is RED.
    ScoreBelowRed,
    /// A RED state of an earlier assessment was not long enough ago.
    CooldownActive,
}

impl Reason {
    /// The wire name: `health_score_below_red_threshold` or `kill_switch_cooldown_active`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ScoreBelowRed => "health_score_below_red_threshold",
            Self::CooldownActive => "kill_switch_cooldown_active",
        }
    }
}

/// What health means for actions at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Signal {
    /// How well things go.
    pub state: HealthState,
    /// The number behind `state`, `0.0..=1.0`; 1 is healthy.
    pub score: f64,
    /// Whether actions must be denied: the state is RED, or a cooldown goes on.
    pub deny_actions: bool,
    /// Until when actions are denied whatever the score, in milliseconds on the clock that the caller tells; `None`
    /// without a cooldown.
    pub cooldown_until_ms: Option<i64>,
    /// `HOLD` where actions are denied, else `ACT`.
    pub recommended_action: Action,
    /// Why actions are denied, RED first; empty where they are not.
    pub reasons: Vec<Reason>,
    /// False while samples that belong in the window are missing, since more than [`crate::MAX_SAMPLES`] of a kind came.
    /// Only the latency's part of the score can then be off: more samples than that spend every limit on a count.
    pub exact: bool,
}

impl Signal {
    /// What the guards downstream and the engine's own gate read, under the registered names:
    /// `{"ops_score": 0.0..=1.0, "ops_state": "GREEN|YELLOW|RED", "ops_deny_actions": bool,
    /// "ops_cooldown_until_ms": integer | null, "ops_reasons": [name of a reason]}`.
    pub fn to_context(&self) -> Object {
        let reasons: Vec<&str> = self.reasons.iter().map(|reason| reason.as_str()).collect();
        Object::from_iter([
            ("ops_score", Value::Number(Number::Float(self.score))),
            ("ops_state", self.state.as_str().into()),
            ("ops_deny_actions", self.deny_actions.into()),
            ("ops_cooldown_until_ms", self.cooldown_until_ms.into()),
            ("ops_reasons", reasons.into()),
        ])
    }
}
