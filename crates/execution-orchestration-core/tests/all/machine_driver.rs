//! A driver without a clock: it plays the world of the reference model to a real machine.

use std::fmt::Debug;

use decision_schema::Action;
use execution_orchestration_core::{
    model::{Conclusion, Effect, EffectClass, ExecutionAttempt, Stopped},
    orchestrator::{
        Admission, Ended, Input, KeyState, Lookup, Machine, Output, Outputs, PermitRefusal, Phase, Prior,
        StartRefusal,
    },
    plan::{Plan, Subject},
    policies::{ExecutionPolicy, IdempotencyPolicy, PolicySpec, RetryPolicy, RetryUnknown, TimeoutPolicy},
    stop::{Level, Scope, StopCode, Verdict},
    time::Timestamp,
};
use failstop_testkit::reference_model::{self as reference, Key, Permits, Recording, Rules, Start, World};

/// Admission is this long after the clock's origin, so that nothing rests on starting at zero.
const ORIGIN_MS: u64 = 1_000;

/// The moment `ms` after admission.
pub fn at(ms: u64) -> Timestamp {
    Timestamp::from_ms(ORIGIN_MS + ms)
}

/// The policy that puts `rules` in force.
pub fn policy(rules: &Rules) -> ExecutionPolicy {
    let spec = PolicySpec {
        retry: RetryPolicy {
            max_retries: rules.max_retries,
            initial_backoff_ms: rules.initial_backoff_ms,
            max_backoff_ms: rules.max_backoff_ms,
            retry_unknown: match rules.retry_unknown {
                reference::RetryUnknown::Auto => RetryUnknown::Auto,
                reference::RetryUnknown::Always => RetryUnknown::Always,
                reference::RetryUnknown::Never => RetryUnknown::Never,
            },
            ..RetryPolicy::default()
        },
        timeout: TimeoutPolicy {
            timeout_per_action_ms: rules.per_action_ms,
            max_total_time_ms: rules.total_ms,
            grace_ms: rules.grace_ms,
            min_attempt_ms: rules.min_attempt_ms,
        },
        idempotency: IdempotencyPolicy { enabled: rules.keyed, ..IdempotencyPolicy::default() },
        max_concurrency: 4,
        ..PolicySpec::default()
    };
    ExecutionPolicy::new(spec).unwrap()
}

/// A machine under `policy` for an executor that may or may not repeat its effect.
pub fn machine<'p>(rules: &Rules, policy: &'p ExecutionPolicy) -> Machine<'p> {
    let subject = Subject {
        action: Action::Act,
        params: None,
        throttle_ms: rules.throttle_ms,
        cooldown_ms: 0,
        policy,
        executor: "world",
        effect_class: if rules.repeatable {
            EffectClass::KeyedIdempotent
        } else {
            EffectClass::NonIdempotent
        },
    };
    Machine::new(Plan::new(subject), rules.asks_permits)
}

/// The verdict of a gate at `level`.
pub fn verdict(level: reference::Level) -> Verdict {
    let level = match level {
        reference::Level::Run => Level::Run,
        reference::Level::Drain => Level::Drain,
        reference::Level::Stop => Level::Stop,
        reference::Level::Halt => Level::Halt,
    };
    Verdict::new(level, StopCode::Stopped, Scope::Global, 7)
}

/// An input that has no business where the machine stands.
#[derive(Debug, Clone, Copy)]
pub enum Noise {
    Admit,
    LookedUp,
    KeyFreed,
    Granted,
    NotGranted,
    Started,
    NotStarted,
    OtherFinished,
    OtherHalted,
    Recorded,
    EarlyTick,
}

/// What became of one life of an execution.
#[derive(Debug, PartialEq)]
pub struct Played {
    pub conclusion: Option<Conclusion>,
    pub attempts: Vec<ExecutionAttempt>,
    /// When the report was out; `None` where the life ended before.
    pub report_at_ms: Option<u64>,
    /// When the executor was entered, by attempt.
    pub entered: Vec<(u32, u64)>,
    /// All that was ordered, notes aside.
    pub ordered: Vec<(u64, Output)>,
    /// What the ledger knows of the key.
    pub left_behind: Option<Key>,
}

/// Plays `world` until the report is out and everything late has come, or until the owner dies.
pub fn play(rules: &Rules, world: &World, dies_at_ms: Option<u64>, noise: &[(usize, Noise)]) -> Played {
    let policy = policy(rules);
    let mut stage = Stage {
        rules,
        world,
        machine: machine(rules, &policy),
        now: 0,
        coming: Vec::new(),
        running: Vec::new(),
        bars: (None, None),
        entered: Vec::new(),
        ordered: Vec::new(),
        report_at_ms: None,
        key: None,
        prior: Prior::default(),
    };
    stage.announce();
    stage.begin(dies_at_ms);
    let mut step = 0;
    while let Some((at_ms, input)) = stage.next(dies_at_ms) {
        stage.now = at_ms;
        for (_, noise) in noise.iter().filter(|(index, _)| *index == step) {
            stage.disturb(*noise);
        }
        stage.hand(input);
        step += 1;
        assert!(step < 10_000, "the machine does not come to an end");
    }
    stage.into_played()
}

struct Stage<'w, 'p> {
    rules: &'w Rules,
    world: &'w World,
    machine: Machine<'p>,
    now: u64,
    /// What will come: when, in which order within the millisecond, what.
    coming: Vec<(u64, u8, Input)>,
    running: Vec<u32>,
    /// Since when new work is barred, and since when retries are; as told to the machine.
    bars: (Option<u64>, Option<u64>),
    entered: Vec<(u32, u64)>,
    ordered: Vec<(u64, Output)>,
    report_at_ms: Option<u64>,
    key: Option<Key>,
    prior: Prior,
}

const GATE: u8 = 0;
const CANCEL: u8 = 1;
const ANSWER: u8 = 2;
const HALTED: u8 = 3;

impl Stage<'_, '_> {
    /// Everything that comes by itself.
    fn announce(&mut self) {
        for (at_ms, level) in &self.world.gate {
            self.coming.push((*at_ms, GATE, Input::GateChanged(verdict(*level))));
        }
        if let Some(at_ms) = self.world.cancel_at {
            self.coming.push((at_ms, CANCEL, Input::Cancel));
        }
    }

    fn begin(&mut self, dies_at_ms: Option<u64>) {
        if let Key::Resumable(prior) = self.world.key {
            self.prior = Prior { attempts: prior.attempts, unknown: prior.unknown };
            self.key = Some(self.world.key);
        }
        if dies_at_ms == Some(0) {
            return;
        }
        let admission = Admission {
            verdict: verdict(self.world.gate_at_admission),
            allowed: self.world.allowed,
            refusal: None,
            throttle_ms: self.rules.throttle_ms,
        };
        self.hand(Input::Admit(admission));
    }

    /// What comes next: of what is announced and the machine's own timer, the earlier, the timer last.
    fn next(&mut self, dies_at_ms: Option<u64>) -> Option<(u64, Input)> {
        let first = (0..self.coming.len()).min_by_key(|index| {
            let (at_ms, order, _) = self.coming[*index];
            (at_ms, order, *index)
        });
        let timer = self.machine.poll_timeout().map(|due| due.ms_since(at(0)).max(self.now));
        let (at_ms, input) = match (first, timer) {
            (Some(index), timer) if timer.is_none_or(|due| self.coming[index].0 <= due) => {
                let (at_ms, _, input) = self.coming.remove(index);
                (at_ms.max(self.now), input)
            }
            (_, Some(due)) => (due, Input::Tick),
            (_, None) => return None,
        };
        dies_at_ms.is_none_or(|dies| at_ms < dies).then_some((at_ms, input))
    }

    fn hand(&mut self, input: Input) {
        self.hear(&input);
        let mut out = Outputs::new();
        self.machine.handle(at(self.now), input, &mut out);
        while let Some(output) = out.next() {
            self.obey(output);
        }
    }

    /// What the world itself learns from an input before the machine does.
    fn hear(&mut self, input: &Input) {
        match input {
            Input::Started { .. } if matches!(self.machine.phase(), Phase::Starting { .. }) => self.enter(),
            Input::Finished { attempt, .. } | Input::Halted { attempt, stopped: Stopped::Confirmed } => {
                self.running.retain(|running| running != attempt);
            }
            Input::GateChanged(verdict) => {
                let since =
                    |is_barred, since: Option<u64>| if is_barred { since.or(Some(self.now)) } else { None };
                self.bars =
                    (since(verdict.bars_new_work(), self.bars.0), since(verdict.bars_retries(), self.bars.1));
            }
            Input::Recorded if matches!(self.machine.phase(), Phase::Recording { .. }) => {
                let last = self.ordered.iter().rev().find_map(|(_, output)| match output {
                    Output::Record { state, .. } => Some(*state),
                    _ => None,
                });
                let is_in_doubt = last == Some(KeyState::InDoubt);
                self.key = Some(if is_in_doubt { Key::InDoubt } else { Key::Finished });
            }
            _ => {}
        }
    }

    /// The executor is entered: STARTED is durable.
    fn enter(&mut self) {
        let Phase::Starting { attempt } = self.machine.phase() else { return };
        assert_eq!(self.running, [], "INV-EXE-2: two attempts run at once");
        let script = self.script();
        self.entered.push((attempt, self.now));
        self.running.push(attempt);
        let prior = reference::Prior { attempts: attempt + 1, unknown: true };
        self.key = Some(if self.rules.repeatable { Key::Resumable(prior) } else { Key::InDoubt });
        let ended = ended(script.ending);
        self.coming.push((self.now + script.runs_ms, ANSWER, Input::Finished { attempt, ended }));
    }

    /// The script of the attempt that is started, running or about to be.
    fn script(&self) -> reference::Attempt {
        self.world.attempts[self.entered.len()]
    }

    fn obey(&mut self, output: Output) {
        if let Output::Note(_) = output {
            return;
        }
        assert_eq!(self.report_at_ms, None, "nothing but notes after the report, not {output:?}");
        self.ordered.push((self.now, output));
        match output {
            Output::LookUp => self.look_up(),
            Output::AskPermits => self.ask_permits(),
            Output::Start { attempt } => self.start(attempt),
            Output::Signal { .. } => {
                let script = self.world.attempts[self.entered.len() - 1];
                self.halt_after(script.ends_on_signal_ms);
            }
            Output::Kill { .. } => {
                let script = self.world.attempts[self.entered.len() - 1];
                self.coming.retain(|(_, order, _)| *order != HALTED);
                self.halt_after(script.ends_on_kill_ms);
            }
            Output::Record { attempt, state: KeyState::Open } => {
                self.key = Some(Key::Resumable(reference::Prior { attempts: attempt + 1, unknown: false }));
            }
            Output::Record { .. } => match self.world.recording {
                Recording::Durable(ms) => self.answer(ms, Input::Recorded),
                Recording::Lost(ms) => self.answer(ms, Input::RecordLost),
                Recording::Hangs => {}
            },
            Output::Done => self.report_at_ms = Some(self.now),
            Output::AwaitKey | Output::Release | Output::Note(_) => {}
        }
    }

    fn answer(&mut self, after_ms: u64, input: Input) {
        self.coming.push((self.now + after_ms, ANSWER, input));
    }

    fn halt_after(&mut self, after_ms: Option<u64>) {
        let attempt = self.entered.last().unwrap().0;
        if let Some(ms) = after_ms {
            self.coming.push((self.now + ms, HALTED, Input::Halted { attempt, stopped: Stopped::Confirmed }));
        }
    }

    fn look_up(&mut self) {
        let lookup = match self.world.key {
            Key::Fresh => Lookup::Fresh,
            Key::Resumable(_) => Lookup::Resumable(self.prior),
            Key::InProgress => Lookup::InProgress,
            Key::Finished => Lookup::Finished,
            Key::InDoubt => Lookup::InDoubt,
            Key::Reused => {
                Lookup::Refused(execution_orchestration_core::model::ReasonCode::IdempotencyKeyReused)
            }
            Key::Unavailable => Lookup::Unavailable,
            Key::Silent => return,
        };
        self.answer(self.world.key_after_ms, Input::LookedUp(lookup));
    }

    fn ask_permits(&mut self) {
        match self.script().permits {
            Permits::Granted(ms) => self.answer(ms, Input::Granted(None)),
            Permits::RateLimited(ms) => self.answer(ms, Input::NotGranted(PermitRefusal::RateLimited)),
            Permits::Stuck(ms) => self.answer(ms, Input::NotGranted(PermitRefusal::ExecutorStuck)),
            Permits::NoRetry(ms) => self.answer(ms, Input::NotGranted(PermitRefusal::NoRetry)),
            Permits::Never => {}
        }
    }

    fn start(&mut self, attempt: u32) {
        assert!(attempt <= self.rules.max_retries, "INV-EXE-2: attempt {attempt} is one too many");
        assert_eq!(self.running, [], "no attempt starts while another may be running");
        let bar = if self.entered.is_empty() { self.bars.0 } else { self.bars.1 };
        assert_eq!(bar, None, "INV-EXE-4: a start is ordered after the bar was heard");
        match self.script().start {
            Start::Begins(ms) => self.answer(ms, Input::Started { at_ms: 0 }),
            Start::LedgerLost(ms) => self.answer(ms, Input::NotStarted(StartRefusal::LedgerUnavailable)),
            Start::Hangs => {}
        }
    }

    /// Hands in something that has no business here, and sees that it changes nothing.
    fn disturb(&mut self, noise: Noise) {
        let phase = self.machine.phase();
        let Some(input) = self.noise(noise, phase) else { return };
        let before = (self.machine.attempts().to_vec(), self.machine.poll_timeout());
        let mut out = Outputs::new();
        self.machine.handle(at(self.now), input, &mut out);
        while let Some(output) = out.next() {
            assert!(matches!(output, Output::Note(_)), "{noise:?} in {phase:?} led to {output:?}");
        }
        assert_eq!(self.machine.phase(), phase, "{noise:?} moved the machine");
        assert_eq!((self.machine.attempts().to_vec(), self.machine.poll_timeout()), before);
    }

    fn noise(&self, noise: Noise, phase: Phase) -> Option<Input> {
        let other = match phase {
            Phase::Running { attempt, .. }
            | Phase::Stopping { attempt, .. }
            | Phase::Killing { attempt, .. } => attempt.wrapping_sub(1),
            _ => 0,
        };
        let run = Admission { verdict: Verdict::RUN, allowed: true, refusal: None, throttle_ms: 0 };
        let (input, fits) = match noise {
            Noise::Admit => (Input::Admit(run), phase == Phase::New),
            Noise::LookedUp => (Input::LookedUp(Lookup::Fresh), phase == Phase::LookingUp),
            Noise::KeyFreed => (Input::KeyFreed, phase == Phase::AwaitingKey),
            Noise::Granted => (Input::Granted(None), matches!(phase, Phase::Acquiring { .. })),
            Noise::NotGranted => {
                (Input::NotGranted(PermitRefusal::RateLimited), matches!(phase, Phase::Acquiring { .. }))
            }
            Noise::Started => (Input::Started { at_ms: 9 }, matches!(phase, Phase::Starting { .. })),
            Noise::NotStarted => {
                (Input::NotStarted(StartRefusal::LedgerUnavailable), matches!(phase, Phase::Starting { .. }))
            }
            Noise::OtherFinished => (Input::Finished { attempt: other, ended: Ended::applied() }, false),
            Noise::OtherHalted => (Input::Halted { attempt: other, stopped: Stopped::Confirmed }, false),
            Noise::Recorded => (Input::Recorded, matches!(phase, Phase::Recording { .. })),
            Noise::EarlyTick => {
                (Input::Tick, self.machine.poll_timeout().is_some_and(|due| at(self.now) >= due))
            }
        };
        (!fits).then_some(input)
    }

    fn into_played(self) -> Played {
        Played {
            conclusion: self.machine.conclusion(),
            report_at_ms: self.report_at_ms,
            entered: self.entered,
            ordered: self.ordered,
            left_behind: self.key,
            attempts: self.machine.attempts().to_vec(),
        }
    }
}

/// The machine's words for an ending.
pub fn ended(ending: reference::Ending) -> Ended {
    let effect = match ending.effect {
        reference::Effect::Applied => Effect::Applied,
        reference::Effect::NotApplied => Effect::NotApplied,
        reference::Effect::Rejected => Effect::Rejected,
        reference::Effect::Unknown => Effect::Unknown,
    };
    let mut ended =
        if ending.broke { Ended::broke("RuntimeError".into()) } else { Ended::answered(effect, None, None) };
    ended.retry_after_ms = (ending.hint_ms > 0).then_some(ending.hint_ms);
    ended
}

/// Asserts that what was played is what the model predicts.
pub fn assert_agrees(played: &Played, told: &reference::Prediction, story: &dyn Debug) {
    let attempts: Vec<_> = played
        .attempts
        .iter()
        .zip(&played.entered)
        .map(|(attempt, (number, started_at_ms))| {
            assert_eq!(attempt.attempt_number, *number);
            let ended_at_ms = started_at_ms + attempt.latency_ms;
            (
                *number,
                *started_at_ms,
                ended_at_ms,
                attempt.effect.as_str(),
                attempt.stopped.map(Stopped::as_str),
            )
        })
        .collect();
    let expected: Vec<_> = told
        .attempts
        .iter()
        .map(|told| (told.number, told.started_at_ms, told.ended_at_ms, told.effect.as_str(), told.stopped))
        .collect();
    assert_eq!(attempts, expected, "attempts of {story:?}");
    assert_eq!(played.report_at_ms, Some(told.report_at_ms), "report of {story:?}");
    assert_eq!(played.conclusion.is_none(), told.is_replay, "replay of {story:?}");
    if let Some(conclusion) = played.conclusion {
        let words = (
            conclusion.status.as_str(),
            conclusion.outcome.as_str(),
            conclusion.reason_code.map(execution_orchestration_core::model::ReasonCode::as_str),
            conclusion.fail_closed,
        );
        assert_eq!(
            words,
            (told.status, told.outcome, told.reason_code, told.fail_closed),
            "end of {story:?}"
        );
    }
}
