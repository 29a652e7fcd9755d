//! What every ledger must do, as one suite.
//!
//! A backend names a [`Bench`] and calls [`conformance!`] in a test file; each case becomes a test of its own. A case
//! knows nothing of a backend but the trait [`Ledger`](failstop::ledger::Ledger), and nothing of the rules but what
//! the design says: it must not learn them from the code that it examines. Read `cases/attempts.rs` first.
//!
//! ```
//! use std::sync::Arc;
//!
//! use failstop::ledger::MemoryLedger;
//! use failstop_conformance::Bench;
//!
//! #[derive(Default)]
//! struct Memory(Arc<MemoryLedger>);
//!
//! impl Bench for Memory {
//!     type Ledger = MemoryLedger;
//!     const IS_SHARED: bool = false;
//!
//!     fn new() -> Self {
//!         Self::default()
//!     }
//!
//!     async fn open(&self) -> Arc<MemoryLedger> {
//!         Arc::clone(&self.0)
//!     }
//!
//!     async fn kill(&self, _owner: Arc<MemoryLedger>) {}
//! }
//!
//! failstop_conformance::conformance!(Memory);
//! # fn main() {}
//! ```
#![forbid(unsafe_code)]

mod bench;
pub mod cases;
mod execution;
mod submission;

use std::future::Future;

pub use bench::Bench;

/// Makes one test of each case, for the bench that is named.
#[macro_export]
macro_rules! conformance {
    ($bench:ty) => {
        $crate::conformance! { $bench =>
            attempts::{
                a_key_that_nobody_used_is_fresh,
                a_terminal_key_gives_its_report_back_byte_for_byte,
                what_started_and_was_lost_is_shown_as_unknown,
                a_key_stands_for_one_decision_in_every_state,
                an_open_key_goes_on_with_its_next_attempt,
                attempts_are_counted_one_by_one,
                a_terminal_key_starts_nothing,
                a_started_key_goes_on_only_where_both_classes_allow,
                the_class_that_counts_is_that_of_the_last_start,
                an_effect_that_may_have_happened_is_not_forgotten,
                a_lost_attempt_counts_against_the_class_for_ever,
            },
            fences::{
                fences_strictly_increase_over_keys_and_attempts,
                a_record_with_another_fence_changes_nothing,
                a_record_without_a_start_changes_nothing,
                a_terminal_record_is_final,
                an_open_key_ends_without_effect_or_in_doubt,
            },
            gate::{
                a_start_obeys_the_gate,
                a_start_that_the_gate_refuses_leaves_its_key_as_it_was,
                a_stop_of_another_action_bars_nothing,
            },
            dropped::{
                a_first_start_that_was_dropped_leaves_its_key_usable,
                a_next_start_that_was_dropped_leaves_its_key_usable,
            },
            evidence::{
                evidence_touches_no_key,
            },
            owners::{
                one_of_two_owners_wins_each_key,
                a_living_owners_keys_are_in_progress_for_others,
                what_a_living_owner_finished_is_known_to_others,
                a_dead_owners_start_is_in_doubt,
                a_dead_owners_start_goes_on_where_the_class_allows,
                a_dead_owners_open_key_goes_on,
                an_attempt_that_still_runs_is_not_taken_over,
                an_attempt_that_outlived_its_owner_is_not_taken_over,
            },
            contents::{
                keys_may_have_any_text,
                a_key_is_told_from_others_by_every_byte,
                reports_keep_their_extremes,
            },
            engines::{
                a_replay_is_the_first_report,
                an_unknown_effect_is_never_repeated,
                another_decision_under_the_key_is_refused,
                a_denial_burns_no_key,
                an_execution_that_was_dropped_in_its_attempt_is_in_doubt,
                an_idempotent_execution_that_was_dropped_goes_on,
                a_dead_owners_attempts_count,
                an_execution_whose_attempts_are_spent_is_concluded,
                two_engines_do_nothing_twice,
                an_engine_may_wait_for_another_owner,
            },
            histories::{
                every_history_agrees_with_the_model,
            },
        }
    };
    ($bench:ty => $($room:ident::{ $($case:ident),+ $(,)? }),+ $(,)?) => {
        $($(
            #[test]
            fn $case() {
                $crate::run($crate::cases::$room::$case::<$bench>());
            }
        )+)+
    };
}

/// Runs one case to its end, with threads for what a backend does beside it.
///
/// # Panics
/// Where the ledger does not do what the case says.
pub fn run(case: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.expect("a runtime can be made").block_on(case);
}
