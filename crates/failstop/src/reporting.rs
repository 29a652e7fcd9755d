//! What may be said: executors' answers made fit to print, and reports completed with what came in (INV-EXE-5,
//! INV-EXE-SEC-1).

use std::{borrow::Cow, cell::OnceCell};

use decision_schema::{Action, FinalDecision, InputFault, Object, Value, json::parse_canonical};
use execution_orchestration_core::{
    idempotency::canonical_json,
    model::{
        Conclusion, Effect, ExecutionAttempt, ExecutionId, ExecutionReport, ExecutionStatus, Outcome,
        ReasonCode,
    },
    orchestrator::{Ended, Manner},
    redaction::Redactor,
};

use crate::{executor::Answer, request::Request};

/// The largest output a report carries, bytes of JSON.
const MAX_OUTPUT_BYTES: usize = 64 * 1024;

/// The deepest output a report carries: with its report around it, and that in a ledger's event, it can be read again.
const MAX_OUTPUT_DEPTH: usize = 48;

/// The longest code an executor may give, bytes.
const MAX_CODE_BYTES: usize = 64;

/// Makes the answers of one execution fit to print.
struct Vetting<'a> {
    redactor: &'a Redactor,
    request: &'a Request<'a>,
    scoped: OnceCell<Redactor>,
}

/// The end that the machine is told of, and the output that the report may carry.
pub(crate) fn vet(answer: Answer, redactor: &Redactor, request: &Request<'_>) -> (Ended, Option<Value>) {
    if answer.effect == Effect::Applied && answer.output.is_none() {
        return (Ended::applied(), None);
    }
    Vetting::new(redactor, request).vet(answer)
}

impl<'a> Vetting<'a> {
    const fn new(redactor: &'a Redactor, request: &'a Request<'a>) -> Self {
        Self { redactor, request, scoped: OnceCell::new() }
    }

    /// The redactor that also knows the secrets of this decision and context, made when it is first needed.
    fn scoped(&self) -> &Redactor {
        self.scoped.get_or_init(|| {
            let objects = self.request.decision.params.iter().chain([self.request.context]);
            self.redactor.scoped(&self.redactor.collect_secrets_in(objects))
        })
    }

    fn vet(&self, answer: Answer) -> (Ended, Option<Value>) {
        let Answer { effect, broke, error_type, error_code, retry_after_ms, output } = answer;
        let output = output.and_then(|output| self.output(output));
        if effect == Effect::Applied {
            return (Ended::applied(), output);
        }
        let error_type = error_type.and_then(|text| self.code(text));
        let error_code = error_code.and_then(|text| self.code(text));
        let mut ended = if broke {
            Ended::broke(error_type.unwrap_or(Cow::Borrowed("exception")))
        } else {
            Ended::answered(effect, error_type, error_code)
        };
        ended.retry_after_ms = retry_after_ms;
        debug_assert!(!broke || ended.manner == Manner::Broke);
        (ended, output)
    }

    /// A code that is short, plain and no secret; anything else is dropped.
    fn code(&self, text: Cow<'static, str>) -> Option<Cow<'static, str>> {
        if let Cow::Borrowed(_) = text {
            return Some(text);
        }
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_.:-".contains(&byte);
        let is_fit = (1..=MAX_CODE_BYTES).contains(&text.len()) && text.bytes().all(is_plain);
        (is_fit && self.scoped().redact_text(&text) == text).then_some(text)
    }

    /// The redacted output, or what is said in its place where it is too large.
    fn output(&self, mut output: Value) -> Option<Value> {
        self.scoped().redact(&mut output);
        if output == Value::Null {
            return None;
        }
        let bytes = output.to_string().len();
        if bytes > MAX_OUTPUT_BYTES || is_deeper_than(&output, MAX_OUTPUT_DEPTH) {
            let said: Object =
                [("bytes", Value::from(bytes)), ("truncated", Value::from(true))].into_iter().collect();
            return Some(said.into());
        }
        // What is stored is canonical, and a replay must say it in the same words as the first report.
        let canonical = canonical_json::to_string(&output);
        Some(parse_canonical(canonical.as_bytes(), canonical.len()).unwrap_or(output))
    }
}

fn is_deeper_than(value: &Value, levels: usize) -> bool {
    let Some(inner) = levels.checked_sub(1) else {
        return matches!(value, Value::Array(_) | Value::Object(_));
    };
    match value {
        Value::Array(items) => items.iter().any(|item| is_deeper_than(item, inner)),
        Value::Object(members) => members.iter().any(|(_, member)| is_deeper_than(member, inner)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

/// A report of this request, with nothing filled in that only an execution can know.
///
/// Callers fill in the rest where it stands. As the base of a literal it would be built beside the report and moved
/// there piece by piece (8 ns of a refusal).
#[inline]
pub(crate) fn begin(
    request: &Request<'_>,
    execution_id: ExecutionId,
    conclusion: Conclusion,
    attempts: Vec<ExecutionAttempt>,
) -> ExecutionReport {
    ExecutionReport {
        execution_id,
        run_id: request.run_id.map(str::to_owned),
        step: request.step,
        line: request.line,
        action: Some(request.decision.action),
        conclusion,
        replayed: false,
        idempotency_key: None,
        plan_digest: None,
        attempts,
        total_latency_ms: 0,
        gate: None,
        output: None,
        external: Object::new(),
        packet: None,
    }
}

/// An attempt of which nothing was heard.
pub(crate) fn lost_attempt(action: Action, attempt_number: u32, started_at_ms: i64) -> ExecutionAttempt {
    ExecutionAttempt {
        action,
        status: ExecutionStatus::Failed,
        attempt_number,
        latency_ms: 0,
        error_type: Some(Cow::Borrowed("unknown_outcome")),
        error_code: Some(Cow::Borrowed("unknown_outcome")),
        effect: Effect::Unknown,
        stopped: None,
        started_at_ms,
        waited_ms: 0,
        wait_reason: None,
    }
}

/// How an execution stands that has not concluded, or was lost.
pub(crate) fn lost_conclusion(attempts: &[ExecutionAttempt]) -> Conclusion {
    let has = |effect| attempts.iter().any(|attempt: &ExecutionAttempt| attempt.effect == effect);
    Conclusion {
        status: ExecutionStatus::Failed,
        outcome: match (has(Effect::Applied), has(Effect::Unknown)) {
            (true, _) => Outcome::Executed,
            (false, true) => Outcome::Unknown,
            (false, false) => Outcome::NotExecuted,
        },
        reason_code: Some(ReasonCode::UnknownOutcome),
        fail_closed: true,
    }
}

/// The stored report of an earlier execution, as this call hands it out.
pub(crate) fn replay(
    stored: ExecutionReport,
    conclusion: Option<Conclusion>,
    line: Option<u64>,
) -> ExecutionReport {
    let conclusion = conclusion.unwrap_or(stored.conclusion);
    ExecutionReport { conclusion, replayed: true, line, ..stored }
}

/// Puts what came in with the request into its report, redacted: the packet, and its `external`. Where nothing came in,
/// the report keeps what it has: a replay shows what the first call brought.
pub(crate) fn bring_along(report: &mut ExecutionReport, redactor: &Redactor, request: &Request<'_>) {
    let Some(packet) = request.packet else { return };
    let vetting = Vetting::new(redactor, request);
    let mut packet = packet.clone();
    vetting.scoped().redact_object(&mut packet);
    report.external = packet.get("external").and_then(Value::as_object).cloned().unwrap_or_default();
    report.packet = Some(packet);
}

/// The report on a line that could not be read as a decision.
pub fn invalid_input(line: Option<u64>, unix_ms: i64, fault: &InputFault) -> ExecutionReport {
    let decision = FinalDecision::new(Action::Hold);
    let nothing = Object::new();
    let request = Request { line, ..Request::new(&decision, &nothing) };
    let mut report = begin(
        &request,
        crate::ids::execution_id(unix_ms),
        Conclusion::refused(ReasonCode::InputInvalid),
        Vec::new(),
    );
    report.run_id.clone_from(&fault.run_id);
    report.step = fault.step;
    report.action = fault.action;
    report
}
