//! The promises, by name, at the level of the pure core: what the machine itself can keep. Drivers and ledgers have
//! their own.

use decision_schema::{Action, json};
use execution_orchestration_core::{
    model::{Effect, EffectClass, ExecutionStatus, Outcome, ReasonCode, Stopped},
    orchestrator::{
        Admission, Ended, Input, KeyState, Lookup, Machine, Manner, Output, Outputs, PermitRefusal, Phase,
        Prior, StartRefusal,
    },
    plan::{Plan, Subject},
    policies::{ExecutionPolicy, OnInProgress, PolicySpec, RetryUnknown},
    stop::{Level, Scope, StopCode, Verdict, context_verdict},
    trace::EXEC_KEYS,
};

use crate::machine_driver::at;

const RUN: Admission = Admission { verdict: Verdict::RUN, allowed: true, refusal: None, throttle_ms: 0 };
const STARTED: Input = Input::Started { at_ms: 0 };

fn keyed() -> PolicySpec {
    let mut spec = PolicySpec::default();
    spec.idempotency.enabled = true;
    spec
}

fn unkeyed() -> PolicySpec {
    PolicySpec::default()
}

/// A machine and the orders of its last input.
struct Desk<'p> {
    machine: Machine<'p>,
}

impl<'p> Desk<'p> {
    fn new(policy: &'p ExecutionPolicy, takes_permits: bool) -> Self {
        let subject = Subject {
            action: Action::Act,
            params: None,
            throttle_ms: 0,
            cooldown_ms: 0,
            policy,
            executor: "desk",
            effect_class: EffectClass::NonIdempotent,
        };
        Self { machine: Machine::new(Plan::new(subject), takes_permits) }
    }

    fn hand(&mut self, ms: u64, input: Input) -> Vec<Output> {
        let mut out = Outputs::new();
        self.machine.handle(at(ms), input, &mut out);
        std::iter::from_fn(|| out.next()).collect()
    }

    fn ends(&mut self, ms: u64, attempt: u32, effect: Effect) -> Vec<Output> {
        self.hand(ms, Input::Finished { attempt, ended: Ended::answered(effect, None, None) })
    }

    fn end(&self) -> (ExecutionStatus, Outcome, Option<ReasonCode>, bool) {
        let end = self.machine.conclusion().unwrap();
        (end.status, end.outcome, end.reason_code, end.fail_closed)
    }
}

fn checked(spec: &PolicySpec) -> ExecutionPolicy {
    ExecutionPolicy::new(*spec).unwrap()
}

fn gate(level: Level) -> Verdict {
    Verdict::new(level, StopCode::Stopped, Scope::Global, 9)
}

/// A machine in which attempt 0 runs since moment 0.
fn running(policy: &ExecutionPolicy) -> Desk<'_> {
    let mut desk = Desk::new(policy, false);
    desk.hand(0, Input::Admit(RUN));
    if policy.idempotency().enabled {
        desk.hand(0, Input::LookedUp(Lookup::Fresh));
    }
    desk.hand(0, STARTED);
    assert!(matches!(desk.machine.phase(), Phase::Running { attempt: 0, .. }));
    desk
}

#[test]
fn inv_exe_1_the_happy_path_without_a_key_is_start_finished_done() {
    let policy = checked(&unkeyed());
    let mut desk = Desk::new(&policy, false);
    assert_eq!(desk.hand(0, Input::Admit(RUN)), [Output::Start { attempt: 0 }]);
    assert_eq!(desk.hand(0, STARTED), []);
    assert_eq!(desk.ends(1, 0, Effect::Applied), [Output::Release, Output::Done]);
    assert_eq!(desk.end(), (ExecutionStatus::Success, Outcome::Executed, None, false));
}

#[test]
fn inv_exe_1_delays_are_the_plans() {
    let policy = checked(&unkeyed());
    let mut desk = running(&policy);
    let planned = desk.machine.plan().clone().schedule();
    let mut now = 0;
    for attempt in 0..3 {
        desk.ends(now, attempt, Effect::NotApplied);
        now += planned[attempt as usize + 1];
        assert_eq!(desk.machine.poll_timeout(), Some(at(now)));
        assert_eq!(desk.hand(now, Input::Tick), [Output::Start { attempt: attempt + 1 }]);
        desk.hand(now, STARTED);
    }
    let waits: Vec<_> = desk.machine.attempts().iter().map(|attempt| attempt.waited_ms).collect();
    assert_eq!(waits, planned);
}

#[test]
fn inv_exe_2_attempts_of_dead_owners_count() {
    let policy = checked(&keyed());
    let mut desk = Desk::new(&policy, false);
    desk.hand(0, Input::Admit(RUN));
    let prior = Prior { attempts: 3, unknown: false };
    assert_eq!(desk.hand(0, Input::LookedUp(Lookup::Resumable(prior))), [Output::Start { attempt: 3 }]);
    desk.hand(0, STARTED);
    let orders = desk.ends(1, 3, Effect::NotApplied);
    assert_eq!(orders, [Output::Record { attempt: 3, state: KeyState::Failed }]);
    assert_eq!(
        desk.end(),
        (ExecutionStatus::Failed, Outcome::NotExecuted, Some(ReasonCode::ExecutorFailed), false)
    );
}

/// Where every attempt was made by earlier owners, `executor_failed` was once reported as `denied`, and an unknown
/// effect under it as a clean failure.
#[test]
fn inv_exe_2_a_key_whose_attempts_are_spent_starts_nothing() {
    let policy = checked(&keyed());
    for (unknown, end) in [
        (false, (ExecutionStatus::Failed, Outcome::NotExecuted, Some(ReasonCode::ExecutorFailed), false)),
        (true, (ExecutionStatus::Failed, Outcome::Unknown, Some(ReasonCode::UnknownOutcome), true)),
    ] {
        let mut desk = Desk::new(&policy, false);
        desk.hand(0, Input::Admit(RUN));
        let orders = desk.hand(0, Input::LookedUp(Lookup::Resumable(Prior { attempts: 4, unknown })));
        let state = if unknown { KeyState::InDoubt } else { KeyState::Failed };
        assert_eq!(orders, [Output::Record { attempt: 3, state }], "INV-FS-2: the key ends here");
        assert_eq!(desk.hand(1, Input::Recorded), [Output::Release, Output::Done]);
        assert_eq!(desk.end(), end);
    }
}

/// A start step that hung until just before the bound once left an attempt its whole grace behind it.
#[test]
fn inv_exe_2_a_start_that_comes_late_moves_no_deadline() {
    let policy = checked(&unkeyed());
    let mut desk = Desk::new(&policy, false);
    desk.hand(0, Input::Admit(RUN));
    desk.hand(31_900, STARTED);
    assert_eq!(desk.hand(31_900, Input::Tick), [Output::Signal { attempt: 0 }]);
    while let Some(due) = desk.machine.poll_timeout() {
        assert!(due <= desk.machine.report_deadline());
        let orders = desk.hand(due.ms_since(at(0)), Input::Tick);
        assert!(!orders.iter().any(|order| matches!(order, Output::Start { .. })));
    }
    assert_eq!(desk.machine.attempts()[0].stopped, Some(Stopped::Unconfirmed));
    assert_eq!(desk.end().1, Outcome::Unknown);
}

#[test]
fn inv_exe_2_a_hint_past_a_minute_ends_the_execution_although_there_is_time() {
    let mut spec = unkeyed();
    spec.timeout.max_total_time_ms = 600_000;
    let policy = checked(&spec);
    for (hint_ms, waits) in [(60_000, true), (60_001, false)] {
        let mut desk = running(&policy);
        let mut ended = Ended::answered(Effect::NotApplied, None, None);
        ended.retry_after_ms = Some(hint_ms);
        desk.hand(0, Input::Finished { attempt: 0, ended });
        assert_eq!(desk.machine.poll_timeout(), waits.then(|| at(hint_ms)));
        let code = desk.machine.conclusion().and_then(|end| end.reason_code);
        assert_eq!(code, (!waits).then_some(ReasonCode::RetryAfterExceedsDeadline));
    }
}

#[test]
fn inv_exe_2_whatever_hangs_the_report_comes() {
    let policy = checked(&keyed());
    let steps = [Input::Admit(RUN), Input::LookedUp(Lookup::Fresh), Input::Granted(None), STARTED];
    for told in 1..=steps.len() {
        let mut desk = Desk::new(&policy, true);
        for step in &steps[..told] {
            desk.hand(0, step.clone());
        }
        let bound = desk.machine.report_deadline();
        let mut ticks = 0;
        while let Some(due) = desk.machine.poll_timeout() {
            assert!(due <= bound, "after {told} steps");
            desk.hand(due.ms_since(at(0)), Input::Tick);
            ticks += 1;
            assert!(ticks < 20);
        }
        assert_eq!(desk.machine.phase(), Phase::Done);
    }
}

#[test]
fn inv_exe_3_a_lost_ledger_starts_nothing_and_says_so() {
    let policy = checked(&keyed());
    let mut desk = Desk::new(&policy, false);
    desk.hand(0, Input::Admit(RUN));
    desk.hand(0, Input::LookedUp(Lookup::Unavailable));
    let end = (ExecutionStatus::Denied, Outcome::NotExecuted, Some(ReasonCode::LedgerUnavailable), true);
    let unread = (end.0, Outcome::Unknown, end.2, end.3);
    assert_eq!(desk.end(), unread, "INV-FS-3: an earlier execution may have applied");

    let mut desk = Desk::new(&policy, false);
    desk.hand(0, Input::Admit(RUN));
    desk.hand(0, Input::LookedUp(Lookup::Fresh));
    let orders = desk.hand(0, Input::NotStarted(StartRefusal::LedgerUnavailable));
    assert_eq!(orders, [Output::Release, Output::Done]);
    assert_eq!(desk.end(), end);

    let mut desk = running(&policy);
    desk.ends(0, 0, Effect::NotApplied);
    assert_eq!(desk.hand(1, Input::RecordLost), [Output::Release, Output::Done]);
    assert_eq!(desk.end(), (ExecutionStatus::Failed, end.1, end.2, true));
}

#[test]
fn inv_exe_3_a_panic_is_unknown_and_closes() {
    let policy = checked(&keyed());
    let mut desk = running(&policy);
    let ended = Ended::broke("RuntimeError".into());
    assert_eq!((ended.effect, ended.manner), (Effect::Unknown, Manner::Broke));
    let orders = desk.hand(1, Input::Finished { attempt: 0, ended });
    assert_eq!(orders, [Output::Record { attempt: 0, state: KeyState::InDoubt }]);
    let end = (ExecutionStatus::Failed, Outcome::Unknown, Some(ReasonCode::ExecutionException), true);
    assert_eq!(desk.end(), end);
}

/// A rate limit after an unknown attempt once cleared the mark that the unknown had set.
#[test]
fn inv_exe_3_a_refusal_after_an_unknown_attempt_stays_closed() {
    let policy = checked(&unkeyed());
    let mut desk = Desk::new(&policy, true);
    desk.hand(0, Input::Admit(RUN));
    desk.hand(0, Input::Granted(None));
    desk.hand(0, STARTED);
    desk.ends(0, 0, Effect::Unknown);
    desk.hand(100, Input::Tick);
    desk.hand(100, Input::NotGranted(PermitRefusal::RateLimited));
    let end = (ExecutionStatus::Failed, Outcome::Unknown, Some(ReasonCode::RateLimited), true);
    assert_eq!(desk.end(), end);
}

#[test]
fn an_execution_without_a_further_attempt_ends_with_what_its_last_one_came_to() {
    let policy = checked(&unkeyed());
    for (effect, code) in
        [(Effect::NotApplied, ReasonCode::ExecutorFailed), (Effect::Unknown, ReasonCode::UnknownOutcome)]
    {
        let mut desk = Desk::new(&policy, true);
        desk.hand(0, Input::Admit(RUN));
        desk.hand(0, Input::Granted(None));
        desk.hand(0, STARTED);
        desk.ends(0, 0, effect);
        desk.hand(100, Input::Tick);
        desk.hand(100, Input::NotGranted(PermitRefusal::NoRetry));
        let is_unknown = effect == Effect::Unknown;
        let outcome = if is_unknown { Outcome::Unknown } else { Outcome::NotExecuted };
        assert_eq!(desk.end(), (ExecutionStatus::Failed, outcome, Some(code), is_unknown));
    }
}

#[test]
fn inv_exe_4_the_gate_comes_before_everything_else() {
    let policy = checked(&keyed());
    for (code, reason, fail_closed) in [
        (StopCode::Stopped, ReasonCode::GateStopped, false),
        (StopCode::Unreadable, ReasonCode::GateUnreadable, true),
        (StopCode::Stale, ReasonCode::GateStale, true),
    ] {
        let verdict = Verdict::new(Level::Stop, code, Scope::Global, 3);
        let refusal = Some(ReasonCode::NoExecutor);
        let mut desk = Desk::new(&policy, true);
        let orders = desk.hand(0, Input::Admit(Admission { verdict, allowed: false, refusal, ..RUN }));
        assert_eq!(orders, [Output::Release, Output::Done]);
        assert_eq!(desk.end(), (ExecutionStatus::Denied, Outcome::NotExecuted, Some(reason), fail_closed));
        assert_eq!(desk.machine.gate(), Some(verdict.stamp));
    }
}

#[test]
fn inv_exe_4_a_denying_context_denies() {
    let policy = checked(&unkeyed());
    let context = json::parse(br#"{"ops_deny_actions": true}"#).unwrap();
    let verdict = context_verdict(context.as_object().unwrap());
    let mut desk = Desk::new(&policy, false);
    desk.hand(0, Input::Admit(Admission { verdict, ..RUN }));
    assert_eq!(desk.end().2, Some(ReasonCode::GateStopped));
}

#[test]
fn inv_exe_4_a_stop_wakes_every_wait() {
    let mut spec = keyed();
    spec.idempotency.on_in_progress = OnInProgress::Wait;
    let policy = checked(&spec);
    let waits: [(&[Input], Outcome); 3] = [
        (&[], Outcome::NotExecuted),
        (&[Input::LookedUp(Lookup::InProgress)], Outcome::Unknown),
        (&[Input::LookedUp(Lookup::Fresh)], Outcome::NotExecuted),
    ];
    for level in [Level::Drain, Level::Stop, Level::Halt] {
        for (way, outcome) in waits {
            let mut desk = Desk::new(&policy, true);
            desk.hand(0, Input::Admit(RUN));
            for input in way {
                desk.hand(0, input.clone());
            }
            let orders = desk.hand(1, Input::GateChanged(gate(level)));
            assert_eq!(orders, [Output::Release, Output::Done], "{way:?}");
            let end = (ExecutionStatus::Denied, outcome, Some(ReasonCode::GateStopped), false);
            assert_eq!(desk.end(), end, "{way:?}");
        }
    }
}

#[test]
fn inv_exe_4_a_stop_reaches_attempts_in_flight_and_a_halt_kills() {
    let policy = checked(&unkeyed());
    for (level, order) in
        [(Level::Stop, Output::Signal { attempt: 0 }), (Level::Halt, Output::Kill { attempt: 0 })]
    {
        let mut desk = running(&policy);
        assert_eq!(desk.hand(1, Input::GateChanged(gate(Level::Drain))), []);
        assert_eq!(desk.hand(2, Input::GateChanged(gate(level))), [order]);
        desk.hand(2, Input::GateChanged(Verdict::RUN));
        desk.hand(3, Input::Halted { attempt: 0, stopped: Stopped::Confirmed });
        let end = (ExecutionStatus::Failed, Outcome::Unknown, Some(ReasonCode::StoppedInFlight), true);
        assert_eq!(desk.end(), end, "a release restarts nothing");
        assert_eq!(desk.machine.gate(), Some(gate(level).stamp));
    }
}

/// A cancel or a stop heard during a start step that then lost its race was once forgotten, and the next start ordered.
#[test]
fn inv_exe_4_what_is_heard_during_a_lost_race_is_obeyed() {
    let policy = checked(&keyed());
    let resumable = Lookup::Resumable(Prior { attempts: 1, unknown: false });
    for (heard, reason) in [
        (Input::GateChanged(gate(Level::Stop)), ReasonCode::GateStopped),
        (Input::GateChanged(gate(Level::Drain)), ReasonCode::GateStopped),
        (Input::Cancel, ReasonCode::Cancelled),
    ] {
        let mut desk = Desk::new(&policy, false);
        desk.hand(0, Input::Admit(RUN));
        desk.hand(0, Input::LookedUp(Lookup::Fresh));
        assert_eq!(desk.hand(1, heard), []);
        let orders = desk.hand(2, Input::NotStarted(StartRefusal::Race(resumable)));
        assert_eq!(orders, [Output::Release, Output::Release, Output::Done]);
        assert_eq!(desk.end().2, Some(reason));
    }
}

#[test]
fn inv_exe_4_a_drain_lets_retries_finish() {
    let policy = checked(&unkeyed());
    let mut desk = running(&policy);
    desk.hand(1, Input::GateChanged(gate(Level::Drain)));
    desk.ends(2, 0, Effect::NotApplied);
    assert_eq!(desk.hand(102, Input::Tick), [Output::Start { attempt: 1 }]);
}

/// INV-EXE-5 at this level: the machine never sees params, context or output, and what it stores of a fault are the
/// codes it was given; a debug print of it holds no more.
#[test]
fn inv_exe_5_a_machine_knows_no_more_than_codes() {
    let policy = checked(&unkeyed());
    let mut desk = running(&policy);
    desk.hand(1, Input::Finished { attempt: 0, ended: Ended::broke("RuntimeError".into()) });
    let attempt = &desk.machine.attempts()[0];
    let codes = (attempt.error_type.as_deref(), attempt.error_code.as_deref());
    assert_eq!(codes, (Some("RuntimeError"), Some("execution_exception")));
}

#[test]
fn inv_exe_6_every_attempt_asks_for_its_permits() {
    let policy = checked(&PolicySpec { max_concurrency: 8, ..unkeyed() });
    let mut desk = Desk::new(&policy, true);
    assert_eq!(desk.hand(0, Input::Admit(RUN)), [Output::AskPermits]);
    for attempt in 0..4 {
        let now = u64::from(attempt) * 1000;
        assert_eq!(desk.hand(now, Input::Granted(None)), [Output::Start { attempt }]);
        desk.hand(now, STARTED);
        let orders = desk.ends(now, attempt, Effect::NotApplied);
        if attempt < 3 {
            assert_eq!(orders, [Output::Release], "nothing is held while waiting");
            assert_eq!(desk.hand(now + 1000, Input::Tick), [Output::AskPermits]);
        }
    }
}

#[test]
fn inv_exe_6_one_slot_is_kept_while_waiting() {
    let policy = checked(&PolicySpec { max_concurrency: 1, ..unkeyed() });
    let mut desk = Desk::new(&policy, true);
    desk.hand(0, Input::Admit(RUN));
    desk.hand(0, Input::Granted(None));
    desk.hand(0, STARTED);
    assert_eq!(desk.ends(0, 0, Effect::NotApplied), []);
    assert_eq!(desk.hand(100, Input::Tick), [Output::AskPermits]);
}

#[test]
fn inv_fs_1_an_unknown_effect_under_a_key_is_not_tried_again() {
    for (spec, retries) in
        [(keyed(), false), (unkeyed(), true), (PolicySpec { retry: never(), ..unkeyed() }, false)]
    {
        let policy = checked(&spec);
        let mut desk = running(&policy);
        desk.ends(1, 0, Effect::Unknown);
        assert_eq!(matches!(desk.machine.phase(), Phase::Waiting { .. }), retries);
    }
}

fn never() -> execution_orchestration_core::policies::RetryPolicy {
    let retry = unkeyed().retry;
    execution_orchestration_core::policies::RetryPolicy { retry_unknown: RetryUnknown::Never, ..retry }
}

#[test]
fn inv_fs_1_an_unconfirmed_end_is_never_followed_by_another_attempt() {
    let policy = checked(&unkeyed());
    let mut desk = running(&policy);
    desk.hand(5000, Input::Tick);
    desk.hand(5001, Input::Halted { attempt: 0, stopped: Stopped::Unconfirmed });
    assert_eq!(desk.end(), (ExecutionStatus::Failed, Outcome::Unknown, Some(ReasonCode::Timeout), true));
}

#[test]
fn inv_fs_3_an_unknown_is_never_dressed_up() {
    let policy = checked(&unkeyed());
    for (effect, outcome) in [
        (Effect::Applied, Outcome::Executed),
        (Effect::Rejected, Outcome::Unknown),
        (Effect::Unknown, Outcome::Unknown),
    ] {
        let mut desk = running(&policy);
        desk.ends(0, 0, Effect::Unknown);
        desk.hand(100, Input::Tick);
        desk.hand(100, STARTED);
        desk.ends(100, 1, effect);
        if effect == Effect::Unknown {
            desk.hand(101, Input::Cancel);
        }
        assert_eq!(desk.end().1, outcome);
    }
}

/// An open key says that nothing has happened under it; it was once opened after an unknown and a clean refusal.
#[test]
fn inv_fs_3_a_key_with_an_unknown_is_never_called_open() {
    let mut spec = keyed();
    spec.retry.retry_unknown = RetryUnknown::Always;
    let policy = checked(&spec);
    let mut desk = running(&policy);
    assert_eq!(desk.ends(0, 0, Effect::Unknown), []);
    desk.hand(100, Input::Tick);
    desk.hand(100, STARTED);
    assert_eq!(desk.ends(100, 1, Effect::NotApplied), []);

    let mut desk = running(&policy);
    let orders = desk.ends(0, 0, Effect::NotApplied);
    assert_eq!(orders, [Output::Record { attempt: 0, state: KeyState::Open }]);
}

#[test]
fn inv_fs_3_the_outcome_is_durable_before_the_report() {
    let policy = checked(&keyed());
    let mut desk = running(&policy);
    assert_eq!(desk.ends(1, 0, Effect::Applied), [Output::Record { attempt: 0, state: KeyState::Succeeded }]);
    assert_eq!(desk.hand(2, Input::Recorded), [Output::Release, Output::Done]);
    let mut desk = running(&policy);
    desk.ends(1, 0, Effect::Applied);
    desk.hand(2, Input::RecordLost);
    let end = (ExecutionStatus::Failed, Outcome::Executed, Some(ReasonCode::LedgerUnavailable), true);
    assert_eq!(desk.end(), end);
}

#[test]
fn inv_fs_3_somebody_elses_attempt_in_flight_is_unknown() {
    let policy = checked(&keyed());
    let mut desk = Desk::new(&policy, false);
    desk.hand(0, Input::Admit(RUN));
    desk.hand(0, Input::LookedUp(Lookup::InProgress));
    let end = (ExecutionStatus::Denied, Outcome::Unknown, Some(ReasonCode::IdempotencyInProgress), false);
    assert_eq!(desk.end(), end);
}

/// A result that comes after its attempt was given up is evidence and settles nothing.
#[test]
fn inv_fs_3_late_result_is_recorded_and_changes_nothing() {
    use execution_orchestration_core::orchestrator::Note;
    let policy = checked(&unkeyed());
    let mut desk = running(&policy);
    for due in [5000, 6750, 7000] {
        desk.hand(due, Input::Tick);
    }
    let before = (desk.end(), desk.machine.attempts().to_vec());
    let orders = desk.ends(8000, 0, Effect::Applied);
    assert_eq!(orders, [Output::Note(Note::LateResult { attempt: 0, effect: Effect::Applied })]);
    assert_eq!((desk.end(), desk.machine.attempts().to_vec()), before);
}

#[test]
fn inv_t1_the_keys_match_their_pattern() {
    let is_word = |word: &str| {
        !word.is_empty() && word.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_'))
    };
    for key in EXEC_KEYS {
        assert!(key.split('.').count() >= 2 && key.split('.').all(is_word), "{key}");
        assert!(key.starts_with("exec."));
    }
}

/// An attempt given up at the very bound once left the ledger no time: its report always said `ledger_unavailable`.
#[test]
fn inv_fs_3_what_is_given_up_at_the_bound_leaves_the_ledger_time() {
    let mut spec = keyed();
    spec.timeout.timeout_per_action_ms = 30_000;
    let policy = checked(&spec);
    let mut desk = running(&policy);
    desk.hand(30_000, Input::Tick);
    desk.hand(31_750, Input::Tick);
    assert_eq!(desk.machine.poll_timeout(), Some(at(31_900)));
    let orders = desk.hand(31_900, Input::Tick);
    assert_eq!(orders, [Output::Record { attempt: 0, state: KeyState::InDoubt }]);
    assert_eq!(desk.machine.poll_timeout(), Some(desk.machine.report_deadline()));
    assert_eq!(desk.hand(31_950, Input::Recorded), [Output::Release, Output::Done]);
    assert_eq!(desk.end().1, Outcome::Unknown);
}
