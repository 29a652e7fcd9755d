//! Exported chains, as an auditor gets them from somebody else.

use failstop::core::{
    idempotency::Digest,
    ledger::{
        Event, GENESIS,
        audit::{Checkpoint, read_exported, write_exported},
    },
};
use failstop_sqlite::audit::{AuditReport, verify_export};

/// A chain of anything is judged and never a panic. What is read of it is written as one line that reads the same. Chained
/// anew it hangs together, so that what its bodies say is judged too; a checkpoint of its own agrees with it, and one of
/// another chain is missed.
pub fn check(bytes: &[u8]) {
    let _ = verified(bytes, &[]);
    let events: Vec<Event> = bytes.split(|byte| *byte == b'\n').filter_map(event_in).collect();
    let chain = chained(events);
    let report = verified(chain.as_bytes(), &[]);
    let again = verified(chain.as_bytes(), &[]);
    assert_eq!(report.to_object(), again.to_object(), "a chain is judged the same each time");
    let Some(head) = report.head else { return };
    let found = report.findings.total();
    assert_eq!(verified(chain.as_bytes(), &[head]).findings.total(), found, "its own checkpoint agrees");
    let elsewhere = Checkpoint { head: Digest::of(b"another chain"), ..head };
    assert!(!verified(chain.as_bytes(), &[elsewhere]).is_clean(), "another chain's does not");
    let beyond = Checkpoint { seq: head.seq + 1, ..head };
    assert!(!verified(chain.as_bytes(), &[beyond]).is_clean(), "a tail that was cut is missed");
}

fn event_in(line: &[u8]) -> Option<Event> {
    let (event, hash) = read_exported(line)?;
    let mut written = String::new();
    write_exported(&event, &hash, &mut written);
    let again = read_exported(written.as_bytes());
    assert_eq!(again.as_ref(), Some(&(event.clone(), hash)), "an event is read as it is written");
    Some(event)
}

/// The events in one chain, numbered from 1, each with the hash that it has there.
fn chained(events: Vec<Event>) -> String {
    let (mut previous, mut chain) = (GENESIS, String::new());
    for (seq, event) in (1..).zip(events) {
        let event = Event { seq, ..event };
        let hash = event.hash(&previous);
        write_exported(&event, &hash, &mut chain);
        chain.push('\n');
        previous = *hash.as_bytes();
    }
    chain
}

fn verified(chain: &[u8], kept: &[Checkpoint]) -> AuditReport {
    verify_export(&mut &*chain, kept).expect("bytes in memory can be read")
}
