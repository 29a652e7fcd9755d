//! How the story ends: what the report must say.

use super::{Effect, Prior};

/// What a report must say, in the words of the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prediction {
    /// Whether the stored report is replayed; the rest then says nothing.
    pub is_replay: bool,
    /// `success`, `failed`, `skipped` or `denied`.
    pub status: &'static str,
    /// `executed`, `not_executed` or `unknown`.
    pub outcome: &'static str,
    /// `None` on success.
    pub reason_code: Option<&'static str>,
    /// Whether a fault or an unknown forced the end.
    pub fail_closed: bool,
    /// Every call of the executor.
    pub attempts: Vec<ToldAttempt>,
    /// When the report is out, milliseconds since admission.
    pub report_at_ms: u64,
    /// When a terminal record was durable, if ever.
    pub terminal_at_ms: Option<u64>,
}

/// One call of the executor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ToldAttempt {
    /// Its number, from 0, over all lives.
    pub number: u32,
    /// When the executor was entered.
    pub started_at_ms: u64,
    /// When it ended, or was given up.
    pub ended_at_ms: u64,
    /// What is known of its effect.
    pub effect: Effect,
    /// `confirmed` or `unconfirmed` where it was told to stop.
    pub stopped: Option<&'static str>,
    /// Whether its key was set to open after it.
    pub opened_key: bool,
}

impl ToldAttempt {
    pub(super) fn ended(number: u32, started_at_ms: u64, ended_at_ms: u64, effect: Effect) -> Self {
        Self { number, started_at_ms, ended_at_ms, effect, stopped: None, opened_key: false }
    }

    pub(super) fn stopped(number: u32, started_at_ms: u64, ended_at_ms: u64, how: &'static str) -> Self {
        Self {
            number,
            started_at_ms,
            ended_at_ms,
            effect: Effect::Unknown,
            stopped: Some(how),
            opened_key: false,
        }
    }
}

/// Why and when the story ends.
#[derive(Debug, Clone, Copy)]
pub(super) struct End {
    code: Option<&'static str>,
    pub(super) at: u64,
    is_replay: bool,
    /// Whether the key gets a terminal record, if an attempt was made.
    pub(super) is_recorded: bool,
    /// Whether dead owners have used up every attempt, so that the key ends without one more.
    pub(super) is_spent: bool,
    /// Whether nothing could be learned of the key.
    is_unread: bool,
}

impl End {
    pub(super) fn success(at: u64) -> Self {
        Self { code: None, ..Self::plain("", at) }
    }

    pub(super) fn plain(code: &'static str, at: u64) -> Self {
        Self { code: Some(code), at, is_replay: false, is_recorded: true, is_spent: false, is_unread: false }
    }

    pub(super) fn spent(code: &'static str, at: u64) -> Self {
        Self { is_spent: true, ..Self::plain(code, at) }
    }

    pub(super) fn unread(at: u64) -> Self {
        Self { is_unread: true, ..Self::plain("ledger_unavailable", at) }
    }

    pub(super) fn unrecorded(code: &'static str, at: u64) -> Self {
        Self { is_recorded: false, ..Self::plain(code, at) }
    }

    pub(super) fn replay(at: u64) -> Self {
        Self { is_replay: true, is_recorded: false, ..Self::success(at) }
    }

    /// The words for this end after `attempts`.
    pub(super) fn judge(self, prior: Prior, attempts: Vec<ToldAttempt>) -> Prediction {
        Prediction {
            is_replay: self.is_replay,
            status: self.status(!attempts.is_empty()),
            outcome: self.outcome(prior, &attempts),
            reason_code: self.code,
            fail_closed: self.is_fail_closed(prior, &attempts),
            attempts,
            report_at_ms: self.at,
            terminal_at_ms: None,
        }
    }

    fn status(self, tried: bool) -> &'static str {
        match self.code {
            None => "success",
            Some("not_allowed") => "skipped",
            Some(
                "in_doubt"
                | "executor_failed"
                | "rejected"
                | "execution_exception"
                | "timeout"
                | "unknown_outcome"
                | "total_timeout"
                | "retry_after_exceeds_deadline"
                | "stopped_in_flight",
            ) => "failed",
            Some(_) if tried => "failed",
            Some(_) => "denied",
        }
    }

    fn outcome(self, prior: Prior, attempts: &[ToldAttempt]) -> &'static str {
        let any = |effect| attempts.iter().any(|told| told.effect == effect);
        match self.code {
            Some("idempotency_in_progress" | "in_doubt") => "unknown",
            _ if any(Effect::Applied) => "executed",
            _ if self.is_unread || prior.unknown || any(Effect::Unknown) => "unknown",
            _ => "not_executed",
        }
    }

    fn is_fail_closed(self, prior: Prior, attempts: &[ToldAttempt]) -> bool {
        let last_is_unknown = attempts
            .last()
            .map_or(prior.attempts > 0 && prior.unknown, |told| told.effect == Effect::Unknown);
        let is_marked = matches!(
            self.code,
            Some(
                "in_doubt"
                    | "ledger_unavailable"
                    | "execution_exception"
                    | "timeout"
                    | "unknown_outcome"
                    | "total_timeout"
                    | "stopped_in_flight"
            )
        );
        self.code.is_some() && (is_marked || last_is_unknown)
    }
}

impl Prediction {
    /// The outcome could not be made durable.
    pub(super) fn lose_ledger(&mut self, at: u64) {
        self.status = "failed";
        self.reason_code = Some("ledger_unavailable");
        self.fail_closed = true;
        self.report_at_ms = at;
    }

    /// What a ledger knows of the key when its owner dies at `at_ms`, before anything of that millisecond: `None`
    /// where nothing was started.
    pub fn left_behind(&self, prior: Prior, repeatable: bool, at_ms: u64) -> Option<super::Key> {
        use super::Key;
        if self.terminal_at_ms.is_some_and(|terminal| terminal < at_ms) {
            return Some(if self.outcome == "unknown" { Key::InDoubt } else { Key::Finished });
        }
        let mut started = self.attempts.iter().filter(|told| told.started_at_ms < at_ms);
        let Some(last) = started.next_back() else {
            return (prior.attempts > 0).then_some(Key::Resumable(prior));
        };
        let attempts = last.number + 1;
        let is_open = last.opened_key && last.ended_at_ms < at_ms;
        match (is_open, repeatable) {
            (true, _) => Some(Key::Resumable(Prior { attempts, unknown: false })),
            (false, true) => Some(Key::Resumable(Prior { attempts, unknown: true })),
            (false, false) => Some(Key::InDoubt),
        }
    }
}
