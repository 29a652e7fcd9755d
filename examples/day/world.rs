//! The world that proposals are carried into: it takes its time, fails by the clock of the story, and counts what was
//! really done.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use failstop::executor::Answer;
use tokio::time::{Instant, sleep, sleep_until};

use crate::{
    from_midnight,
    story::{self, Fate, Moment},
};

/// Longer than any attempt may take.
const FOR_EVER: Moment = story::HOUR;

pub struct World {
    midnight: Instant,
    /// How often each proposal was really carried out.
    effects: Mutex<HashMap<u64, u32>>,
}

impl World {
    #[expect(clippy::disallowed_methods, reason = "the day's own clock is the runtime's, which is paused")]
    pub fn begin() -> Self {
        Self { midnight: Instant::now(), effects: Mutex::default() }
    }

    pub async fn wait_for(&self, moment: Moment) {
        sleep_until(self.midnight + from_midnight(moment)).await;
    }

    pub async fn carry_out(&self, step: u64, number: u32) -> Answer {
        let at = u64::try_from(self.midnight.elapsed().as_millis()).unwrap_or(u64::MAX);
        sleep(from_midnight(story::latency_ms(step, number, at))).await;
        match story::fate(step, number, at) {
            Fate::Done => self.has_effect(step),
            Fate::Lost | Fate::Hangs if story::is_done_unheard(step) => self.has_effect(step),
            Fate::Refused => return Answer::rejected().with_code("sold_out"),
            Fate::Busy => return Answer::not_applied().with_code("busy"),
            Fate::TooOften => return Answer::not_applied().with_retry_after_ms(1500),
            Fate::Lost | Fate::Hangs => {}
        }
        match story::fate(step, number, at) {
            Fate::Hangs => {
                sleep(from_midnight(FOR_EVER)).await;
                Answer::unknown()
            }
            Fate::Lost => Answer::unknown().with_code("connection_lost"),
            _ => Answer::applied(),
        }
    }

    fn has_effect(&self, step: u64) {
        *self.effects.lock().unwrap_or_else(PoisonError::into_inner).entry(step).or_default() += 1;
    }

    /// How many proposals were carried out, and how many of them more than once.
    pub fn effects(&self) -> (usize, usize) {
        let effects = self.effects.lock().unwrap_or_else(PoisonError::into_inner);
        (effects.len(), effects.values().filter(|times| **times > 1).count())
    }
}
