//! What a victim is told to do, and how its executors behave: one decision a line.

use std::{fmt, str::FromStr};

use decision_schema::{Action, FinalDecision, Object, Value, json};
use failstop::core::model::{Effect, EffectClass};

/// Names that stand in files and in tables.
macro_rules! names {
    ($type:ident { $($variant:ident => $name:literal),+ $(,)? }) => {
        impl $type {
            /// All of them, in the order of the tables.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The name in files and tables.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }

            /// The one of this name.
            pub fn from_name(name: &str) -> Option<Self> {
                match name { $($name => Some(Self::$variant),)+ _ => None }
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }
    };
}
pub(crate) use names;

/// What carries a decision out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// An async closure in the victim.
    Closure,
    /// A blocking closure in the victim, on a thread of its own.
    Blocking,
    /// A program that the victim starts.
    Command,
    /// A server that the victim asks.
    Http,
    /// Nothing: it applies without an effect.
    Noop,
}

names!(Kind {
    Closure => "closure",
    Blocking => "blocking",
    Command => "command",
    Http => "http",
    Noop => "noop",
});

/// How an executor behaves under one key, in each life alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Conduct {
    /// Has its effect and says so.
    Applies,
    /// Says once that nothing happened, and has its effect the next time.
    AppliesLater,
    /// Says each time that nothing happened.
    NeverApplies,
    /// Says that nothing happened and never will.
    Rejects,
    /// Has its effect and cannot tell.
    LosesItsAnswer,
    /// Has no effect and cannot tell.
    LosesItsWay,
}

names!(Conduct {
    Applies => "applies",
    AppliesLater => "applies_later",
    NeverApplies => "never_applies",
    Rejects => "rejects",
    LosesItsAnswer => "loses_its_answer",
    LosesItsWay => "loses_its_way",
});

/// One attempt of a conduct: whether it acts, and what it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deed {
    /// Whether it has its effect.
    pub acts: bool,
    /// What it answers.
    pub answer: Effect,
}

impl Conduct {
    /// What is done in this attempt, counted from 0.
    pub const fn deed(self, attempt: u32) -> Deed {
        let (acts, answer) = match self {
            Self::AppliesLater if attempt == 0 => (false, Effect::NotApplied),
            Self::Applies | Self::AppliesLater => (true, Effect::Applied),
            Self::NeverApplies => (false, Effect::NotApplied),
            Self::Rejects => (false, Effect::Rejected),
            Self::LosesItsAnswer => (true, Effect::Unknown),
            Self::LosesItsWay => (false, Effect::Unknown),
        };
        Deed { acts, answer }
    }
}

/// One decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// Its idempotency key.
    pub key: String,
    /// What carries it out.
    pub kind: Kind,
    /// What that promises about repeating its effect.
    pub class: EffectClass,
    /// How that behaves.
    pub conduct: Conduct,
}

/// The line is no decision of a victim.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the line is no decision of a victim")]
pub struct BadDecision;

impl fmt::Display for Decision {
    /// One line of JSON, without its end. Keys need no escapes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { key, kind, class, conduct } = self;
        let class = class.as_str();
        write!(f, r#"{{"key":"{key}","kind":"{kind}","class":"{class}","conduct":"{conduct}"}}"#)
    }
}

impl FromStr for Decision {
    type Err = BadDecision;

    fn from_str(line: &str) -> Result<Self, BadDecision> {
        let value = json::parse(line.as_bytes()).map_err(|_| BadDecision)?;
        let text = |name: &str| value.get(name).and_then(Value::as_str).ok_or(BadDecision);
        Ok(Self {
            key: text("key")?.to_owned(),
            kind: Kind::from_name(text("kind")?).ok_or(BadDecision)?,
            class: EffectClass::from_name(text("class")?).ok_or(BadDecision)?,
            conduct: Conduct::from_name(text("conduct")?).ok_or(BadDecision)?,
        })
    }
}

impl Decision {
    /// What the engine gets. The conduct travels in the parameters, so that programs and servers know it too.
    pub fn to_final(&self) -> FinalDecision {
        let mut params = Object::new();
        params.insert(CONDUCT, self.conduct.as_str());
        FinalDecision { params: Some(params), ..FinalDecision::new(Action::Act) }
    }
}

/// The parameter that names the conduct.
const CONDUCT: &str = "conduct";

/// The conduct that a decision's parameters name; without one it applies.
pub fn conduct_in(params: Option<&Object>) -> Conduct {
    let name = params.and_then(|params| params.get(CONDUCT)).and_then(Value::as_str);
    name.and_then(Conduct::from_name).unwrap_or(Conduct::Applies)
}
