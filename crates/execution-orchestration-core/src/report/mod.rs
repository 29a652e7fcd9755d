//! A report as JSON: `failstop.report/1`, one object, members in a fixed order.
//!
//! Writing stands here, reading in `read.rs`. What is written reads back as the same report, and that is
//! written as the same bytes.

use alloc::string::String;
use core::fmt::Write as _;

use decision_schema::{
    Object, Value,
    json::{self, write_string},
};

use crate::{
    model::{ExecutionAttempt, ExecutionReport},
    trace::{EXEC_KEYS, ExecutionTrace},
};

mod read;

pub use read::ReportFault;

/// The schema's name, the first member of every report.
pub const REPORT_SCHEMA: &str = "failstop.report/1";

/// The members of `external` that the extended style adds.
const EXTENDED_KEYS: [&str; 4] =
    ["x_exec.outcome", "x_exec.plan_digest", "x_exec.execution_id", "x_exec.reason_code"];

/// Whether a member of `external` is the report's own to write, under either style. One that came in under such a name
/// is never passed on: it would stand there twice, or be taken for ours.
fn is_derived(key: &str) -> bool {
    EXEC_KEYS.contains(&key) || EXTENDED_KEYS.contains(&key)
}

/// How much a written report says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ReportStyle {
    /// Whether `external` also carries the unregistered `x_exec.*` keys (`trace.extended = true`).
    pub extended_trace: bool,
}

impl ExecutionReport {
    /// Appends the report as one JSON object without line breaks.
    pub fn write_json(&self, style: ReportStyle, out: &mut String) {
        let trace = ExecutionTrace::from(self);
        let mut members = Members::open(out);
        members.string("schema", REPORT_SCHEMA);
        members.display("execution_id", &self.execution_id);
        members.string_or_null("run_id", self.run_id.as_deref());
        members.number_or_null("step", self.step);
        if let Some(line) = self.line {
            members.number("line", line);
        }
        members.name_or_null("action", self.action.map(decision_schema::Action::as_str));
        members.name("status", self.conclusion.status.as_str());
        members.name("outcome", self.conclusion.outcome.as_str());
        members
            .name_or_null("reason_code", self.conclusion.reason_code.map(crate::model::ReasonCode::as_str));
        members.flag("fail_closed", self.conclusion.fail_closed);
        members.flag("replayed", self.replayed);
        members.string_or_null("idempotency_key", self.idempotency_key.as_deref());
        match &self.plan_digest {
            Some(digest) => members.display("plan_digest", &format_args!("sha256:{digest}")),
            None => members.name_or_null("plan_digest", None),
        }
        members.key("attempts");
        members.out.push('[');
        for (index, attempt) in self.attempts.iter().enumerate() {
            if index > 0 {
                members.out.push(',');
            }
            attempt.write_json(self.idempotency_key.as_deref(), members.out);
        }
        members.out.push(']');
        members.number("total_latency_ms", self.total_latency_ms);
        members.number("success_count", trace.success_count);
        members.number("failed_count", trace.failed_count);
        members.number("skipped_count", trace.skipped_count);
        members.number("denied_count", trace.denied_count);
        if let Some(gate) = self.gate {
            members.key("gate");
            let mut gate_members = Members::open(members.out);
            gate_members.display("scope", &gate.scope);
            gate_members.name("level", gate.level.as_str());
            gate_members.number("epoch", gate.epoch);
            gate_members.close();
        }
        if let Some(output) = &self.output {
            members.value("output", output);
        }
        members.key("external");
        self.write_external(trace, &self.external, style, members.out);
        if let Some(packet) = &self.packet {
            members.key("packet");
            self.write_packet(packet, trace, style, members.out);
        }
        members.close();
    }

    /// The report as one line of JSON, without the line break.
    pub fn to_json(&self, style: ReportStyle) -> String {
        let mut out = String::with_capacity(1024);
        self.write_json(style, &mut out);
        out
    }

    /// `given` with the seven `exec.*` keys set, and the `x_exec.*` keys where the style asks for them.
    fn write_external(&self, trace: ExecutionTrace, given: &Object, style: ReportStyle, out: &mut String) {
        let mut members = Members::open(out);
        for (key, value) in given.iter().filter(|(key, _)| !is_derived(key)) {
            members.value(key, value);
        }
        members.number("exec.total_latency_ms", trace.total_latency_ms);
        members.number("exec.success_count", trace.success_count);
        members.number("exec.failed_count", trace.failed_count);
        members.number("exec.skipped_count", trace.skipped_count);
        members.number("exec.denied_count", trace.denied_count);
        members.flag("exec.fail_closed", trace.fail_closed);
        members.number("exec.attempt_count", trace.attempt_count);
        if style.extended_trace {
            members.name("x_exec.outcome", self.conclusion.outcome.as_str());
            if let Some(digest) = &self.plan_digest {
                members.display("x_exec.plan_digest", &format_args!("sha256:{digest}"));
            }
            members.display("x_exec.execution_id", &self.execution_id);
            members.name_or_null(
                "x_exec.reason_code",
                self.conclusion.reason_code.map(crate::model::ReasonCode::as_str),
            );
        }
        members.close();
    }

    /// The packet with its `external` replaced by the merged one.
    fn write_packet(&self, packet: &Object, trace: ExecutionTrace, style: ReportStyle, out: &mut String) {
        let mut members = Members::open(out);
        for (key, value) in packet.iter() {
            match (key, value) {
                ("external", Value::Object(external)) => {
                    members.foreign_key(key);
                    self.write_external(trace, external, style, members.out);
                }
                _ => members.value(key, value),
            }
        }
        members.close();
    }

    /// The report as a value tree; for those who go on working with it.
    pub fn to_value(&self, style: ReportStyle) -> Value {
        json::parse(self.to_json(style).as_bytes()).unwrap_or_default()
    }
}

impl ExecutionAttempt {
    fn write_json(&self, key: Option<&str>, out: &mut String) {
        let mut members = Members::open(out);
        members.name("action", self.action.as_str());
        members.name("status", self.status.as_str());
        members.number("attempt_number", self.attempt_number);
        members.number("latency_ms", self.latency_ms);
        members.string_or_null("error_type", self.error_type.as_deref());
        members.string_or_null("error_code", self.error_code.as_deref());
        members.string_or_null("idempotency_key", key);
        members.name("effect", self.effect.as_str());
        members.name_or_null("stopped", self.stopped.map(crate::model::Stopped::as_str));
        members.number("started_at_ms", self.started_at_ms);
        members.number("waited_ms", self.waited_ms);
        members.name_or_null("wait_reason", self.wait_reason.map(crate::model::WaitReason::as_str));
        members.close();
    }
}

/// Writes the members of one object.
struct Members<'o> {
    out: &'o mut String,
    is_first: bool,
}

impl<'o> Members<'o> {
    fn open(out: &'o mut String) -> Self {
        out.push('{');
        Self { out, is_first: true }
    }

    fn close(self) {
        self.out.push('}');
    }

    /// A key of our own, which needs no escapes.
    fn key(&mut self, key: &str) {
        self.out.push_str(if self.is_first { "\"" } else { ",\"" });
        self.is_first = false;
        self.out.push_str(key);
        self.out.push_str("\":");
    }

    fn foreign_key(&mut self, key: &str) {
        if !self.is_first {
            self.out.push(',');
        }
        self.is_first = false;
        write_string(key, self.out);
        self.out.push(':');
    }

    fn string(&mut self, key: &str, text: &str) {
        self.key(key);
        write_string(text, self.out);
    }

    fn string_or_null(&mut self, key: &str, text: Option<&str>) {
        self.key(key);
        match text {
            Some(text) => write_string(text, self.out),
            None => self.out.push_str("null"),
        }
    }

    /// A name of our own, which needs no escapes.
    fn name(&mut self, key: &str, name: &str) {
        self.name_or_null(key, Some(name));
    }

    fn name_or_null(&mut self, key: &str, name: Option<&str>) {
        self.key(key);
        match name {
            Some(name) => {
                self.out.push('"');
                self.out.push_str(name);
                self.out.push('"');
            }
            None => self.out.push_str("null"),
        }
    }

    /// Text of our own, which needs no escapes.
    fn display(&mut self, key: &str, text: &impl core::fmt::Display) {
        self.key(key);
        // Writing into a string cannot fail.
        let _ = write!(self.out, "\"{text}\"");
    }

    fn number(&mut self, key: &str, number: impl Into<i128>) {
        self.key(key);
        push_decimal(number.into(), self.out);
    }

    fn number_or_null(&mut self, key: &str, number: Option<i64>) {
        match number {
            Some(number) => self.number(key, number),
            None => self.name_or_null(key, None),
        }
    }

    fn flag(&mut self, key: &str, flag: bool) {
        self.key(key);
        self.out.push_str(if flag { "true" } else { "false" });
    }

    fn value(&mut self, key: &str, value: &Value) {
        self.foreign_key(key);
        value.write_to(self.out);
    }
}

/// Appends `number`, which has at most 64 bits, in decimal. The formatting machinery of `core` would be a tenth of what
/// a report costs.
pub(crate) fn push_decimal(number: i128, out: &mut String) {
    let mut digits = [0; 20];
    let mut at = digits.len();
    let mut rest = u64::try_from(number.unsigned_abs()).unwrap_or(u64::MAX);
    loop {
        at -= 1;
        digits[at] = b'0' + u8::try_from(rest % 10).unwrap_or(0);
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    if number < 0 {
        out.push('-');
    }
    out.push_str(core::str::from_utf8(&digits[at..]).unwrap_or_default());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_to_their_ends() {
        for number in [0, 7, 10, -1, i64::MIN.into(), i64::MAX.into(), u64::MAX.into()] {
            let mut out = String::new();
            push_decimal(number, &mut out);
            assert_eq!(out.parse(), Ok(number));
        }
    }
}
