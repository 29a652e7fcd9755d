//! Every model, walked to the end.

use failstop_loom::models;

/// Each model as a test of its own name. One that comes to a single execution tries nothing.
macro_rules! walk {
    ($($room:ident: $($model:ident),+;)+) => {
        $(mod $room {
            $(#[test]
            fn $model() {
                let executions = super::models::$room::$model();
                println!("{executions} executions");
                assert!(executions > 1);
            })+
        })+
    };
}

walk! {
    slots:
        one_slot_two_releasers_two_waiters,
        two_slots_given_back_at_once,
        waiter_dropped_as_it_is_granted,
        abandoned_slot_comes_back_while_another_waits,
        waiter_hears_that_the_last_slot_was_abandoned;
    control:
        urgency_only_rises_and_wakes_each_waiter,
        last_hold_is_told_once_however_late_somebody_asks,
        deaf_hold_is_never_waited_for;
    gate:
        no_start_after_an_acknowledged_stop,
        lower_level_never_overwrites_a_higher_one,
        no_start_after_a_shared_stop_was_reflected,
        stop_wakes_whoever_looked_before_it;
    health:
        storm_closes_the_gate_once,
        cooldown_bars_whoever_comes_after_it;
}
