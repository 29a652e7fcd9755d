//! Health as the reference computes it: everything is kept in lists, and sorted whenever a percentile is wanted.

use decision_schema::Action;
use ops_health_core::{Event, HealthSpec, HealthState, Reason, Signal};

/// All samples of all kinds.
pub struct NaiveModel {
    spec: HealthSpec,
    events: Vec<(i64, Event)>,
    cooldown_until_ms: Option<i64>,
}

impl NaiveModel {
    pub fn new(spec: HealthSpec) -> Self {
        Self { spec, events: Vec::new(), cooldown_until_ms: None }
    }

    pub fn record(&mut self, ts_ms: i64, event: Event) {
        self.events.push((ts_ms, event));
    }

    pub fn assess(&mut self, now_ms: i64) -> Signal {
        let cutoff_ms = now_ms - i64::try_from(self.spec.window_ms).unwrap();
        self.events.retain(|(ts_ms, _)| *ts_ms >= cutoff_ms);
        let score = self.score();
        let state = self.state_of(score);
        let cooling = self.cool(state, now_ms);
        let mut reasons = Vec::new();
        if state == HealthState::Red {
            reasons.push(Reason::ScoreBelowRed);
        }
        if cooling {
            reasons.push(Reason::CooldownActive);
        }
        let deny_actions = cooling || state == HealthState::Red;
        Signal {
            state,
            score,
            deny_actions,
            cooldown_until_ms: self.cooldown_until_ms,
            recommended_action: if deny_actions { Action::Hold } else { Action::Act },
            reasons,
            exact: true,
        }
    }

    /// Whether a cooldown went on before this assessment; it starts and ends one where that is due.
    fn cool(&mut self, state: HealthState, now_ms: i64) -> bool {
        let cooling = self.cooldown_until_ms.is_some_and(|until_ms| now_ms < until_ms);
        if state == HealthState::Red && !cooling {
            self.cooldown_until_ms = Some(now_ms + i64::try_from(self.spec.cooldown_ms).unwrap());
        }
        if self.cooldown_until_ms.is_some_and(|until_ms| now_ms >= until_ms) {
            self.cooldown_until_ms = None;
        }
        cooling
    }

    fn state_of(&self, score: f64) -> HealthState {
        if score >= self.spec.score_threshold_yellow {
            return HealthState::Green;
        }
        if score >= self.spec.score_threshold_red { HealthState::Yellow } else { HealthState::Red }
    }

    fn score(&self) -> f64 {
        let spec = &self.spec;
        let penalty = spec.weight_errors * self.share(Event::Error, spec.max_errors_per_window)
            + spec.weight_429 * self.share(Event::RateLimited, spec.max_429_per_window)
            + spec.weight_reconnects * self.share(Event::Reconnect, spec.max_reconnects_per_window)
            + spec.weight_latency * self.excess();
        (1.0 - penalty).clamp(0.0, 1.0)
    }

    fn share(&self, kind: Event, limit: u32) -> f64 {
        let count = self.events.iter().filter(|(_, event)| *event == kind).count();
        if limit == 0 { 0.0 } else { (count as f64 / f64::from(limit)).min(1.0) }
    }

    fn excess(&self) -> f64 {
        let limit_ms = self.spec.max_p95_latency_ms;
        let p95_ms = self.p95_latency_ms().unwrap_or(0);
        if limit_ms == 0 || p95_ms <= limit_ms {
            return 0.0;
        }
        ((p95_ms - limit_ms) as f64 / limit_ms as f64).min(1.0)
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the reference's own formula"
    )]
    fn p95_latency_ms(&self) -> Option<u64> {
        let latency_of = |(_, event): &(i64, Event)| {
            if let Event::Latency(latency_ms) = event { Some(*latency_ms) } else { None }
        };
        let mut sorted: Vec<u64> = self.events.iter().filter_map(latency_of).collect();
        sorted.sort_unstable();
        let rank = (0.95 * sorted.len() as f64) as usize;
        sorted.get(rank.min(sorted.len().saturating_sub(1))).copied()
    }
}
