//! How far a chain had come: one line that is worth keeping elsewhere.

use core::{fmt, str::FromStr};

use decision_schema::{Number, Value, json};

use crate::idempotency::Digest;

/// A place in a chain, and the hash that stood there. Displays as `{"seq":..,"head":"..","at_ms":..}`, one line of
/// JSON, `head` being 64 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Checkpoint {
    /// The event it speaks of; as many events there were.
    pub seq: u64,
    /// The hash of that event.
    pub head: Digest,
    /// When that event was recorded, Unix wall time in milliseconds; for people, never for proof.
    pub at_ms: i64,
}

impl fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seq, head, at_ms } = self;
        write!(f, r#"{{"seq":{seq},"head":"{head}","at_ms":{at_ms}}}"#)
    }
}

/// The text is no checkpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a checkpoint is one json object of seq, head and at_ms")]
pub struct ParseCheckpointError;

impl ParseCheckpointError {
    /// A stable name of the fault.
    pub const fn code(self) -> &'static str {
        "audit_checkpoint_unreadable"
    }
}

impl FromStr for Checkpoint {
    type Err = ParseCheckpointError;

    /// Reads what is displayed; spaces and the order of members do not matter.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        json::parse(text.as_bytes()).ok().as_ref().and_then(read).ok_or(ParseCheckpointError)
    }
}

fn read(value: &Value) -> Option<Checkpoint> {
    let members = value.as_object().filter(|members| members.len() == 3)?;
    Some(Checkpoint {
        seq: natural(members.get("seq")?)?,
        head: members.get("head")?.as_str()?.parse().ok()?,
        at_ms: members.get("at_ms")?.as_i64()?,
    })
}

/// An integer in `u64`'s range, written as one.
pub(super) fn natural(value: &Value) -> Option<u64> {
    match value.as_number()? {
        Number::Uint(number) => Some(number),
        Number::Int(number) => number.try_into().ok(),
        Number::Float(_) => None,
    }
}

/// Where a checkpoint comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// Kept elsewhere: what it says was so.
    Kept,
    /// From the ledger's own table: like all of it, it must agree with the events.
    Table,
}
