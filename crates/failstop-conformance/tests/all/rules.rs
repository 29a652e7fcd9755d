//! What the rules refuse and no ledger asks for: they are also held against records that somebody else wrote.

use failstop::core::{
    idempotency::Digest,
    ledger::{Beginning, Contradiction, KeyRecord, OwnerId, Resolution, Sight, Standing},
    orchestrator::KeyState,
};

fn beginning(attempt: u32, fence: u64) -> Beginning {
    let fingerprint = Digest::of(b"this");
    Beginning { fingerprint, fence, attempt, owner: OwnerId(u128::from(fence)), may_repeat: false }
}

/// A record of each standing after one attempt with fence 5.
fn records() -> [KeyRecord; 5] {
    let started = KeyRecord::first(&beginning(0, 5)).unwrap();
    let ended = |state| started.conclude(5, state).unwrap();
    let [open, succeeded, failed, in_doubt] =
        [KeyState::Open, KeyState::Succeeded, KeyState::Failed, KeyState::InDoubt].map(ended);
    [started, open, succeeded, failed, in_doubt]
}

#[test]
fn a_start_with_a_fence_that_is_not_higher_is_refused() {
    let [_, open, ..] = records();
    for fence in [0, 4, 5] {
        assert_eq!(open.restart(&beginning(1, fence)), Err(Contradiction::Fence));
    }
    let started = open.restart(&beginning(1, 6)).unwrap();
    assert_eq!((started.fence, started.attempts, started.owner), (6, 2, OwnerId(6)));
}

#[test]
fn only_what_is_in_doubt_is_resolved() {
    for record in records() {
        for resolution in [Resolution::Applied, Resolution::NotApplied] {
            let is_in_doubt = record.standing == Standing::InDoubt;
            assert_eq!(record.resolve(resolution).is_ok(), is_in_doubt, "{:?}", record.standing);
        }
    }
}

#[test]
fn a_resolution_takes_the_doubt_away_and_counts_no_attempt() {
    let [.., in_doubt] = records();
    assert!(in_doubt.may_have_effect);
    let applied = in_doubt.resolve(Resolution::Applied).unwrap();
    assert_eq!((applied.standing, applied.resolution), (Standing::Succeeded, Some(Resolution::Applied)));
    let not_applied = in_doubt.resolve(Resolution::NotApplied).unwrap();
    assert_eq!(
        (not_applied.standing, not_applied.resolution),
        (Standing::Open, Some(Resolution::NotApplied))
    );
    for resolved in [applied, not_applied] {
        assert_eq!((resolved.owner, resolved.attempts, resolved.fence), (OwnerId::NOBODY, 1, 5));
        assert!(!resolved.may_have_effect);
    }
    let again = not_applied.restart(&beginning(1, 6)).unwrap();
    assert!(again.conclude(6, KeyState::Failed).is_ok(), "what did not happen is no effect");
}

#[test]
fn what_cannot_be_lost_is_not_orphaned() {
    for record in records() {
        match record.orphan() {
            Ok(orphan) => {
                assert_eq!(record.standing, Standing::Started);
                assert_eq!((orphan.standing, orphan.may_have_effect), (Standing::InDoubt, true));
            }
            Err(contradiction) => {
                assert_ne!(record.standing, Standing::Started);
                assert_eq!(contradiction, Contradiction::Standing);
            }
        }
    }
}

#[test]
fn an_open_key_after_a_lost_attempt_goes_on_only_where_the_class_allows() {
    let may_repeat = |start: Beginning| Beginning { may_repeat: true, ..start };
    let started = KeyRecord::first(&may_repeat(beginning(0, 5))).unwrap();
    let open = started.restart(&may_repeat(beginning(1, 6))).unwrap().conclude(6, KeyState::Open).unwrap();
    let sight = |may_repeat| open.sight(Digest::of(b"this"), may_repeat, false);
    assert_eq!(sight(true), Sight::Resumable { unknown: true });
    assert_eq!(sight(false), Sight::Orphaned);
    assert!(open.restart(&may_repeat(beginning(2, 7))).is_ok());
    assert_eq!(open.restart(&beginning(2, 7)), Err(Contradiction::Standing));
    assert_eq!(open.orphan().unwrap().standing, Standing::InDoubt);
}

#[test]
fn whoever_lives_is_left_alone() {
    let sight = |record: KeyRecord, is_alive| record.sight(Digest::of(b"this"), true, is_alive);
    let [started, open, succeeded, failed, in_doubt] = records();
    for record in [started, open, KeyRecord { may_repeat: true, ..started }] {
        assert_eq!(sight(record, true), Sight::InProgress);
    }
    for is_alive in [true, false] {
        assert_eq!(sight(succeeded, is_alive), Sight::Finished);
        assert_eq!(sight(failed, is_alive), Sight::Finished);
        assert_eq!(sight(in_doubt, is_alive), Sight::InDoubt);
        assert_eq!(started.sight(Digest::of(b"that"), true, is_alive), Sight::Reused);
    }
}

#[test]
fn only_what_is_known_for_certain_is_retired() {
    let [started, open, succeeded, failed, in_doubt] = records();
    assert_eq!([started, open, in_doubt].map(|record| record.may_expire()), [false; 3]);
    assert_eq!([succeeded, failed].map(|record| record.may_expire()), [true; 2]);
    assert_eq!([started, open].map(|record| record.is_terminal()), [false; 2]);
    assert_eq!([succeeded, failed, in_doubt].map(|record| record.is_terminal()), [true; 3]);
}
