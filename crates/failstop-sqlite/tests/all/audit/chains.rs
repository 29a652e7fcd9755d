//! The chain in the file and outside of it: order, ends, forgeries, exports, and who else is at it.

use std::{fs, io::Cursor};

use decision_schema::Action;
use failstop::{
    core::{
        ledger::{Event, EventKind, body},
        stop::{GateEntry, Level, Scope},
    },
    executor::Answer,
};
use failstop_sqlite::{
    OpenError,
    audit::{self, AuditError, Checkpoint},
};
use tempfile::TempDir;

use super::fixture::{Fixture, answering, codes};
use crate::support::{open, run};

fn starts_under(events: &[Event], key: &str) -> usize {
    let is_start = |event: &Event| event.kind == EventKind::Started && event.key.as_deref() == Some(key);
    events.iter().position(is_start).unwrap()
}

#[tokio::test]
async fn swapped_events_are_found() {
    let fixture = Fixture::written().await;
    let events = fixture.copy().verify().events;
    for seq in 1..events {
        for columns in
            ["at_ms, kind, key, fence, gate_epoch, body", "at_ms, kind, key, fence, gate_epoch, body, hash"]
        {
            let copy = fixture.copy();
            let next = seq + 1;
            copy.connection()
                .execute_batch(&format!(
                    "CREATE TEMP TABLE pair AS SELECT * FROM events WHERE seq IN ({seq}, {next});
                     UPDATE events SET ({columns}) = (SELECT {columns} FROM pair WHERE seq = {next}) WHERE seq = {seq};
                     UPDATE events SET ({columns}) = (SELECT {columns} FROM pair WHERE seq = {seq}) WHERE seq = {next};"
                ))
                .unwrap();
            assert!(codes(&copy.verify()).contains(&"audit_hash"), "{seq} and {next}");
        }
    }
}

#[tokio::test]
async fn a_cut_tail_is_found_against_a_kept_checkpoint() {
    let fixture = Fixture::written().await;
    let kept = audit::latest(&fixture.path).unwrap();
    let copy = fixture.copy();
    copy.execute("DELETE FROM events WHERE seq = (SELECT max(seq) FROM events)");
    // The last event is a denial, from which no row of a table follows: nothing in the file tells that it is gone.
    assert_eq!(codes(&copy.verify()), [""; 0]);
    let found = copy.verify_against(kept);
    assert_eq!(codes(&found), ["audit_tail_cut"]);
    assert_eq!(found.findings.iter().next().unwrap().seq, Some(kept.seq));
    assert_eq!(codes(&fixture.copy().verify_against(kept)), [""; 0]);
}

#[tokio::test]
async fn a_tail_cut_without_its_projections_is_found_by_them() {
    let fixture = Fixture::written().await;
    let copy = fixture.copy();
    copy.execute("DELETE FROM events WHERE seq > 12");
    let found = codes(&copy.verify());
    for code in ["audit_row_extra", "audit_column"] {
        assert!(found.contains(&code), "{found:?}");
    }
}

#[tokio::test]
async fn a_forged_chain_is_found_against_a_kept_checkpoint() {
    let fixture = Fixture::written().await;
    let kept = audit::latest(&fixture.path).unwrap();
    let copy = fixture.copy();
    copy.execute("DELETE FROM checkpoints");
    copy.forge(|events| {
        let denied = events.last_mut().unwrap();
        denied.at_ms -= 1;
    });
    assert_eq!(codes(&copy.verify()), [""; 0], "a chain that was computed anew is whole");
    assert_eq!(codes(&copy.verify_against(kept)), ["audit_checkpoint_differs"]);
}

#[tokio::test]
async fn inv_exe_4_a_forged_start_inside_a_stop_window_is_found() {
    let fixture = Fixture::written().await;
    for scope in [Scope::Global, Scope::Action(Action::Act)] {
        let copy = fixture.copy();
        copy.forge(|events| {
            let at = starts_under(events, "rejected");
            let stop = GateEntry { scope, level: Level::Stop, epoch: 2, reason: "stop".into(), at_ms: 1 };
            let gate = Event {
                seq: 1_000_000,
                kind: EventKind::Gate,
                key: None,
                fence: None,
                gate_epoch: Some(2),
                body: body::gate(&stop),
                ..events[at].clone()
            };
            events.insert(at, gate);
            for later in &mut events[at + 1..] {
                later.gate_epoch = later.gate_epoch.map(|epoch| epoch + 1);
            }
        });
        let report = copy.verify();
        let found = |kind: &str| report.findings.iter().filter(|finding| finding.kind.code() == kind).count();
        assert_eq!((found("audit_hash"), found("audit_gate_epoch")), (0, 0), "the forgery is a good one");
        assert_eq!(found("audit_start_in_stop_window"), 5, "that start, and all behind it");
    }
}

#[tokio::test]
async fn inv_fs_1_two_forged_successes_under_one_key_are_found() {
    let fixture = Fixture::written().await;
    let copy = fixture.copy();
    copy.forge(|events| {
        let at = starts_under(events, "applied");
        let (mut start, mut success) = (events[at].clone(), events[at + 1].clone());
        assert_eq!(success.kind, EventKind::Succeeded);
        (start.seq, start.fence, start.gate_epoch) = (1_000_000, Some(1_000_000), Some(2));
        (success.seq, success.fence) = (1_000_001, Some(1_000_000));
        events.extend([start, success]);
    });
    let found = codes(&copy.verify());
    assert!(found.contains(&"audit_second_effect"), "{found:?}");
    assert!(!found.contains(&"audit_hash"), "the forgery is a good one");

    let copy = fixture.copy();
    copy.forge(|events| {
        let mut success = events[starts_under(events, "applied") + 1].clone();
        success.seq = 1_000_000;
        events.push(success);
    });
    assert_eq!(codes(&copy.verify())[0], "audit_second_effect");
}

#[tokio::test]
async fn an_event_that_was_put_into_the_chain_is_found_by_what_does_not_follow() {
    let fixture = Fixture::written().await;
    let copy = fixture.copy();
    copy.forge(|events| {
        let mut expired = events[starts_under(events, "applied") + 1].clone();
        (expired.seq, expired.kind, expired.body) = (1_000_000, EventKind::Expired, body::expired());
        events.push(expired);
    });
    assert_eq!(codes(&copy.verify()), ["audit_row_missing", "audit_row_extra", "audit_row_extra"]);
}

#[tokio::test]
async fn an_export_is_proved_on_its_own() {
    let fixture = Fixture::written().await;
    let mut exported = Vec::new();
    let done = audit::export(&fixture.path, &mut exported).unwrap();
    assert_eq!(done.head, audit::latest(&fixture.path).unwrap());
    let report = audit::verify_export(&mut Cursor::new(&exported), &[done.head]).unwrap();
    assert_eq!((codes(&report), report.events, report.head), (vec![], done.events, Some(done.head)));
    let in_file = audit::verify(&fixture.path, &[]).unwrap();
    assert_eq!(report, in_file);

    let text = String::from_utf8(exported).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines.iter().all(|line| line.starts_with("{\"at_ms\":") && line.contains(",\"hash\":\"")));
    for at in 0..lines.len() - 1 {
        let mut missing = lines.clone();
        missing.remove(at);
        let mut swapped = lines.clone();
        swapped.swap(at, at + 1);
        let edited = lines[at].replacen("\"at_ms\":1", "\"at_ms\":2", 1);
        let mut changed = lines.clone();
        changed[at] = &edited;
        let mut broken = lines.clone();
        broken[at] = "{}";
        for tampered in [missing, swapped, changed, broken] {
            let report = audit::verify_export(&mut Cursor::new(tampered.join("\n")), &[]).unwrap();
            assert!(!report.is_clean(), "line {at}");
        }
    }
    let cut = lines[..lines.len() - 1].join("\n");
    let report = audit::verify_export(&mut Cursor::new(cut), &[done.head]).unwrap();
    assert_eq!(codes(&report), ["audit_tail_cut"]);
}

#[tokio::test]
async fn what_is_damaged_beyond_an_event_is_not_exported() {
    let fixture = Fixture::written().await;
    for damage in ["kind = 'what'", "hash = x'00'", "body = '{'", "fence = -1"] {
        let copy = fixture.copy();
        copy.execute(&format!("UPDATE events SET {damage} WHERE seq = 3"));
        let fault = audit::export(&copy.path, &mut Vec::new()).unwrap_err();
        assert_eq!(fault, AuditError::Damaged { seq: 3 }, "{damage}");
        assert!(!copy.verify().is_clean(), "{damage}");
    }
}

#[tokio::test]
async fn a_living_ledger_is_audited_beside_its_owner_and_left_as_it_is() {
    let home = TempDir::new().unwrap();
    let path = home.path().join("failstop.db");
    let ledger = open(&path);
    for n in 0..20 {
        run(&answering(&ledger, [Answer::applied()]), &format!("key-{n}")).await;
    }
    let listing = || {
        let mut names: Vec<_> =
            fs::read_dir(home.path()).unwrap().map(|file| file.unwrap().file_name()).collect();
        names.extend(
            fs::read_dir(home.path().join("failstop.db.locks"))
                .unwrap()
                .map(|file| file.unwrap().file_name()),
        );
        names.sort();
        names
    };
    let (before, head) = (listing(), audit::latest(&path).unwrap());
    let report = audit::verify(&path, &[]).unwrap();
    assert_eq!((codes(&report), report.keys, report.head), (vec![], 20, Some(head)));
    assert_eq!(listing(), before);
    run(&answering(&ledger, [Answer::applied()]), "after").await;
    assert_eq!(codes(&audit::verify(&path, &[head]).unwrap()), [""; 0]);
}

#[tokio::test]
async fn progress_is_told() {
    let fixture = Fixture::written().await;
    let copy = fixture.copy();
    copy.forge(|events| {
        let denied = events.last().unwrap().clone();
        events.extend((0..2_000).map(|n| Event { seq: 1_000_000 + n, ..denied.clone() }));
    });
    let mut told = Vec::new();
    let report = audit::verify_watched(&copy.path, &[], |events| told.push(events)).unwrap();
    assert_eq!((codes(&report), told), (vec![], vec![1_000, 2_000]));
}

#[test]
fn what_is_no_ledger_is_not_audited() {
    let home = TempDir::new().unwrap();
    let path = home.path().join("failstop.db");
    assert_eq!(audit::verify(&path, &[]), Err(AuditError::Open(OpenError::Missing)));
    assert!(!path.exists(), "looking makes no file");
    fs::write(&path, "no database").unwrap();
    assert_eq!(audit::verify(&path, &[]), Err(AuditError::Open(OpenError::NotALedger)));
    assert_eq!(audit::latest(&path), Err(AuditError::Open(OpenError::NotALedger)));
}

#[tokio::test]
async fn a_checkpoint_is_one_line_that_reads_back() {
    let fixture = Fixture::written().await;
    let kept = audit::latest(&fixture.path).unwrap();
    assert_eq!(kept.to_string().parse::<Checkpoint>(), Ok(kept));
}
