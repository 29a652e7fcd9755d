//! Lines of input: decisions, proposals and what comes with them.

use std::sync::LazyLock;

use decision_schema::{
    Envelope, Payload,
    json::{MAX_LINE_BYTES, parse},
};
use failstop::{
    Engine,
    core::{
        idempotency::{Digest, KeyFault, fingerprint, resolve_key},
        policies::{ExecutionPolicy, KeyGenerator},
    },
    executor::noop::Noop,
    modulation_core::GuardPolicy,
    pipeline::{Pipeline, Submission},
};

use crate::{
    planted::{assert_not_repeated, planted},
    respelled::respelled,
};

static PIPELINE: LazyLock<Pipeline> = LazyLock::new(|| {
    let engine = Engine::builder(ExecutionPolicy::default()).executor(Noop);
    Pipeline::build(engine, GuardPolicy::default()).expect("the defaults are a pipeline")
});

/// What a line is taken for: who compares two lines compares these.
#[derive(Debug, PartialEq)]
struct Taken {
    fingerprint: Digest,
    key: Result<String, KeyFault>,
    plan: Digest,
}

/// A line that is accepted is taken for the same in every spelling, and its decision or proposal comes back from its own
/// writer. One that is refused is not repeated, and is refused for a reason that has a code.
pub fn check(bytes: &[u8]) {
    let bytes = planted(bytes);
    match Envelope::parse(&bytes) {
        Ok(envelope) => accepted(&bytes, envelope),
        Err(fault) => {
            let problem = fault.problem();
            assert_not_repeated(&format!("{fault} {fault:?} {problem:?} {} {}", fault.path(), fault.code()));
            assert!(fault.offset().is_none_or(|at| at <= bytes.len()), "a fault stands outside of its line");
        }
    }
}

fn accepted(bytes: &[u8], envelope: Envelope) {
    let value = parse(bytes).expect("a line is JSON");
    let written = match &envelope.payload {
        Payload::Decision(decision) => decision.to_value(),
        Payload::Proposal(_) => return proposed(&value.to_string(), envelope),
    };
    let again = Envelope::from_value(written).map(|envelope| envelope.payload);
    assert_eq!(again.as_ref(), Ok(&envelope.payload), "a decision is read as it is written");
    spelled_otherwise(&respelled(&value), envelope);
}

fn proposed(line: &str, envelope: Envelope) {
    if let Payload::Proposal(proposal) = &envelope.payload {
        let again = decision_schema::Proposal::from_value(proposal.to_value());
        assert_eq!(again.as_ref(), Ok(proposal), "a proposal is read as it is written");
    }
    let value = parse(line.as_bytes()).expect("what was written is read");
    spelled_otherwise(&respelled(&value), envelope);
}

fn spelled_otherwise(line: &str, envelope: Envelope) {
    if line.len() > MAX_LINE_BYTES {
        return;
    }
    let other = Envelope::parse(line.as_bytes()).expect("another spelling is accepted");
    assert_eq!(other, envelope, "spelling has no meaning");
    assert_eq!(taken(other), taken(envelope), "nor has it for keys and plans");
}

fn taken(envelope: Envelope) -> Taken {
    let submission = Submission::new(None, envelope);
    let decision = submission.decided(PIPELINE.guards());
    let request = submission.request(&decision);
    let identity = request.identity();
    Taken {
        fingerprint: fingerprint(&identity),
        key: resolve_key(None, request.idempotency_key, KeyGenerator::ActionContextHash, &identity),
        plan: PIPELINE.engine().plan(&request).digest(),
    }
}
