//! That the model can fail: without one thing that the code does, a broken promise is found.

use execution_orchestration_core::stop::Scope::Global;
use failstop_sim::{
    Counterexample, explore,
    world::{Bounds, Broken, Mutation, Processes},
};

use crate::bounds::{ACT, ELSEWHERE, OFTEN, ONCE, executes, mortal, releases, stops, world};

/// What is found first; nothing is where the code does all that it does.
fn without(mutation: Mutation, bounds: Bounds) -> Counterexample<Broken> {
    assert!(explore(&Processes::new(bounds.clone())).is_ok());
    let found = explore(&Processes::without(bounds, mutation)).expect_err("nothing was found");
    println!("{mutation:?}:\n{found}\n");
    found
}

/// Whether this comes of it too, whatever else is broken before.
fn leads_to(mutation: Mutation, broken: Broken, bounds: Bounds) {
    let found = explore(&Processes::without(bounds, mutation).looking_only_for(broken));
    let found = found.expect_err("nothing was found");
    println!("{mutation:?}:\n{found}\n");
    assert_eq!(found.broken, broken);
}

fn one_and_a_stop() -> Bounds {
    world(ONCE, vec![executes(&[0]), stops(Global)])
}

#[test]
fn with_the_shared_lock_taken_after_the_second_look_a_start_follows_a_stop() {
    assert_eq!(without(Mutation::LockAfterReading, one_and_a_stop()).broken, Broken::StartedAfterStop);
}

#[test]
fn with_the_shared_lock_let_go_before_the_commit_a_start_follows_a_stop() {
    assert_eq!(without(Mutation::LetGoBeforeCommit, one_and_a_stop()).broken, Broken::StartedAfterStop);
}

#[test]
fn without_a_wait_for_starts_under_way_a_start_follows_a_stop() {
    assert_eq!(without(Mutation::SettleWithoutWaiting, one_and_a_stop()).broken, Broken::StartedAfterStop);
}

#[test]
fn with_a_wait_for_older_epochs_alone_a_start_follows_a_stop() {
    assert_eq!(without(Mutation::SettleBelowTheOldEpoch, one_and_a_stop()).broken, Broken::StartedAfterStop);
}

#[test]
fn with_nobody_excluded_from_the_gate_an_epoch_is_used_twice() {
    let bounds = world(ONCE, vec![stops(Global), stops(ACT)]);
    assert_eq!(without(Mutation::LatchWithoutWriterLock, bounds).broken, Broken::EpochReused);
}

#[test]
fn with_an_answer_before_the_commit_an_executor_is_entered_without_a_record() {
    let bounds = world(ONCE, vec![executes(&[0])]);
    assert_eq!(without(Mutation::AnswerBeforeCommit, bounds).broken, Broken::EnteredUnrecorded);
}

#[test]
fn with_an_answer_before_the_commit_a_death_leads_to_a_second_effect() {
    let bounds = mortal(1, world(ONCE, vec![executes(&[0])]));
    leads_to(Mutation::AnswerBeforeCommit, Broken::SecondEffect, bounds);
}

#[test]
fn with_gate_changes_recorded_behind_starts_the_auditor_objects() {
    let processes = vec![executes(&[0]), stops(Global), releases(Global)];
    let broken = without(Mutation::RecordGateBehindStarts, world(ONCE, processes)).broken;
    assert_eq!(broken, Broken::Audit("audit_gate_epoch"));
}

#[test]
fn without_a_look_at_the_record_a_second_effect_happens() {
    let bounds = world(ONCE, vec![executes(&[0]), executes(&[0])]);
    let broken = without(Mutation::StartUnasked, bounds).broken;
    assert_eq!(broken, Broken::Audit("audit_second_effect"));
    let bounds = world(ONCE, vec![executes(&[0]), executes(&[0])]);
    leads_to(Mutation::StartUnasked, Broken::SecondEffect, bounds);
}

#[test]
fn without_the_owners_lock_two_attempts_run_at_one_time() {
    let bounds = world(OFTEN, vec![executes(&[0]), executes(&[0])]);
    assert_eq!(without(Mutation::SkipOwnerLock, bounds).broken, Broken::TwoAtOnce);
}

#[test]
fn with_orphans_taken_for_harmless_an_effect_is_denied() {
    let bounds = mortal(1, world(ONCE, vec![executes(&[0])]));
    assert_eq!(without(Mutation::ReopenOrphans, bounds).broken, Broken::EffectDenied);
}

#[test]
fn with_unknown_ends_taken_for_refusals_an_effect_is_denied() {
    let bounds = world(ONCE, vec![executes(&[0])]);
    assert_eq!(without(Mutation::TakeUnknownForRefused, bounds).broken, Broken::EffectDenied);
}

#[test]
fn with_a_release_in_force_before_its_announcement_it_is_unannounced() {
    let bounds = world(ONCE, vec![stops(Global), releases(Global)]);
    assert_eq!(without(Mutation::ReleaseBeforeAnnounced, bounds).broken, Broken::ReleasedUnannounced);
}

#[test]
fn a_release_in_force_before_its_announcement_is_found_by_the_auditor_too() {
    let bounds = world(ONCE, vec![executes(&[0]), stops(Global), releases(Global)]);
    leads_to(Mutation::ReleaseBeforeAnnounced, Broken::Audit("audit_release_unannounced"), bounds);
}

#[test]
fn without_a_comparison_a_release_uses_an_epoch_twice() {
    let bounds = world(ELSEWHERE, vec![stops(Global), stops(ACT), releases(Global)]);
    assert_eq!(without(Mutation::ReleaseWithoutComparing, bounds).broken, Broken::EpochReused);
}

#[test]
fn with_a_withdrawal_of_whatever_runs_an_effect_is_denied() {
    let bounds = world(ONCE, vec![executes(&[0]), executes(&[0])]);
    let bounds = Bounds { has_withdrawals: true, ..bounds };
    assert_eq!(without(Mutation::WithdrawUnasked, bounds).broken, Broken::EffectDenied);
}

/// What a reader gets to see.
#[test]
fn a_counterexample_reads_as_a_story() {
    let found = without(Mutation::SettleWithoutWaiting, one_and_a_stop());
    let told = found.to_string();
    for line in [
        "process 1, stopping, writes the latch: the gate's global is at Stop with epoch 2",
        "process 1 acknowledges the stop",
        "process 0 commits",
        "broken: STARTED became durable behind an acknowledged stop",
    ] {
        assert!(told.contains(line), "{told}");
    }
}
