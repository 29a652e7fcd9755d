//! Decisions and proposals: `Action`, `Proposal`, `FinalDecision`, `MismatchInfo`.

use alloc::{string::String, vec::Vec};

use crate::json::Object;

/// What a decision asks for. Domain-agnostic: what `ACT` does is the executor's business.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// Do nothing, on purpose.
    Hold,
    /// Act.
    Act,
    /// Leave what was entered.
    Exit,
    /// Withdraw what was asked for.
    Cancel,
    /// Stop.
    Stop,
}

impl Action {
    /// All actions, in the order of the contract.
    pub const ALL: [Self; 5] = [Self::Hold, Self::Act, Self::Exit, Self::Cancel, Self::Stop];

    /// The wire name: `HOLD`, `ACT`, `EXIT`, `CANCEL` or `STOP`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hold => "HOLD",
            Self::Act => "ACT",
            Self::Exit => "EXIT",
            Self::Cancel => "CANCEL",
            Self::Stop => "STOP",
        }
    }

    /// The action with this wire name, exactly as written.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|action| action.as_str() == name)
    }
}

impl core::fmt::Display for Action {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a proposer wants, before any guard has looked at it.
#[derive(Debug, Clone, PartialEq)]
pub struct Proposal {
    /// The action proposed.
    pub action: Action,
    /// How sure the proposer is, `0.0..=1.0`.
    pub confidence: f64,
    /// Why, as short codes.
    pub reasons: Vec<String>,
    /// Domain data; keys are namespaced (`domain:key`).
    pub params: Option<Object>,
    /// The run this belongs to.
    pub run_id: Option<String>,
    /// What the proposer looked at.
    pub features_summary: Object,
}

/// What a guard changed and why.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct MismatchInfo {
    /// Which guards spoke.
    pub flags: Vec<String>,
    /// Their reasons, as codes.
    pub reason_codes: Vec<String>,
    /// How long until the throttle may be asked again, milliseconds.
    pub throttle_refresh_ms: Option<i64>,
    /// Guard-specific data.
    pub metadata: Option<Object>,
}

/// A decision after modulation: what [`execute`](https://docs.rs/failstop) carries out.
#[derive(Debug, Clone, PartialEq)]
pub struct FinalDecision {
    /// The action to take.
    pub action: Action,
    /// Whether it may be taken at all. Default `true`.
    pub allowed: bool,
    /// Why, as short codes.
    pub reasons: Vec<String>,
    /// What the guards changed.
    pub mismatch: Option<MismatchInfo>,
    /// Wait this long before the first attempt, milliseconds, `>= 0`.
    pub throttle_ms: Option<u64>,
    /// After a success, deny the same action of the same tenant for this long, milliseconds, `>= 0`.
    pub cooldown_ms: Option<u64>,
    /// Domain data for the executor; keys are namespaced (`domain:key`).
    pub params: Option<Object>,
}

impl FinalDecision {
    /// An allowed decision to take `action`, with nothing else set.
    pub const fn new(action: Action) -> Self {
        Self {
            action,
            allowed: true,
            reasons: Vec::new(),
            mismatch: None,
            throttle_ms: None,
            cooldown_ms: None,
            params: None,
        }
    }
}
