//! Keeps count of the day, and proves every packet.

use std::collections::BTreeMap;

use decision_schema::{
    PacketV2, Value,
    trace_registry::{EXEC_KEYS, KeyMode, RESERVED_NAMESPACES, validate_external_dict},
};
use failstop::core::{
    model::{ExecutionReport, ExecutionStatus, Outcome, ReasonCode},
    stop::Scope,
};

use crate::story::{HOUR, SECRET, Sending};

/// How a proposal ended, each in one way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum End {
    /// It was sent again, and has the answer of the first time.
    Replayed,
    Executed,
    /// A guard said no.
    Refused,
    /// The gate said no: the engine's own health.
    BarredByHealth,
    /// The gate said no: an operator.
    BarredByOperator,
    /// The gate said no: the proposal's own context.
    BarredByContext,
    /// It was tried, and did not happen.
    Failed,
    /// It was tried, and nobody knows.
    InDoubt,
    /// Something else said no.
    Denied,
}

/// What is known of the day.
#[derive(Debug, Default)]
pub struct Account {
    pub hours: [BTreeMap<End, u64>; 24],
    pub refused_by: BTreeMap<String, u64>,
    pub attempts: u64,
    pub retried: u64,
    pub saved_by_retry: u64,
    pub stopped: u64,
    pub packets: u64,
    pub redacted: u64,
    /// What is wrong with packets, and how often.
    pub faults: BTreeMap<&'static str, u64>,
    /// How many proposals were really carried out, and how many of them more than once.
    pub effects: (usize, usize),
}

impl Account {
    pub fn take(&mut self, sending: Sending, report: &ExecutionReport) {
        let hour = usize::try_from(sending.at / HOUR).unwrap_or(0).min(23);
        let end = end_of(report);
        *self.hours[hour].entry(end).or_default() += 1;
        if !report.replayed {
            self.take_attempts(end, report);
        }
        match packet_of(report) {
            Ok((packet, is_redacted)) => {
                self.packets += 1;
                self.redacted += u64::from(is_redacted);
                if end == End::Refused {
                    *self.refused_by.entry(guard_in(&packet)).or_default() += 1;
                }
            }
            Err(fault) => *self.faults.entry(fault).or_default() += 1,
        }
    }

    fn take_attempts(&mut self, end: End, report: &ExecutionReport) {
        self.attempts += report.attempts.len() as u64;
        let is_retried = report.attempts.len() > 1;
        self.retried += u64::from(is_retried);
        self.saved_by_retry += u64::from(is_retried && end == End::Executed);
        self.stopped += u64::from(report.conclusion.reason_code == Some(ReasonCode::StoppedInFlight));
    }

    pub fn close(&mut self, effects: (usize, usize)) {
        self.effects = effects;
    }

    /// How many ended so.
    pub fn count(&self, end: End) -> u64 {
        self.hours.iter().filter_map(|hour| hour.get(&end)).sum()
    }

    /// How many were proposed.
    pub fn total(&self) -> u64 {
        self.hours.iter().flat_map(BTreeMap::values).sum()
    }

    /// Whether every packet is right, and nothing happened twice.
    pub fn is_right(&self) -> bool {
        self.faults.is_empty() && self.packets == self.total() && self.effects.1 == 0
    }
}

fn end_of(report: &ExecutionReport) -> End {
    let gate = report.gate.map(|gate| (gate.scope, gate.epoch));
    match (report.conclusion.status, report.conclusion.outcome) {
        _ if report.replayed => End::Replayed,
        (ExecutionStatus::Skipped, _) => End::Refused,
        (ExecutionStatus::Denied, _) => match (report.conclusion.reason_code, gate) {
            (Some(ReasonCode::GateStopped), Some((Scope::Context, _))) => End::BarredByContext,
            (Some(ReasonCode::GateStopped), Some((_, 0))) => End::BarredByHealth,
            (Some(ReasonCode::GateStopped), _) => End::BarredByOperator,
            _ => End::Denied,
        },
        (_, Outcome::Executed) => End::Executed,
        (_, Outcome::Unknown) => End::InDoubt,
        (_, Outcome::NotExecuted) => End::Failed,
    }
}

/// The packet if it is right, and whether anything was redacted in it.
fn packet_of(report: &ExecutionReport) -> Result<(PacketV2, bool), &'static str> {
    let packet = Value::from(report.packet.clone().ok_or("no packet")?);
    let text = packet.to_string();
    let packet = PacketV2::from_value(packet).map_err(|_| "not a packet")?;
    let has_trace = EXEC_KEYS.iter().all(|key| packet.external.contains_key(key));
    let is_refused = packet.final_action.get("allowed") == Some(&Value::from(false));
    let rules = [
        (
            !validate_external_dict(&packet.external, KeyMode::Both, &RESERVED_NAMESPACES).is_empty(),
            "unregistered key",
        ),
        (!has_trace, "no trace of the execution"),
        (text.contains(SECRET), "a secret"),
        (is_refused && packet.mismatch.is_none(), "a refusal without a reason"),
    ];
    match rules.into_iter().find(|(is_broken, _)| *is_broken) {
        Some((_, fault)) => Err(fault),
        None => Ok((packet, text.contains("[REDACTED]"))),
    }
}

/// The guard that refused, and why.
fn guard_in(packet: &PacketV2) -> String {
    let first = |name: &str| -> Option<String> {
        packet.mismatch.as_ref()?.get(name)?.as_array()?.first()?.as_str().map(str::to_owned)
    };
    format!("{} ({})", first("flags").unwrap_or_default(), first("reason_codes").unwrap_or_default())
}
