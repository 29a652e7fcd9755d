//! What an auditor finds in events alone (INV-FS-4).

mod story;

use decision_schema::Action;
use execution_orchestration_core::{
    idempotency::Digest,
    ledger::{
        Event, EventKind, OwnerId, Resolution, Standing,
        audit::{Auditor, Checkpoint, MAX_FINDINGS, ParseCheckpointError, read_exported, write_exported},
        body,
    },
    model::{Conclusion, Effect, ExecutionReport, Outcome, ReasonCode},
    stop::{Level, Scope},
};
use story::{Story, audit, codes, report};

use Effect::{Applied, NotApplied, Rejected, Unknown};

/// A bit of everything that may happen.
fn eventful() -> Story {
    let mut story = Story::new();
    let fence = story.start("ok", &[]);
    story.end(EventKind::Succeeded, "ok", fence, &[Applied]);
    let fence = story.start("retried", &[]);
    story.end(EventKind::Open, "retried", fence, &[NotApplied]);
    story.gate(Scope::Action(Action::Hold), Level::Halt);
    let fence = story.start_as("retried", &[NotApplied], false);
    story.end(EventKind::Failed, "retried", fence, &[NotApplied, Rejected]);
    let fence = story.start("doubtful", &[]);
    story.end(EventKind::InDoubt, "doubtful", fence, &[Unknown]);
    story.resolve("doubtful", fence, &[Unknown], Resolution::NotApplied);
    story.gate(Scope::Global, Level::Drain);
    story.release(Scope::Global);
    let fence = story.start_as("doubtful", &[Unknown], true);
    story.end(EventKind::Succeeded, "doubtful", fence, &[Unknown, Applied]);
    story.tell(EventKind::Late, Some("doubtful"), Some(fence), body::late(0, "applied"));
    let refused = report_of_refusal(Some("ok"));
    story.tell(EventKind::Denied, Some("ok"), None, body::stands(&refused));
    story.tell(EventKind::Expired, Some("ok"), Some(2), body::expired());
    story.may_repeat = true;
    let _ = story.start("repeated", &[]);
    let fence = story.start_as("repeated", &[Unknown], false);
    story.end(EventKind::Succeeded, "repeated", fence, &[Unknown, Applied]);
    story
}

fn report_of_refusal(key: Option<&str>) -> ExecutionReport {
    let conclusion = Conclusion::refused(ReasonCode::GateStopped);
    let base = report("", &[], Outcome::NotExecuted);
    ExecutionReport { conclusion, idempotency_key: key.map(Into::into), ..base }
}

#[test]
fn an_honest_ledger_has_no_findings_and_is_rebuilt() {
    let story = eventful();
    let audit = story.audit();
    assert_eq!(codes(&audit), [""; 0]);
    assert_eq!(audit.events, story.seq());
    assert_eq!(audit.birth.unwrap().ledger_id, "ledger-1");
    assert_eq!(audit.gate.last_epoch(), 4);
    assert_eq!(audit.retired.into_iter().collect::<Vec<_>>(), [Digest::of(b"ok")]);
    let trace = &audit.keys["doubtful"];
    assert_eq!((trace.record.standing, trace.outcome), (Standing::Succeeded, Outcome::Executed));
    assert_eq!((trace.started_at_ms, trace.updated_at_ms, trace.last_event), (1_009, 1_016, 16));
    let attempts: Vec<_> = trace.attempts.iter().map(|attempt| (attempt.fence, attempt.effect)).collect();
    assert_eq!(attempts, [(9, Unknown), (15, Applied)]);
    assert_eq!(audit.keys.keys().map(AsRef::as_ref).collect::<Vec<_>>(), ["doubtful", "repeated", "retried"]);
}

#[test]
fn every_member_of_an_event_is_held_by_its_hash() {
    let change: [fn(&mut Event); 6] = [
        |event| event.at_ms += 1,
        |event| event.kind = EventKind::InDoubt,
        |event| event.key = Some("other".into()),
        |event| event.fence = Some(1),
        |event| event.gate_epoch = Some(9),
        |event| event.body = event.body.replace("\"latency_ms\":3", "\"latency_ms\":4"),
    ];
    for (at, change) in change.into_iter().enumerate() {
        let mut events = eventful().chained();
        change(&mut events[2].0);
        let found = codes(&audit(events, &[]));
        assert_eq!(found.iter().filter(|code| **code == "audit_hash").count(), 1, "{at}: {found:?}");
    }
    let mut events = eventful().chained();
    events[4].1 = Digest::of(b"forged");
    assert_eq!(codes(&audit(events, &[])), ["audit_hash"; 2], "it, and the one behind it");
}

#[test]
fn bodies_are_canonical_json() {
    let mut spaced = eventful().chained();
    spaced[2].0.body.insert(1, ' ');
    assert_eq!(codes(&audit(spaced, &[])), ["audit_body_not_canonical"], "the hash is that of the meaning");
    let mut broken = eventful().chained();
    broken[15].0.body.push('}');
    assert_eq!(codes(&audit(broken, &[])), ["audit_body_not_json", "audit_hash"]);
    let mut story = Story::new();
    story.tell(EventKind::Late, Some("k"), Some(1), "[]".into());
    story.tell(EventKind::Late, Some("k"), Some(1), "{}".into());
    assert_eq!(story.codes(), ["audit_event_malformed"; 2]);
}

#[test]
fn deleted_moved_and_repeated_events_are_found() {
    let mut deleted = eventful().chained();
    deleted.remove(4);
    let found = codes(&audit(deleted, &[]));
    assert_eq!(found[..2], ["audit_sequence", "audit_hash"]);

    let mut swapped = eventful().chained();
    swapped.swap(4, 5);
    assert!(codes(&audit(swapped, &[])).contains(&"audit_sequence"));

    let mut renumbered = eventful().chained();
    renumbered.swap(4, 5);
    (renumbered[4].0.seq, renumbered[5].0.seq) = (5, 6);
    assert!(codes(&audit(renumbered, &[])).contains(&"audit_hash"));

    let mut repeated = eventful().chained();
    repeated.insert(4, repeated[3].clone());
    assert_eq!(codes(&audit(repeated, &[]))[0], "audit_sequence");
}

#[test]
fn a_ledger_begins_with_its_making_and_only_once() {
    let mut headless = eventful();
    headless.events.remove(0);
    assert!(headless.codes().contains(&"audit_not_created"));
    let mut twice = eventful();
    twice.tell(EventKind::Created, None, None, body::created("ledger-2"));
    assert_eq!(twice.codes(), ["audit_created_again"]);
    assert_eq!(codes(&audit(Vec::new(), &[])), ["audit_not_created"]);
}

#[test]
fn a_cut_tail_is_found_only_against_a_kept_checkpoint() {
    let mut events = eventful().chained();
    let (last, head) = events.pop().unwrap();
    let kept = Checkpoint { seq: last.seq, head, at_ms: last.at_ms };
    assert_eq!(codes(&audit(events.clone(), &[])), [""; 0], "what is left is a whole chain");
    assert_eq!(codes(&audit(events.clone(), &[kept])), ["audit_tail_cut"]);
    events.push((last, head));
    assert_eq!(codes(&audit(events, &[kept])), [""; 0]);
}

#[test]
fn a_rewritten_chain_is_found_against_a_kept_checkpoint() {
    let honest = eventful().chained();
    let kept = |at: usize| Checkpoint { seq: honest[at].0.seq, head: honest[at].1, at_ms: 0 };
    let mut story = eventful();
    story.events[2].at_ms += 1;
    assert_eq!(codes(&audit(story.chained(), &[kept(5), kept(1)])), ["audit_checkpoint_differs"]);
}

#[test]
fn an_outcome_needs_a_start() {
    let mut story = Story::new();
    story.end(EventKind::Succeeded, "k", 2, &[Applied]);
    assert_eq!(story.codes(), ["audit_outcome_without_start"]);
    let mut story = Story::new();
    let fence = story.start("k", &[]);
    story.end(EventKind::Failed, "k", fence, &[Rejected]);
    story.end(EventKind::Failed, "k", fence, &[Rejected]);
    assert_eq!(story.codes(), ["audit_outcome_without_start"]);
}

#[test]
fn two_possible_effects_under_one_key_are_found() {
    for end in [Some((EventKind::Succeeded, Applied)), Some((EventKind::InDoubt, Unknown)), None] {
        for fingerprint in [Digest::of(b"decision"), Digest::of(b"another")] {
            let mut story = Story::new();
            let fence = story.start("k", &[]);
            let before = end.map_or(Unknown, |(_, effect)| effect);
            if let Some((kind, effect)) = end {
                story.end(kind, "k", fence, &[effect]);
            }
            story.fingerprint = fingerprint;
            story.start_as("k", &[before], true);
            assert!(story.codes().contains(&"audit_second_effect"), "{end:?}: {:?}", story.codes());
        }
    }
    let mut story = Story::new();
    let fence = story.start("k", &[]);
    story.end(EventKind::Succeeded, "k", fence, &[Applied]);
    story.end(EventKind::Succeeded, "k", fence, &[Applied]);
    assert_eq!(story.codes(), ["audit_second_effect"]);
}

#[test]
fn a_running_attempt_is_followed_only_where_both_classes_allow_it() {
    for (first, second, found) in [(true, true, 0), (true, false, 1), (false, true, 1)] {
        let mut story = Story::new();
        story.may_repeat = first;
        story.start("k", &[]);
        story.may_repeat = second;
        story.start_as("k", &[Unknown], false);
        assert_eq!(story.codes(), vec!["audit_second_effect"; found], "{first} {second}");
    }
}

#[test]
fn nothing_starts_after_the_end_of_a_key() {
    let mut story = Story::new();
    let fence = story.start("k", &[]);
    story.end(EventKind::Failed, "k", fence, &[Rejected]);
    story.start_as("k", &[Rejected], true);
    assert_eq!(story.codes(), ["audit_start_after_end"]);
    let mut story = Story::new();
    let fence = story.start("k", &[]);
    story.end(EventKind::Succeeded, "k", fence, &[Applied]);
    story.tell(EventKind::Expired, Some("k"), Some(fence), body::expired());
    story.start("k", &[]);
    assert_eq!(story.codes(), ["audit_start_after_end"]);
}

#[test]
fn fences_attempts_and_fingerprints_follow() {
    let mut story = Story::new();
    story.start("k", &[NotApplied]);
    assert!(story.codes().contains(&"audit_attempt"));

    let mut story = Story::new();
    let fence = story.start("k", &[]);
    story.end(EventKind::Succeeded, "k", fence + 1, &[Applied]);
    assert_eq!(story.codes(), ["audit_fence"]);

    let mut story = Story::new();
    story.start("k", &[]);
    story.events[1].fence = Some(9);
    assert_eq!(story.codes(), ["audit_fence"]);

    let mut story = Story::new();
    let fence = story.start("k", &[]);
    story.end(EventKind::Open, "k", fence, &[NotApplied]);
    story.fingerprint = Digest::of(b"another");
    story.start_as("k", &[NotApplied], false);
    assert_eq!(story.codes(), ["audit_fingerprint"]);
}

#[test]
fn what_may_have_happened_is_not_denied() {
    let mut story = Story::new();
    story.may_repeat = true;
    story.start("k", &[]);
    let fence = story.start_as("k", &[Unknown], false);
    story.end(EventKind::Failed, "k", fence, &[Unknown, Rejected]);
    assert!(story.codes().contains(&"audit_effect_denied"));
}

#[test]
fn only_what_is_in_doubt_is_resolved_and_only_what_is_certain_expires() {
    let mut story = Story::new();
    let fence = story.start("k", &[]);
    story.resolve("k", fence, &[Unknown], Resolution::Applied);
    assert_eq!(story.codes(), ["audit_not_in_doubt"]);
    let mut story = Story::new();
    let fence = story.start("k", &[]);
    story.end(EventKind::InDoubt, "k", fence, &[Unknown]);
    story.tell(EventKind::Expired, Some("k"), Some(fence), body::expired());
    assert_eq!(story.codes(), ["audit_expired_early"]);
}

#[test]
fn a_report_says_what_its_event_says() {
    let cases = [
        (EventKind::Failed, report("k", &[Unknown], Outcome::Unknown)),
        (EventKind::Failed, report("k", &[Unknown], Outcome::NotExecuted)),
        (EventKind::Succeeded, report("k", &[Applied], Outcome::Unknown)),
        (EventKind::Succeeded, report("k", &[NotApplied], Outcome::Executed)),
        (EventKind::InDoubt, report("k", &[Unknown], Outcome::NotExecuted)),
        (EventKind::Open, report("k", &[Unknown], Outcome::Unknown)),
        (EventKind::Open, report("k", &[Applied], Outcome::Executed)),
        (EventKind::Succeeded, report("other", &[Applied], Outcome::Executed)),
        (EventKind::Succeeded, report("k", &[], Outcome::Executed)),
        (EventKind::Succeeded, report("k", &[NotApplied, Applied], Outcome::Executed)),
        (EventKind::Denied, report("k", &[], Outcome::NotExecuted)),
    ];
    for (kind, report) in cases {
        let mut story = Story::new();
        let fence = story.start("k", &[]);
        let fence = (kind != EventKind::Denied).then_some(fence);
        story.tell(kind, Some("k"), fence, body::stands(&report));
        assert_eq!(story.codes(), ["audit_report"], "{kind} {report:?}");
    }
}

#[test]
fn an_attempt_that_has_ended_is_not_told_otherwise_later() {
    let mut story = Story::new();
    story.may_repeat = true;
    let effects = [Unknown, Unknown];
    story.start("k", &[]);
    story.start_as("k", &effects[..1], false);
    let fence = story.start_as("k", &effects, false);
    story.end(EventKind::Succeeded, "k", fence, &[NotApplied, Unknown, Applied]);
    assert_eq!(story.codes(), ["audit_report"]);

    let mut story = Story::new();
    let fence = story.start("k", &[]);
    story.end(EventKind::InDoubt, "k", fence, &[Unknown]);
    story.resolve("k", fence, &[NotApplied], Resolution::NotApplied);
    assert_eq!(story.codes(), ["audit_report"], "a resolution leaves what was seen as it was seen");
}

#[test]
fn nothing_starts_inside_a_stop_window() {
    let scopes =
        [(Scope::Global, true), (Scope::Action(Action::Act), true), (Scope::Action(Action::Hold), false)];
    for (scope, covers) in scopes {
        for level in [Level::Drain, Level::Stop, Level::Halt] {
            for is_exempt in [false, true] {
                let mut story = Story::new();
                let fence = story.start("retry", &[]);
                story.end(EventKind::Open, "retry", fence, &[NotApplied]);
                story.gate(scope, level);
                story.is_exempt = is_exempt;
                story.start("new", &[]);
                story.start_as("retry", &[NotApplied], false);
                let found = match (covers, is_exempt, level) {
                    (false, ..) | (_, true, Level::Drain | Level::Stop) => 0,
                    (_, _, Level::Drain) => 1,
                    _ => 2,
                };
                assert_eq!(story.codes(), vec!["audit_start_in_stop_window"; found], "{scope} {level}");
            }
        }
    }
}

#[test]
fn a_released_gate_lets_starts_through() {
    let mut story = Story::new();
    story.gate(Scope::Global, Level::Stop);
    story.release(Scope::Global);
    story.start("k", &[]);
    assert_eq!(story.codes(), [""; 0]);
}

#[test]
fn a_level_that_was_lowered_in_silence_is_found() {
    let mut story = Story::new();
    story.gate(Scope::Global, Level::Stop);
    story.gate(Scope::Global, Level::Drain);
    assert_eq!(story.codes(), ["audit_release_unannounced"]);

    let mut story = Story::new();
    story.gate(Scope::Global, Level::Stop);
    story.gate(Scope::Action(Action::Act), Level::Stop);
    story.release(Scope::Action(Action::Act));
    story.gate(Scope::Global, Level::Run);
    assert_eq!(story.codes(), ["audit_release_unannounced"], "another scope's release is none of this one's");
}

#[test]
fn a_start_names_the_last_epoch() {
    for epoch in [0, 1, 3] {
        let mut story = Story::new();
        story.gate(Scope::Action(Action::Hold), Level::Stop);
        story.epoch = epoch;
        story.start("k", &[]);
        assert_eq!(story.codes(), ["audit_gate_epoch"]);
    }
    let mut story = Story::new();
    story.gate(Scope::Global, Level::Stop);
    story.epoch -= 1;
    story.gate(Scope::Global, Level::Run);
    assert_eq!(story.codes(), ["audit_gate_epoch"], "epochs only grow");
}

#[test]
fn no_start_passes_the_gate_as_a_retry_that_is_none() {
    let mut story = Story::new();
    story.start_as("k", &[], false);
    assert_eq!(story.codes(), ["audit_not_a_retry"]);
    let mut story = Story::new();
    let fence = story.start("k", &[]);
    story.end(EventKind::Open, "k", fence, &[NotApplied]);
    story.owner = OwnerId(8);
    story.start_as("k", &[NotApplied], false);
    assert_eq!(story.codes(), ["audit_not_a_retry"]);
}

#[test]
fn columns_that_the_kind_does_not_have_are_found() {
    type Change = fn(&mut Event);
    let change: [(usize, Change); 5] = [
        (0, |event| event.key = Some("k".into())),
        (0, |event| event.fence = Some(1)),
        (1, |event| event.gate_epoch = None),
        (1, |event| event.fence = None),
        (2, |event| event.gate_epoch = Some(1)),
    ];
    for (at, change) in change {
        let mut story = Story::new();
        let fence = story.start("k", &[]);
        story.end(EventKind::Succeeded, "k", fence, &[Applied]);
        change(&mut story.events[at]);
        assert!(story.codes().contains(&"audit_event_malformed"), "{:?}", story.codes());
    }
}

#[test]
fn findings_are_bounded_and_name_event_and_key_but_no_content() {
    let mut story = Story::new();
    for _ in 0..=MAX_FINDINGS {
        story.end(EventKind::Succeeded, "secret-key", 2, &[Applied]);
    }
    let audit = story.audit();
    assert_eq!(audit.findings.iter().count(), MAX_FINDINGS);
    assert_eq!(audit.findings.total(), 1_001);
    let first = audit.findings.iter().next().unwrap();
    assert_eq!((first.seq, first.key.as_deref()), (Some(2), Some("secret-key")));
    assert_eq!(first.to_string(), "audit_outcome_without_start: event 2: an outcome without a start");
}

#[test]
fn what_cannot_be_read_as_an_event_is_one_finding() {
    let events = eventful().chained();
    let mut auditor = Auditor::new(Vec::new());
    for (event, hash) in events {
        // A denial: nothing else depends on it.
        if event.kind == EventKind::Denied {
            auditor.take_unreadable(event.seq, Some(hash));
        } else {
            auditor.take(event, hash);
        }
    }
    assert_eq!(codes(&auditor.finish()), ["audit_event_unreadable"]);
}

#[test]
fn a_checkpoint_is_one_line_of_json() {
    let checkpoint = Checkpoint { seq: 12, head: Digest::of(b""), at_ms: -3 };
    let line = checkpoint.to_string();
    assert_eq!(line, format!(r#"{{"seq":12,"head":"{}","at_ms":-3}}"#, Digest::of(b"")));
    assert_eq!(line.parse(), Ok(checkpoint));
    assert_eq!(format!(" {line}\n").parse(), Ok(checkpoint));
    for wrong in [
        "",
        "{}",
        "12",
        &line.replace("12", "-12"),
        &line.replace("12", "1.5"),
        &line.replace('}', ",\"x\":1}"),
    ] {
        assert_eq!(wrong.parse::<Checkpoint>(), Err(ParseCheckpointError), "{wrong}");
    }
}

#[test]
fn an_exported_line_reads_back_as_its_event() {
    for (event, hash) in eventful().chained() {
        let mut line = String::new();
        write_exported(&event, &hash, &mut line);
        assert_eq!(read_exported(line.as_bytes()), Some((event, hash)));
        for wrong in
            [line.replacen("\"seq\"", "\"sec\"", 1), line.replace("\"hash\":\"", "\"hash\":\"x"), line + "}"]
        {
            assert_eq!(read_exported(wrong.as_bytes()), None, "{wrong}");
        }
    }
}
