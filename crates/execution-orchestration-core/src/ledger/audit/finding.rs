//! What an audit finds.

use alloc::{borrow::Cow, string::String, vec::Vec};
use core::fmt;

use crate::stop::Level;

/// How many findings are kept; the others are counted.
pub const MAX_FINDINGS: usize = 1_000;

/// One thing that cannot be so in a ledger that only failstop has written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What is wrong.
    pub kind: FindingKind,
    /// The event, or the row that is known by one.
    pub seq: Option<u64>,
    /// The key, or what else names the row: a scope of the gate, the digest of a retired key.
    pub key: Option<String>,
}

impl fmt::Display for Finding {
    /// The code, the event and what is wrong; never the key, nor anything else that stands in the ledger.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.seq {
            Some(seq) => write!(f, "{}: event {seq}: {}", self.kind.code(), self.kind),
            None => write!(f, "{}: {}", self.kind.code(), self.kind),
        }
    }
}

/// What is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FindingKind {
    /// An event is missing, is there twice or is out of place.
    #[error("the event in this place should be number {expected}")]
    Sequence {
        /// One more than the event before it.
        expected: u64,
    },
    /// The event, or one before it, was changed.
    #[error("the hash is not that of the event behind the one before it")]
    Hash,
    /// What is stored cannot be an event at all.
    #[error("it cannot be read as an event")]
    Unreadable,
    /// The body is not strict JSON.
    #[error("the body is not strict json")]
    BodyNotJson,
    /// The body means the same as what was hashed, and is written otherwise.
    #[error("the body is not canonical json")]
    BodyNotCanonical,
    /// A column or a member of the body is missing or unfit for the event's kind.
    #[error("{member} is not what such an event has")]
    Malformed {
        /// The column, or the body's member.
        member: &'static str,
    },
    /// The chain does not begin with the making of a ledger.
    #[error("the first event is not the making of a ledger")]
    NotCreated,
    /// A ledger is made only once.
    #[error("a ledger is made only once")]
    CreatedAgain,
    /// The chain says something else than a checkpoint that was kept elsewhere.
    #[error("the chain is not the one of the kept checkpoint")]
    CheckpointDiffers,
    /// The chain ends before a checkpoint that was kept elsewhere.
    #[error("the chain ends before the kept checkpoint")]
    TailCut,
    /// An outcome, a resolution or an expiry of what was never started, or has ended already.
    #[error("an outcome without a start")]
    OutcomeWithoutStart,
    /// Two attempts may have had an effect under one key, and nothing allows it (INV-FS-1).
    #[error("two possible effects under one key")]
    SecondEffect,
    /// A start under a key whose execution is over.
    #[error("a start after the end of the key")]
    StartAfterEnd,
    /// The event knows another fence than the key's, or a start's is not its own number.
    #[error("the fence is not the key's")]
    Fence,
    /// Attempts are counted one by one.
    #[error("attempts are not counted one by one")]
    Attempt,
    /// The key stood for another decision before.
    #[error("the key stands for another decision")]
    Fingerprint,
    /// It says that nothing happened where something may have (INV-FS-3).
    #[error("it denies an effect that may have been")]
    EffectDenied,
    /// Only what is in doubt can be resolved.
    #[error("a resolution of what was not in doubt")]
    NotInDoubt,
    /// Only what is known for certain may be retired.
    #[error("the record was retired before its end")]
    ExpiredEarly,
    /// The report in the body says something else than the event, or than the events before it.
    #[error("the report's {member} contradicts the events")]
    Report {
        /// The report's member.
        member: &'static str,
    },
    /// The gate's epochs only ever grow, and a start names the last one before it.
    #[error("the gate's epoch does not follow from the events before, the last of which is {last}")]
    GateEpoch {
        /// The highest epoch so far.
        last: u64,
    },
    /// A release is recorded before it takes effect.
    #[error("a level was lowered whose release was not announced")]
    ReleaseUnannounced,
    /// A start that the gate in force barred (INV-EXE-4).
    #[error("a start inside a stop window, the gate being at {level}")]
    StartInStopWindow {
        /// The level in force for the action.
        level: Level,
    },
    /// A start that passes the gate as a retry, and cannot be one.
    #[error("a start that claims to be a retry and is none")]
    NotARetry,
    /// A row is missing that follows from the events.
    #[error("a row is missing from {table}")]
    RowMissing {
        /// Which table.
        table: &'static str,
    },
    /// A row does not follow from the events.
    #[error("a row of {table} does not follow from the events")]
    RowExtra {
        /// Which table.
        table: &'static str,
    },
    /// A column says something else than what follows from the events.
    #[error("{table}.{column} does not follow from the events")]
    Column {
        /// Which table.
        table: &'static str,
        /// Which of its columns.
        column: Cow<'static, str>,
    },
    /// The database itself is damaged: an index that leaves a row out hides it.
    #[error("the database's own check finds it damaged")]
    Integrity,
    /// The tables themselves are not those that failstop makes.
    #[error("the tables are not those of a ledger")]
    Schema,
}

impl FindingKind {
    /// A stable name.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Sequence { .. } => "audit_sequence",
            Self::Hash => "audit_hash",
            Self::Unreadable => "audit_event_unreadable",
            Self::BodyNotJson => "audit_body_not_json",
            Self::BodyNotCanonical => "audit_body_not_canonical",
            Self::Malformed { .. } => "audit_event_malformed",
            Self::NotCreated => "audit_not_created",
            Self::CreatedAgain => "audit_created_again",
            Self::CheckpointDiffers => "audit_checkpoint_differs",
            Self::TailCut => "audit_tail_cut",
            Self::OutcomeWithoutStart => "audit_outcome_without_start",
            Self::SecondEffect => "audit_second_effect",
            Self::StartAfterEnd => "audit_start_after_end",
            Self::Fence => "audit_fence",
            Self::Attempt => "audit_attempt",
            Self::Fingerprint => "audit_fingerprint",
            Self::EffectDenied => "audit_effect_denied",
            Self::NotInDoubt => "audit_not_in_doubt",
            Self::ExpiredEarly => "audit_expired_early",
            Self::Report { .. } => "audit_report",
            Self::GateEpoch { .. } => "audit_gate_epoch",
            Self::ReleaseUnannounced => "audit_release_unannounced",
            Self::StartInStopWindow { .. } => "audit_start_in_stop_window",
            Self::NotARetry => "audit_not_a_retry",
            Self::RowMissing { .. } => "audit_row_missing",
            Self::RowExtra { .. } => "audit_row_extra",
            Self::Column { .. } => "audit_column",
            Self::Integrity => "audit_integrity",
            Self::Schema => "audit_schema",
        }
    }
}

/// All that was found, of which the first [`MAX_FINDINGS`] are kept.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Findings {
    kept: Vec<Finding>,
    beyond: u64,
}

impl Findings {
    /// Adds one.
    pub fn add(&mut self, kind: FindingKind, seq: Option<u64>, key: Option<&str>) {
        if self.kept.len() < MAX_FINDINGS {
            self.kept.push(Finding { kind, seq, key: key.map(Into::into) });
        } else {
            self.beyond += 1;
        }
    }

    /// Whether nothing was found.
    pub const fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    /// How many were found in all.
    pub const fn total(&self) -> u64 {
        self.kept.len() as u64 + self.beyond
    }

    /// The first of them, in the order in which they were found.
    pub fn iter(&self) -> core::slice::Iter<'_, Finding> {
        self.kept.iter()
    }
}

impl<'f> IntoIterator for &'f Findings {
    type Item = &'f Finding;
    type IntoIter = core::slice::Iter<'f, Finding>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}
