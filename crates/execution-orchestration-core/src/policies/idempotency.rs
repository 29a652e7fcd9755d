//! Whether keys are in force, and where they come from.

use decision_schema::policy_fault::PolicyFaults;

/// Where an idempotency key comes from when the request brings none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum KeyGenerator {
    /// From action, params, context and identity; see [`crate::idempotency::generated_key`]. The default.
    #[default]
    ActionContextHash,
    /// From nowhere: the request must bring one.
    Custom,
}

impl KeyGenerator {
    /// The name in configuration and plans: `action+context_hash` or `custom`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ActionContextHash => "action+context_hash",
            Self::Custom => "custom",
        }
    }
}

/// What happens to a duplicate of an execution that is still running.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum OnInProgress {
    /// It is refused. The default.
    #[default]
    Reject,
    /// It waits for the running one, within its own total time.
    Wait,
}

impl OnInProgress {
    /// The name in configuration and plans: `reject` or `wait`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Reject => "reject",
            Self::Wait => "wait",
        }
    }
}

/// Whether keys are in force, and where they come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IdempotencyPolicy {
    /// Whether keys guard executions. Default off, as in the reference.
    pub enabled: bool,
    /// Where a key comes from when the request brings none.
    pub key_generator: KeyGenerator,
    /// What happens to a duplicate of an execution that is still running.
    pub on_in_progress: OnInProgress,
    /// How long a finished key can be replayed, in milliseconds, `0..=315_360_000_000` (ten years). Default 30 days.
    pub retention_ms: u64,
}

impl Default for IdempotencyPolicy {
    fn default() -> Self {
        Self {
            enabled: false,
            key_generator: KeyGenerator::ActionContextHash,
            on_in_progress: OnInProgress::Reject,
            retention_ms: 30 * 86_400_000,
        }
    }
}

impl IdempotencyPolicy {
    pub(super) fn check(&self, faults: &mut PolicyFaults) {
        faults.integer("policy.idempotency.retention_ms", self.retention_ms, 0, 10 * 365 * 86_400_000);
    }
}
