//! What an event of each kind says, read back from its columns and its body.

use alloc::borrow::ToOwned;

use decision_schema::{Action, Object, Value};

use super::{checkpoint::natural, finding::FindingKind};
use crate::{
    ledger::{Beginning, Event, EventKind, OwnerId, Resolution, body::LEDGER_SCHEMA},
    model::ExecutionReport,
    stop::{GateEntry, Level, Scope},
};

/// A start, as its event tells it.
pub(super) struct Started {
    pub(super) beginning: Beginning,
    pub(super) action: Action,
    pub(super) is_new_work: bool,
    pub(super) is_exempt: bool,
    pub(super) report: ExecutionReport,
}

type Read<T> = Result<T, FindingKind>;

/// Whether the columns beside the body are those that the kind has.
pub(super) fn check_columns(event: &Event) -> Read<()> {
    let (has_key, has_fence) = match event.kind {
        EventKind::Created | EventKind::Gate | EventKind::Release => (Some(false), false),
        EventKind::Denied => (None, false),
        EventKind::Started
        | EventKind::Open
        | EventKind::Succeeded
        | EventKind::Failed
        | EventKind::InDoubt
        | EventKind::Late
        | EventKind::Resolved
        | EventKind::Expired => (Some(true), true),
    };
    let has_epoch = matches!(event.kind, EventKind::Started | EventKind::Gate | EventKind::Release);
    if has_key.is_some_and(|has_key| has_key != event.key.is_some()) {
        return Err(malformed("key"));
    }
    if has_fence != event.fence.is_some() {
        return Err(malformed("fence"));
    }
    if has_epoch == event.gate_epoch.is_some() { Ok(()) } else { Err(malformed("gate_epoch")) }
}

/// The id of the ledger that a `created` event makes.
pub(super) fn created(body: &Object) -> Read<&str> {
    if text(body, "schema")? != LEDGER_SCHEMA {
        return Err(malformed("schema"));
    }
    text(body, "ledger")
}

pub(super) fn started(event: &Event, body: &Object) -> Read<Started> {
    let beginning = Beginning {
        fingerprint: text(body, "fingerprint")?.parse().map_err(|_| malformed("fingerprint"))?,
        fence: event.fence.unwrap_or(event.seq),
        attempt: member(body, "attempt", |number| natural(number)?.try_into().ok())?,
        owner: text(body, "owner")?.parse::<OwnerId>().map_err(|_| malformed("owner"))?,
        may_repeat: member(body, "may_repeat", Value::as_bool)?,
    };
    Ok(Started {
        beginning,
        action: member(body, "action", |name| Action::from_name(name.as_str()?))?,
        is_new_work: member(body, "new_work", Value::as_bool)?,
        is_exempt: member(body, "exempt", Value::as_bool)?,
        report: report(body)?,
    })
}

/// The report that `open`, `succeeded`, `failed`, `in_doubt`, `denied`, `started` and `resolved` have.
pub(super) fn report(body: &Object) -> Read<ExecutionReport> {
    member(body, "report", |value| ExecutionReport::from_value(value).ok())
}

pub(super) fn resolved(body: &Object) -> Read<(Resolution, ExecutionReport)> {
    text(body, "who")?;
    if text(body, "reason")?.is_empty() {
        return Err(malformed("reason"));
    }
    let resolution = member(body, "as", |name| Resolution::from_name(name.as_str()?))?;
    Ok((resolution, report(body)?))
}

/// Whether a `late` event says which attempt claims what.
pub(super) fn check_late(body: &Object) -> Read<()> {
    text(body, "claims")?;
    member(body, "attempt", |number| u32::try_from(natural(number)?).ok()).map(|_| ())
}

pub(super) fn gate(event: &Event, body: &Object) -> Read<GateEntry> {
    Ok(GateEntry {
        scope: member(body, "scope", |name| Scope::from_name(name.as_str()?))?,
        level: member(body, "level", |name| Level::from_name(name.as_str()?))?,
        epoch: event.gate_epoch.ok_or(malformed("gate_epoch"))?,
        reason: text(body, "reason")?.to_owned(),
        at_ms: member(body, "changed_at_ms", Value::as_i64)?,
    })
}

/// The scope that is about to be released, and the epoch of its last change as whoever does it knows it.
pub(super) fn release(event: &Event, body: &Object) -> Read<(Scope, u64)> {
    text(body, "who")?;
    if text(body, "reason")?.is_empty() {
        return Err(malformed("reason"));
    }
    let scope = member(body, "scope", |name| Scope::from_name(name.as_str()?))?;
    Ok((scope, event.gate_epoch.ok_or(malformed("gate_epoch"))?))
}

fn text<'b>(body: &'b Object, name: &'static str) -> Read<&'b str> {
    member(body, name, Value::as_str)
}

fn member<'b, T>(body: &'b Object, name: &'static str, read: impl FnOnce(&'b Value) -> Option<T>) -> Read<T> {
    body.get(name).and_then(read).ok_or(malformed(name))
}

const fn malformed(member: &'static str) -> FindingKind {
    FindingKind::Malformed { member }
}
