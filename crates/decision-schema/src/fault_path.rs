//! Names the field of the schema that a fault of plain JSON lies in.

use alloc::{format, string::String};

use crate::{
    envelope::Envelope,
    json::PathStep,
    packet_v2::PacketV2,
    types::{FinalDecision, MismatchInfo, Proposal},
};

/// What the schema knows of the members of a value.
#[derive(Clone, Copy)]
enum Room {
    Line,
    Decision,
    Proposal,
    Mismatch,
    Packet,
    /// A list of strings, or free JSON: what is in it has no names of ours.
    Leaf,
}

impl Room {
    const fn fields(self) -> [&'static [&'static str]; 2] {
        match self {
            Self::Line => [Envelope::FIELDS, FinalDecision::FIELDS],
            Self::Decision => [FinalDecision::FIELDS, &[]],
            Self::Proposal => [Proposal::FIELDS, &[]],
            Self::Mismatch => [MismatchInfo::FIELDS, &[]],
            Self::Packet => [PacketV2::FIELDS, &[]],
            Self::Leaf => [&[], &[]],
        }
    }

    fn enter(self, field: &str) -> Self {
        match (self, field) {
            (Self::Line, "decision") => Self::Decision,
            (Self::Line, "proposal") => Self::Proposal,
            (Self::Line, "packet") => Self::Packet,
            (Self::Line | Self::Decision, "mismatch") => Self::Mismatch,
            _ => Self::Leaf,
        }
    }
}

/// The innermost field on the way to the fault that has a name in the schema: `decision.params`, never further.
pub(crate) fn schema_path(steps: &[PathStep], line: &[u8]) -> String {
    let mut room = Room::Line;
    let mut path = String::new();
    for step in steps {
        let PathStep::Member { name_offset } = *step else { break };
        let Some(field) = field_at(room, line.get(name_offset..).unwrap_or_default()) else { break };
        let separator = if path.is_empty() { "" } else { "." };
        path = format!("{path}{separator}{field}");
        room = room.enter(field);
    }
    path
}

/// The field of `room` whose quoted name `text` begins with. A name that is written with escapes is not recognised.
fn field_at(room: Room, text: &[u8]) -> Option<&'static str> {
    let name = text.strip_prefix(b"\"")?;
    let spelt =
        |field: &&str| name.strip_prefix(field.as_bytes()).is_some_and(|rest| rest.starts_with(b"\""));
    room.fields().into_iter().flatten().copied().find(spelt)
}
