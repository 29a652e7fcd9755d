//! The victim's executors: each kind of them, acting on the target, and struck at the moments of an attempt.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use failstop::{
    core::model::{Effect, EffectClass},
    executor::{
        Answer, AnyExecutor, Attempt, Executor, Secret, blocking,
        command::{CommandExecutor, CommandSpec},
        from_fn,
        http::{HttpExecutor, HttpSpec},
        noop::Noop,
    },
};

use super::{Life, program};
use crate::{
    decision::{Conduct, Kind, conduct_in},
    strike::{Moment, STRIKE_VARIABLE, Strike, die},
    target::{self, Seen},
};

/// Strikes this process at its moment.
#[derive(Debug, Clone)]
pub(super) struct Striker {
    strike: Option<Arc<Strike>>,
}

impl Striker {
    pub(super) fn new(strike: Option<Strike>) -> Self {
        Self { strike: strike.map(Arc::new) }
    }

    pub(super) fn reach(&self, moment: Moment, key: &str, attempt: u32) {
        if self.strike.as_ref().is_some_and(|strike| strike.is_at(moment, key, attempt)) {
            die();
        }
    }
}

/// An executor of this kind and class, struck where the life says so.
pub(super) fn executor(life: &Life, kind: Kind, class: EffectClass, striker: &Striker) -> Struck {
    let actor = Actor { target: life.place.target(), striker: striker.clone() };
    let inner = match kind {
        Kind::Closure => AnyExecutor::new(
            from_fn(move |attempt| {
                let (actor, conduct, effect) = (actor.clone(), conduct_in(attempt.params), seen(&attempt));
                async move { actor.perform(conduct, &effect) }
            })
            .with_effect_class(class),
        ),
        Kind::Blocking => {
            let act = move |attempt: failstop::executor::BlockingAttempt| {
                let effect = Seen {
                    key: attempt.idempotency_key.unwrap_or_default(),
                    fence: attempt.fence,
                    attempt: attempt.attempt_number,
                };
                actor.perform(conduct_in(attempt.params.as_ref()), &effect)
            };
            AnyExecutor::new(blocking(act).with_effect_class(class))
        }
        Kind::Command => AnyExecutor::new(CommandExecutor::new(program_of(life, class))),
        Kind::Http => {
            let mut spec = HttpSpec::new("http", life.url.clone().unwrap_or_default());
            spec.effect_class = class;
            AnyExecutor::new(HttpExecutor::new(spec).expect("the harness gives a good url"))
        }
        Kind::Noop => AnyExecutor::new(Noop),
    };
    Struck { inner, striker: striker.clone() }
}

/// This very program in its other part.
fn program_of(life: &Life, class: EffectClass) -> CommandSpec {
    let own = std::env::current_exe().expect("the victim knows its own file");
    let mut spec = CommandSpec::new("command", own);
    spec.args = vec!["act".to_owned(), life.place.directory().to_string_lossy().into_owned()];
    spec.effect_class = class;
    spec.inherit_env = vec![STRIKE_VARIABLE.to_owned(), program::DELAY_VARIABLE.to_owned()];
    let own_pid = std::process::id().to_string();
    spec.env = vec![(program::VICTIM_VARIABLE.to_owned(), Secret::from(own_pid))];
    spec
}

fn seen(attempt: &Attempt<'_>) -> Seen {
    Seen {
        key: attempt.idempotency_key.unwrap_or_default().to_owned(),
        fence: attempt.fence,
        attempt: attempt.attempt_number,
    }
}

/// Acts in this process.
#[derive(Debug, Clone)]
struct Actor {
    target: PathBuf,
    striker: Striker,
}

impl Actor {
    fn perform(&self, conduct: Conduct, effect: &Seen) -> Answer {
        let deed = conduct.deed(effect.attempt);
        self.striker.reach(Moment::BeforeAct, &effect.key, effect.attempt);
        if deed.acts && target::act(&self.target, effect).is_err() {
            return Answer::not_applied();
        }
        self.striker.reach(Moment::AfterAct, &effect.key, effect.attempt);
        Answer::of(deed.answer)
    }
}

/// How many attempts this process has entered.
static ENTERED: AtomicU32 = AtomicU32::new(0);

/// How many attempts this process has entered.
pub fn entered() -> u32 {
    ENTERED.load(Ordering::SeqCst)
}

/// An executor whose victim may be struck around it.
#[derive(Debug)]
pub(super) struct Struck {
    inner: AnyExecutor,
    striker: Striker,
}

impl Executor for Struck {
    async fn run<'a>(&'a self, attempt: Attempt<'a>) -> Answer {
        let (key, number) = (attempt.idempotency_key.unwrap_or_default(), attempt.attempt_number);
        ENTERED.fetch_add(1, Ordering::SeqCst);
        self.striker.reach(Moment::Entered, key, number);
        let answer = self.inner.run(attempt).await;
        self.striker.reach(Moment::Answered, key, number);
        answer
    }

    fn name(&self) -> &str {
        self.inner.name()
    }

    fn effect_class(&self) -> EffectClass {
        self.inner.effect_class()
    }

    fn may_outlive_process(&self) -> bool {
        self.inner.may_outlive_process()
    }
}

/// What an HTTP status says of this effect.
pub(crate) const fn status_of(effect: Effect) -> u16 {
    match effect {
        Effect::Applied => 200,
        Effect::NotApplied => 425,
        Effect::Rejected => 422,
        Effect::Unknown => 500,
    }
}
