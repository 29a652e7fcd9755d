//! The packet of one proposal: what was seen, proposed, decided and done. Redacted, complete, and clean under the
//! registry of trace keys (INV-T1).

use decision_modulation_core::MODULATE_EXCEPTION;
use decision_schema::{
    FinalDecision, MismatchInfo, Object, PacketV2, Value,
    packet_v2::SCHEMA_VERSION,
    trace_registry::{
        HARNESS_FAIL_CLOSED, KeyMode, RESERVED_NAMESPACES, is_valid_context_key, validate_external_dict,
    },
};
use execution_orchestration_core::{
    model::{ExecutionReport, ExecutionStatus, ReasonCode},
    redaction::Redactor,
    trace::add_execution_trace,
};

use super::ProposalRequest;

/// The flag of a mismatch that no guard makes: the engine denied what they allowed.
const ENGINE: &str = "exec";

/// What a packet is made of, beside the report.
pub(super) struct Parts<'a> {
    pub(super) request: &'a ProposalRequest<'a>,
    /// As the guards read it.
    pub(super) context: Object,
    /// As the guards made it.
    pub(super) decision: FinalDecision,
    /// From submission to report.
    pub(super) latency_ms: u64,
}

/// Gives `report` its packet, and the external that came in.
pub(super) fn complete(report: &mut ExecutionReport, parts: Parts<'_>, redactor: &Redactor) {
    let proposal = parts.request.proposal;
    let objects = proposal.params.iter().chain([parts.request.context, &proposal.features_summary]);
    let redactor = redactor.scoped(&redactor.collect_secrets_in(objects));
    let given = parts.request.packet.map(|packet| redacted(&redactor, packet.external.clone()));
    let packet = redacted(&redactor, as_object(&parts.packet(report)));
    report.packet = Some(with_trace(packet, report));
    report.external = given.unwrap_or_default();
}

fn redacted(redactor: &Redactor, mut object: Object) -> Object {
    redactor.redact_object(&mut object);
    object
}

fn as_object(packet: &PacketV2) -> Object {
    match packet.to_value() {
        Value::Object(packet) => packet,
        _ => Object::new(),
    }
}

/// Leaves in `external` what the registry knows, and adds the execution's trace. After redaction, which may change keys.
fn with_trace(mut packet: Object, report: &ExecutionReport) -> Object {
    let external = packet.get("external").and_then(Value::as_object).cloned().unwrap_or_default();
    let faults = validate_external_dict(&external, KeyMode::Both, &RESERVED_NAMESPACES);
    let is_clean = |key: &str| !faults.iter().any(|fault| fault.key == key);
    let clean: Object = external.into_iter().filter(|(key, _)| is_clean(key)).collect();
    packet.insert("external", add_execution_trace(&clean, report));
    packet
}

impl Parts<'_> {
    fn packet(self, report: &ExecutionReport) -> PacketV2 {
        let (request, fixed) = (self.request, self.fixed(report));
        let brought = request.packet.cloned().unwrap_or_else(|| PacketV2 {
            run_id: request.run_id().map_or_else(|| report.execution_id.to_string(), str::to_owned),
            step: request.step.unwrap_or(0),
            input: request.proposal.features_summary.clone(),
            external: Object::new(),
            mdm: Object::new(),
            final_action: Object::new(),
            latency_ms: 0,
            mismatch: None,
            schema_version: SCHEMA_VERSION.to_owned(),
            extra: Object::new(),
        });
        let latency_ms = i64::try_from(self.latency_ms).unwrap_or(i64::MAX);
        let (plain, namespaced): (Vec<_>, Vec<_>) =
            self.context.into_iter().partition(|(key, _)| is_valid_context_key(key));
        let plain = plain.into_iter().chain(fixed.fail_closed);
        PacketV2 {
            input: merged(namespaced, brought.input),
            external: merged(brought.external, plain),
            mdm: proposed(request),
            final_action: fixed.final_action,
            mismatch: fixed.mismatch.or(brought.mismatch),
            latency_ms,
            ..brought
        }
    }

    /// What the guards and the engine together made of the proposal.
    fn fixed(&self, report: &ExecutionReport) -> Fixed {
        let code = report.conclusion.reason_code.map(ReasonCode::as_str);
        let is_denied = report.conclusion.status == ExecutionStatus::Denied && self.decision.allowed;
        let refusal = || MismatchInfo {
            flags: vec![ENGINE.to_owned()],
            reason_codes: code.into_iter().map(str::to_owned).collect(),
            ..MismatchInfo::default()
        };
        let mismatch = if is_denied { Some(refusal()) } else { self.decision.mismatch.clone() };
        let has_flag =
            |flag| mismatch.as_ref().is_some_and(|mismatch| mismatch.flags.iter().any(|own| own == flag));
        let fail_closed =
            has_flag(MODULATE_EXCEPTION).then(|| (HARNESS_FAIL_CLOSED.to_owned(), Value::from(true)));
        let reasons = if is_denied { refusal().reason_codes } else { self.decision.reasons.clone() };
        let mut final_action = Object::from_iter([
            ("action", Value::from(self.decision.action.as_str())),
            ("allowed", (self.decision.allowed && !is_denied).into()),
            ("reasons", reasons.into()),
            ("status", report.conclusion.status.as_str().into()),
            ("outcome", report.conclusion.outcome.as_str().into()),
            ("reason_code", code.into()),
        ]);
        if let Some(params) = &self.decision.params {
            final_action.insert("params", params.clone());
        }
        let mismatch = mismatch.and_then(|mismatch| mismatch.to_value().as_object().cloned());
        Fixed { final_action, mismatch, fail_closed }
    }
}

struct Fixed {
    final_action: Object,
    mismatch: Option<Object>,
    fail_closed: Option<(String, Value)>,
}

/// The members of both; those of `stronger` win.
fn merged(
    weaker: impl IntoIterator<Item = (String, Value)>,
    stronger: impl IntoIterator<Item = (String, Value)>,
) -> Object {
    weaker.into_iter().chain(stronger).collect()
}

/// `{"action", "confidence", "reasons", "params"}`.
fn proposed(request: &ProposalRequest<'_>) -> Object {
    let Value::Object(mut proposal) = request.proposal.to_value() else { return Object::new() };
    proposal.remove("run_id");
    proposal.remove("features_summary");
    proposal
}
