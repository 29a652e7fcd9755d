//! Health and cooldowns: what was noted bars whoever comes after it, and is told once.

use decision_schema::Action;
use execution_orchestration_core::{model::Effect, stop::Level, time::Timestamp};
use loom::thread;
use ops_health_core::{HealthPolicy, HealthSpec};

use super::explore;
use crate::{
    cooldown::Cooldowns,
    health::{AttemptEnd, OwnHealth},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

const ACTION: Action = Action::ALL[0];

const FAILED: AttemptEnd<'_> =
    AttemptEnd { effect: Effect::Unknown, error_code: None, has_hint: false, latency_ms: 1 };

/// Denies from the second error on.
fn health() -> OwnHealth {
    let spec = HealthSpec { max_errors_per_window: 2, weight_errors: 1.0, ..HealthSpec::default() };
    OwnHealth::new(HealthPolicy::new(spec).expect("the numbers are within their ranges"))
}

/// Two attempts fail at once, and a guard asks meanwhile: one of the two closes the gate, and it is closed after both.
pub fn storm_closes_the_gate_once() -> usize {
    explore(|| {
        let health = Arc::new(health());
        let closers = [(); 2].map(|()| {
            let health = health.clone();
            thread::spawn(move || {
                let closes = health.note(FAILED);
                assert!(
                    !closes || health.verdict().level == Level::Stop,
                    "it was closed and let a start pass"
                );
                closes
            })
        });
        let _ = health.signal(0);
        let closed = closers.map(|closer| closer.join().expect("no attempt panics"));
        assert_eq!(closed.into_iter().filter(|closes| *closes).count(), 1);
        assert_eq!(health.verdict().level, Level::Stop, "an older assessment overwrote a newer one");
    })
}

/// Whoever hears that a cooldown was started finds it, though another starts meanwhile.
pub fn cooldown_bars_whoever_comes_after_it() -> usize {
    explore(|| {
        let now = Timestamp::from_nanos(1);
        let cooldowns = Arc::new(Cooldowns::default());
        let started = Arc::new(AtomicBool::new(false));
        let starters = [Some("other"), None].map(|tenant| {
            let (cooldowns, started) = (cooldowns.clone(), started.clone());
            thread::spawn(move || {
                cooldowns.start(now, tenant, ACTION, 1_000);
                if tenant.is_none() {
                    started.store(true, Ordering::Release);
                }
            })
        });
        let was_started = started.load(Ordering::Acquire);
        assert!(!was_started || cooldowns.is_active(now, None, ACTION), "a cooldown was overlooked");
        for starter in starters {
            starter.join().expect("no starter panics");
        }
        assert!(cooldowns.is_active(now, None, ACTION));
    })
}
