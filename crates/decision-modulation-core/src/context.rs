//! What guards read, and how: a value is what it should be, or an oddity.

use decision_schema::{Number, Object, Value};

use crate::{
    GuardPolicy,
    names::named,
    objection::{Flaw, Oddity},
};

named! {
    /// A member of the context that a guard reads. *Moments* are milliseconds since the Unix epoch, `0..2^53`, whole
    /// or not; *counts* are whole numbers, `0..2^53`. Within these bounds every whole number is exact, and so is what is
    /// computed of them.
    pub enum ContextKey {
        /// The present moment. Absent: not known.
        NowMs = "now_ms",
        /// The moment of the newest event that the proposal rests on. Absent: as new as can be.
        LastEventTsMs = "last_event_ts_ms",
        /// Whether ops-health denies all actions. Absent or null: no.
        OpsDenyActions = "ops_deny_actions",
        /// `GREEN`, `YELLOW` or `RED`, in any case. Absent or null: not known, which is not `RED`.
        OpsState = "ops_state",
        /// The moment up to which ops-health denies all actions. Absent or null: none.
        OpsCooldownUntilMs = "ops_cooldown_until_ms",
        /// Count of errors in the window. Absent: 0.
        ErrorsInWindow = "errors_in_window",
        /// Count of steps in the window. Absent: 1.
        StepsInWindow = "steps_in_window",
        /// Count of rate-limit events in their window. Absent: 0.
        RateLimitEvents = "rate_limit_events",
        /// Count of failures since the last success. Absent: 0.
        RecentFailures = "recent_failures",
        /// The moment up to which the proposer must rest. Absent or null: none.
        CooldownUntilMs = "cooldown_until_ms",
    }
}

/// Above this, several whole numbers share one binary64.
const MAX_EXACT: u64 = (1 << 53) - 1;

/// What a guard judges: the context, read with care, and the thresholds.
pub(crate) struct Facts<'a> {
    pub(crate) context: &'a Object,
    pub(crate) policy: &'a GuardPolicy,
}

impl<'a> Facts<'a> {
    /// What stands under `key`; `null` counts.
    fn present(&self, key: ContextKey) -> Option<&'a Value> {
        self.context.get(key.as_str())
    }

    /// What stands under `key`, unless it is `null`.
    pub(crate) fn stated(&self, key: ContextKey) -> Option<&'a Value> {
        self.present(key).filter(|value| !matches!(value, Value::Null))
    }

    /// A moment, which may be absent but not `null`.
    pub(crate) fn moment(&self, key: ContextKey) -> Result<Option<f64>, Oddity> {
        self.present(key).map(moment).transpose().map_err(|flaw| flaw.of(key))
    }

    /// The end of a cooldown; `null` counts as none.
    pub(crate) fn cooldown_end(&self, key: ContextKey) -> Result<Option<f64>, Oddity> {
        self.stated(key).map(moment).transpose().map_err(|flaw| flaw.of(key))
    }

    /// Whether the cooldown under `key` is over or was never set. One whose end no clock can tell is running.
    pub(crate) fn is_rested(&self, key: ContextKey) -> Result<bool, Oddity> {
        let Some(end) = self.cooldown_end(key)? else { return Ok(true) };
        Ok(self.moment(ContextKey::NowMs)?.is_some_and(|now| now >= end))
    }

    /// A count, `absent` where there is none.
    pub(crate) fn count(&self, key: ContextKey, absent: u64) -> Result<u64, Oddity> {
        self.present(key).map_or(Ok(absent), count).map_err(|flaw| flaw.of(key))
    }
}

fn number(value: &Value) -> Result<Number, Flaw> {
    value.as_number().ok_or(Flaw::WrongType)
}

fn moment(value: &Value) -> Result<f64, Flaw> {
    let moment = number(value)?.as_f64();
    // Also false for NaN.
    if (0.0..=MAX_EXACT as f64).contains(&moment) { Ok(moment) } else { Err(Flaw::OutOfRange) }
}

fn count(value: &Value) -> Result<u64, Flaw> {
    let whole = number(value)?.as_i64().ok_or(Flaw::OutOfRange)?;
    u64::try_from(whole).ok().filter(|count| *count <= MAX_EXACT).ok_or(Flaw::OutOfRange)
}
