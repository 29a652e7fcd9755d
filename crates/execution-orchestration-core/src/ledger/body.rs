//! What stands in an event: one object in canonical JSON a kind.
//!
//! ```text
//! created   {"ledger": ID, "schema": "failstop.ledger/1"}
//! started   {"action", "attempt", "exempt", "fingerprint", "may_repeat", "new_work", "owner", "report"}
//! open, succeeded, failed, in_doubt, denied
//!           {"report"}
//! late      {"attempt", "claims"}
//! resolved  {"as": "applied"|"not_applied", "evidence", "reason", "report", "who"}
//! expired   {}
//! gate      {"changed_at_ms", "level", "reason", "scope"}
//! release   {"reason", "scope", "who"}
//! ```
//!
//! `report` is the report as it stands after the event, as a replay would show it: that of a start says what is known
//! if nothing more is ever heard. Members that writing a report derives (counts, `external`) are left out.

use alloc::string::String;

use decision_schema::Value;

use super::{Beginning, Resolution};
use crate::{
    idempotency::canonical_json::{Sink, write, write_str},
    model::{ExecutionAttempt, ExecutionReport},
    report::{REPORT_SCHEMA, push_decimal},
    stop::{GateEntry, Scope},
};

/// The longest body that is read back, bytes; a report with the largest output of the longest line is well below.
pub const MAX_BODY_BYTES: usize = 16 << 20;

/// The schema named by the first event of a ledger.
pub const LEDGER_SCHEMA: &str = "failstop.ledger/1";

/// The body of `created`.
pub fn created(ledger_id: &str) -> String {
    let mut members = Canonical::open();
    members.text("ledger", ledger_id).text("schema", LEDGER_SCHEMA);
    members.close()
}

/// The body of `started`. `is_exempt` where the policy lets the action through a stopped gate.
pub fn started(start: &Beginning, is_new_work: bool, is_exempt: bool, report: &ExecutionReport) -> String {
    let mut members = Canonical::open();
    members
        .text_or_null("action", report.action.map(decision_schema::Action::as_str))
        .number("attempt", start.attempt)
        .flag("exempt", is_exempt)
        .display("fingerprint", &start.fingerprint)
        .flag("may_repeat", start.may_repeat)
        .flag("new_work", is_new_work)
        .display("owner", &start.owner)
        .report(report);
    members.close()
}

/// The body of `open`, `succeeded`, `failed`, `in_doubt` and `denied`.
pub fn stands(report: &ExecutionReport) -> String {
    let mut members = Canonical::open();
    members.report(report);
    members.close()
}

/// The body of `late`: what came too late claims this of the attempt.
pub fn late(attempt: u32, claims: &str) -> String {
    let mut members = Canonical::open();
    members.number("attempt", attempt).text("claims", claims);
    members.close()
}

/// The body of `resolved`.
pub fn resolved(
    resolution: Resolution,
    who: &str,
    reason: &str,
    evidence: Option<&str>,
    report: &ExecutionReport,
) -> String {
    let mut members = Canonical::open();
    members
        .text("as", resolution.as_str())
        .text_or_null("evidence", evidence)
        .text("reason", reason)
        .report(report)
        .text("who", who);
    members.close()
}

/// The body of `expired`.
pub fn expired() -> String {
    Canonical::open().close()
}

/// The body of `gate`.
pub fn gate(entry: &GateEntry) -> String {
    let mut members = Canonical::open();
    members
        .number("changed_at_ms", entry.at_ms)
        .text("level", entry.level.as_str())
        .text("reason", &entry.reason)
        .display("scope", &entry.scope);
    members.close()
}

/// The body of `release`.
pub fn release(scope: Scope, who: &str, reason: &str) -> String {
    let mut members = Canonical::open();
    members.text("reason", reason).display("scope", &scope).text("who", who);
    members.close()
}

/// Writes one object whose members are given in canonical order.
struct Canonical {
    out: String,
    last: &'static str,
}

impl Canonical {
    fn open() -> Self {
        Self { out: String::from("{"), last: "" }
    }

    fn nested(out: String) -> Self {
        let mut nested = Self { out, last: "" };
        nested.out.push('{');
        nested
    }

    fn close(mut self) -> String {
        self.out.push('}');
        self.out
    }

    fn name(&mut self, name: &'static str) -> &mut String {
        debug_assert!(self.last < name, "canonical JSON is sorted");
        self.out.push_str(if self.last.is_empty() { "\"" } else { ",\"" });
        self.last = name;
        self.out.push_str(name);
        self.out.push_str("\":");
        &mut self.out
    }

    fn text(&mut self, name: &'static str, text: &str) -> &mut Self {
        write_str(text, self.name(name));
        self
    }

    fn text_or_null(&mut self, name: &'static str, text: Option<&str>) -> &mut Self {
        match text {
            Some(text) => self.text(name, text),
            None => self.raw(name, "null"),
        }
    }

    /// Text of our own, which needs no escapes.
    fn display(&mut self, name: &'static str, text: &impl core::fmt::Display) -> &mut Self {
        // Writing into a string cannot fail.
        let _ = core::fmt::Write::write_fmt(self.name(name), format_args!("\"{text}\""));
        self
    }

    fn number(&mut self, name: &'static str, number: impl Into<i128>) -> &mut Self {
        push_decimal(number.into(), self.name(name));
        self
    }

    fn flag(&mut self, name: &'static str, flag: bool) -> &mut Self {
        self.raw(name, if flag { "true" } else { "false" })
    }

    fn raw(&mut self, name: &'static str, json: &str) -> &mut Self {
        self.name(name).put(json);
        self
    }

    fn value(&mut self, name: &'static str, value: &Value) -> &mut Self {
        write(value, self.name(name));
        self
    }

    /// Goes into an object of its own and comes back behind it.
    fn object(&mut self, write_members: impl FnOnce(&mut Self)) {
        let mut nested = Self::nested(core::mem::take(&mut self.out));
        write_members(&mut nested);
        self.out = nested.close();
    }

    fn report(&mut self, report: &ExecutionReport) -> &mut Self {
        self.name("report");
        self.object(|members| write_report(report, members));
        self
    }
}

fn write_report(report: &ExecutionReport, members: &mut Canonical) {
    members.text_or_null("action", report.action.map(decision_schema::Action::as_str));
    members.name("attempts").push('[');
    for (index, attempt) in report.attempts.iter().enumerate() {
        if index > 0 {
            members.out.push(',');
        }
        members.object(|members| write_attempt(attempt, members));
    }
    members.out.push(']');
    let conclusion = &report.conclusion;
    members.display("execution_id", &report.execution_id).flag("fail_closed", conclusion.fail_closed);
    if let Some(gate) = report.gate {
        members.name("gate");
        members.object(|members| {
            members.number("epoch", gate.epoch).text("level", gate.level.as_str());
            members.display("scope", &gate.scope);
        });
    }
    members.text_or_null("idempotency_key", report.idempotency_key.as_deref());
    if let Some(line) = report.line {
        members.number("line", line);
    }
    members.text("outcome", conclusion.outcome.as_str());
    if let Some(output) = &report.output {
        members.value("output", output);
    }
    match &report.plan_digest {
        Some(digest) => members.display("plan_digest", &format_args!("sha256:{digest}")),
        None => members.raw("plan_digest", "null"),
    };
    members.text_or_null("reason_code", conclusion.reason_code.map(crate::model::ReasonCode::as_str));
    members.flag("replayed", report.replayed);
    members.text_or_null("run_id", report.run_id.as_deref()).text("schema", REPORT_SCHEMA);
    members.text("status", conclusion.status.as_str());
    match report.step {
        Some(step) => members.number("step", step),
        None => members.raw("step", "null"),
    };
    members.number("total_latency_ms", report.total_latency_ms);
}

fn write_attempt(attempt: &ExecutionAttempt, members: &mut Canonical) {
    members
        .text("action", attempt.action.as_str())
        .number("attempt_number", attempt.attempt_number)
        .text("effect", attempt.effect.as_str())
        .text_or_null("error_code", attempt.error_code.as_deref())
        .text_or_null("error_type", attempt.error_type.as_deref())
        .number("latency_ms", attempt.latency_ms)
        .number("started_at_ms", attempt.started_at_ms)
        .text("status", attempt.status.as_str())
        .text_or_null("stopped", attempt.stopped.map(crate::model::Stopped::as_str))
        .text_or_null("wait_reason", attempt.wait_reason.map(crate::model::WaitReason::as_str))
        .number("waited_ms", attempt.waited_ms);
}
