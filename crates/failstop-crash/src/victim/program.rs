//! The program that victims start: it reads one request, acts as the decision's conduct says, and answers.

use std::io::{Read as _, Write as _};

use decision_schema::{Value, json};
use failstop::core::model::Effect;

use crate::{
    decision::conduct_in,
    strike::{Moment, STRIKE_VARIABLE, Strike, kill_parent},
    target::{self, Seen},
};

use super::Place;

/// The variable that tells the program which process is its victim.
pub(super) const VICTIM_VARIABLE: &str = "FAILSTOP_VICTIM";

/// The variable that tells the program how long to wait before it acts, milliseconds.
pub const DELAY_VARIABLE: &str = "FAILSTOP_DELAY_MS";

/// Exit codes as the `command` executor reads them.
const APPLIED: u8 = 0;
const NOT_APPLIED: u8 = 75;
const UNKNOWN: u8 = 1;

/// Does what the request on standard input says; answers the exit code. A request that is none changes nothing.
pub fn act_as_told(place: &Place) -> u8 {
    let mut request = Vec::new();
    if std::io::stdin().read_to_end(&mut request).is_err() {
        return NOT_APPLIED;
    }
    let Some((effect, request)) =
        json::parse(&request).ok().and_then(|value| Some((Seen::asked_for_by(&value)?, value)))
    else {
        return NOT_APPLIED;
    };
    let deed = conduct_in(request.get("params").and_then(Value::as_object)).deed(effect.attempt);
    strike(Moment::BeforeAct, &effect);
    wait();
    if deed.acts && target::act(&place.target(), &effect).is_err() {
        return NOT_APPLIED;
    }
    strike(Moment::AfterAct, &effect);
    answer(deed.answer)
}

#[expect(clippy::disallowed_methods, reason = "the program plays one that is slow")]
fn wait() {
    let delay = std::env::var(DELAY_VARIABLE).ok().and_then(|delay| delay.parse().ok());
    if let Some(delay) = delay {
        std::thread::sleep(std::time::Duration::from_millis(delay));
    }
}

fn strike(moment: Moment, effect: &Seen) {
    let strike = std::env::var(STRIKE_VARIABLE).ok().and_then(|text| text.parse::<Strike>().ok());
    let victim = std::env::var(VICTIM_VARIABLE).ok().and_then(|victim| victim.parse().ok());
    if let (Some(strike), Some(victim)) = (strike, victim)
        && strike.is_at(moment, &effect.key, effect.attempt)
    {
        kill_parent(victim);
    }
}

/// A rejection has to be said; all else is in the exit code.
fn answer(effect: Effect) -> u8 {
    match effect {
        Effect::Applied => APPLIED,
        Effect::NotApplied => NOT_APPLIED,
        Effect::Unknown => UNKNOWN,
        Effect::Rejected => {
            // Without an answer the exit code would say `applied`, so a lost one must be another.
            let said = std::io::stdout().write_all(br#"{"effect":"rejected"}"#);
            if said.is_ok() { APPLIED } else { UNKNOWN }
        }
    }
}
