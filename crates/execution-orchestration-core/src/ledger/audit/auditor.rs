//! Replays a chain, one event after another.

use alloc::{
    boxed::Box,
    collections::{BTreeMap, BTreeSet},
    string::String,
    vec::Vec,
};

use decision_schema::{Object, Value, json};

use super::{
    checkpoint::{Checkpoint, Source},
    event,
    finding::{FindingKind, Findings},
    gate::GateTrace,
    key::KeyTrace,
    report::{self, Telling},
};
use crate::{
    idempotency::{Digest, canonical_json},
    ledger::{Event, EventKind, GENESIS, body::MAX_BODY_BYTES},
    model::ExecutionReport,
    orchestrator::KeyState,
};

/// How the ledger began.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Birth {
    /// The ledger's id.
    pub ledger_id: String,
    /// Unix wall time, milliseconds.
    pub at_ms: i64,
}

/// Takes a ledger's events in the order of their numbers. Keeps a few hundred bytes a key and no bodies.
///
/// After a finding it goes on from what the event says, so that one change is one finding, or few.
#[derive(Debug)]
pub struct Auditor {
    /// The hash of the last event; none where it could not be read.
    previous: Option<[u8; 32]>,
    /// The newest first.
    checkpoints: Vec<(Checkpoint, Source)>,
    audit: Audit,
}

/// What an audit has come to.
#[derive(Debug)]
pub struct Audit {
    /// How many events there were.
    pub events: u64,
    /// Where the chain ends; nothing for an empty one.
    pub head: Option<Checkpoint>,
    /// How it began.
    pub birth: Option<Birth>,
    /// Every key that was started and not retired.
    pub keys: BTreeMap<Box<str>, KeyTrace>,
    /// SHA-256 of every key that was retired.
    pub retired: BTreeSet<Digest>,
    /// The gate.
    pub gate: GateTrace,
    /// What was found; a backend adds what its tables contradict.
    pub findings: Findings,
}

impl Auditor {
    /// An auditor that also holds the chain against these checkpoints, in any order.
    pub fn new(mut checkpoints: Vec<(Checkpoint, Source)>) -> Self {
        checkpoints.sort_by_key(|(checkpoint, _)| core::cmp::Reverse(checkpoint.seq));
        let audit = Audit {
            events: 0,
            head: None,
            birth: None,
            keys: BTreeMap::new(),
            retired: BTreeSet::new(),
            gate: GateTrace::new(0),
            findings: Findings::default(),
        };
        Self { previous: Some(GENESIS), checkpoints, audit }
    }

    /// How many events were taken.
    pub const fn events(&self) -> u64 {
        self.audit.events
    }

    /// Takes the next event and the hash that is stored with it.
    pub fn take(&mut self, event: Event, stored: Digest) {
        self.place(event.seq);
        let (event, body) = self.read_body(event);
        self.link(&event, stored);
        self.reach(Checkpoint { seq: event.seq, head: stored, at_ms: event.at_ms });
        if let Some(Err(fault)) = body.map(|body| self.follow(&event, &body)) {
            self.find(fault, &event);
        }
    }

    /// Takes what stands where an event should, and cannot be read as one; and the hash stored with it, if that can.
    pub fn take_unreadable(&mut self, seq: u64, stored: Option<Digest>) {
        self.place(seq);
        self.audit.findings.add(FindingKind::Unreadable, Some(seq), None);
        self.previous = stored.map(|stored| *stored.as_bytes());
        if let Some(head) = stored {
            self.reach(Checkpoint { seq, head, at_ms: 0 });
        }
    }

    /// What it has come to.
    pub fn finish(mut self) -> Audit {
        let findings = &mut self.audit.findings;
        if self.audit.events == 0 {
            findings.add(FindingKind::NotCreated, None, None);
        }
        for (checkpoint, source) in self.checkpoints.into_iter().rev() {
            let kind = match source {
                Source::Kept => FindingKind::TailCut,
                Source::Table => FindingKind::RowExtra { table: "checkpoints" },
            };
            findings.add(kind, Some(checkpoint.seq), None);
        }
        self.audit
    }

    fn find(&mut self, kind: FindingKind, event: &Event) {
        self.audit.findings.add(kind, Some(event.seq), event.key.as_deref());
    }

    /// Numbers follow each other from 1.
    fn place(&mut self, seq: u64) {
        let expected = self.audit.head.map_or(1, |head| head.seq.saturating_add(1));
        if seq != expected {
            self.audit.findings.add(FindingKind::Sequence { expected }, Some(seq), None);
        }
        self.audit.events += 1;
    }

    /// Reads the body. What is not canonical is made so, as the hash is that of the meaning.
    fn read_body(&mut self, mut event: Event) -> (Event, Option<Object>) {
        let Ok(value) = json::parse_canonical(event.body.as_bytes(), MAX_BODY_BYTES) else {
            self.find(FindingKind::BodyNotJson, &event);
            return (event, None);
        };
        let canonical = canonical_json::to_string(&value);
        if canonical != event.body {
            self.find(FindingKind::BodyNotCanonical, &event);
            event.body = canonical;
        }
        let Value::Object(body) = value else {
            self.find(FindingKind::Malformed { member: "body" }, &event);
            return (event, None);
        };
        (event, Some(body))
    }

    /// The hash is that of the event behind the one before it. The next one is held against what is stored.
    fn link(&mut self, event: &Event, stored: Digest) {
        if self.previous.is_some_and(|previous| event.hash(&previous) != stored) {
            self.find(FindingKind::Hash, event);
        }
        self.previous = Some(*stored.as_bytes());
    }

    /// Holds the chain against the checkpoints up to here.
    fn reach(&mut self, here: Checkpoint) {
        while let Some((checkpoint, source)) = self.checkpoints.pop_if(|(next, _)| next.seq <= here.seq) {
            if let Some(kind) = disagreement(checkpoint, source, here) {
                self.audit.findings.add(kind, Some(checkpoint.seq), None);
            }
        }
        self.audit.head = Some(here);
    }

    /// Replays what the event says.
    fn follow(&mut self, event: &Event, body: &Object) -> Result<(), FindingKind> {
        let is_first = self.audit.events == 1;
        if is_first && event.kind != EventKind::Created {
            self.find(FindingKind::NotCreated, event);
        }
        event::check_columns(event)?;
        let key = event.key.as_deref().unwrap_or_default();
        let fence = event.fence.unwrap_or_default();
        match event.kind {
            EventKind::Created if !is_first => Err(FindingKind::CreatedAgain),
            EventKind::Created => self.create(event, body),
            EventKind::Started => self.start(event, key, body),
            EventKind::Open => self.conclude(event, key, body, (fence, KeyState::Open)),
            EventKind::Succeeded => self.conclude(event, key, body, (fence, KeyState::Succeeded)),
            EventKind::Failed => self.conclude(event, key, body, (fence, KeyState::Failed)),
            EventKind::InDoubt => self.conclude(event, key, body, (fence, KeyState::InDoubt)),
            EventKind::Denied => deny(event, body),
            EventKind::Late => event::check_late(body),
            EventKind::Resolved => self.resolve(event, key, body, fence),
            EventKind::Expired => self.expire(key, fence),
            EventKind::Gate => self.audit.gate.change(event::gate(event, body)?),
            EventKind::Release => self.audit.gate.announce(event::release(event, body)?),
        }
    }

    fn create(&mut self, event: &Event, body: &Object) -> Result<(), FindingKind> {
        let ledger_id = event::created(body)?.into();
        self.audit.birth = Some(Birth { ledger_id, at_ms: event.at_ms });
        self.audit.gate = GateTrace::new(event.at_ms);
        Ok(())
    }

    fn start(&mut self, event: &Event, key: &str, body: &Object) -> Result<(), FindingKind> {
        let started = event::started(event, body)?;
        let Audit { keys, retired, gate, findings, .. } = &mut self.audit;
        let mut faults = [
            gate.check_epoch(event.gate_epoch).err(),
            gate.bars(started.action, started.is_new_work, started.is_exempt),
            (event.fence != Some(event.seq)).then_some(FindingKind::Fence),
            (started.report.action != Some(started.action))
                .then_some(FindingKind::Malformed { member: "action" }),
            None,
        ];
        let trace = if let Some(trace) = keys.get_mut(key) {
            faults[4] = trace.restart(&started);
            trace
        } else {
            let (mut trace, fault) = KeyTrace::begin(&started);
            trace.started_at_ms = event.at_ms;
            // The common case, no key ever retired, costs no digest.
            let is_retired = !retired.is_empty() && retired.contains(&Digest::of(key.as_bytes()));
            faults[4] = if is_retired { Some(FindingKind::StartAfterEnd) } else { fault };
            keys.entry(key.into()).or_insert(trace)
        };
        for fault in faults.into_iter().flatten() {
            findings.add(fault, Some(event.seq), Some(key));
        }
        hear(trace, &started.report, Telling::Start, event)
    }

    fn conclude(
        &mut self,
        event: &Event,
        key: &str,
        body: &Object,
        (fence, state): (u64, KeyState),
    ) -> Result<(), FindingKind> {
        let report = event::report(body)?;
        let trace = self.audit.keys.get_mut(key).ok_or(FindingKind::OutcomeWithoutStart)?;
        if let Some(fault) = trace.conclude(fence, state) {
            self.audit.findings.add(fault, Some(event.seq), Some(key));
        }
        hear(trace, &report, Telling::End(state), event)
    }

    fn resolve(&mut self, event: &Event, key: &str, body: &Object, fence: u64) -> Result<(), FindingKind> {
        let (resolution, report) = event::resolved(body)?;
        let trace = self.audit.keys.get_mut(key).ok_or(FindingKind::OutcomeWithoutStart)?;
        if let Some(fault) = trace.resolve(fence, resolution) {
            self.audit.findings.add(fault, Some(event.seq), Some(key));
        }
        hear(trace, &report, Telling::Resolution(resolution), event)
    }

    fn expire(&mut self, key: &str, fence: u64) -> Result<(), FindingKind> {
        let trace = self.audit.keys.remove(key);
        self.audit.retired.insert(Digest::of(key.as_bytes()));
        trace.ok_or(FindingKind::OutcomeWithoutStart)?.expire(fence).map_or(Ok(()), Err)
    }
}

/// Takes over what the event's report tells, and says what it should not.
fn hear(
    trace: &mut KeyTrace,
    report: &ExecutionReport,
    telling: Telling,
    event: &Event,
) -> Result<(), FindingKind> {
    let fault = report::contradiction(report, telling, event.key.as_deref(), trace);
    trace.hear(report, (event.seq, event.at_ms));
    fault.map_or(Ok(()), |member| Err(FindingKind::Report { member }))
}

fn deny(event: &Event, body: &Object) -> Result<(), FindingKind> {
    let report = event::report(body)?;
    let fault = report::denial_contradiction(&report, event.key.as_deref());
    fault.map_or(Ok(()), |member| Err(FindingKind::Report { member }))
}

fn disagreement(checkpoint: Checkpoint, source: Source, here: Checkpoint) -> Option<FindingKind> {
    let is_here = checkpoint.seq == here.seq;
    let column = |column| FindingKind::Column { table: "checkpoints", column };
    match source {
        Source::Kept if is_here && checkpoint.head == here.head => None,
        Source::Kept => Some(FindingKind::CheckpointDiffers),
        Source::Table if !is_here => Some(FindingKind::RowExtra { table: "checkpoints" }),
        Source::Table if checkpoint.head != here.head => Some(column("head".into())),
        Source::Table if checkpoint.at_ms != here.at_ms => Some(column("at_ms".into())),
        Source::Table => None,
    }
}
