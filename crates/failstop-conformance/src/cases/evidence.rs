//! What is kept and changes nothing.

use failstop::{
    core::{
        model::{Conclusion, Effect, ReasonCode},
        orchestrator::KeyState,
    },
    ledger::{Evidence, Known, Ledger as _},
};

use super::assert_same;
use crate::{
    Bench,
    execution::{Execution, settle},
};

/// A denial burns no key, and neither does a late word, whatever it claims.
pub async fn evidence_touches_no_key<B: Bench>() {
    let bench = B::new();
    let ledger = bench.open().await;
    let mut started = Execution::idempotent("started");
    let mut open = Execution::of("open");
    let mut ended = Execution::of("ended");
    let fences = [
        started.start(&*ledger).await,
        open.carry_out(&*ledger, KeyState::Open).await,
        ended.carry_out(&*ledger, KeyState::Succeeded).await,
    ];
    let fresh = Execution::of("fresh");
    for (execution, fence) in [started, open, ended, fresh].into_iter().zip(fences.into_iter().chain([0])) {
        let before = execution.again().look_up(&*ledger).await;
        let mut denied = execution.again().report;
        denied.conclusion = Conclusion::refused(ReasonCode::GateStopped);
        ledger.note(Evidence::Denied(&denied));
        for &effect in Effect::ALL {
            for fence in [fence, u64::MAX] {
                ledger.note(Evidence::Late { key: &execution.key, fence, attempt: 0, effect });
            }
        }
        settle(&*ledger).await;
        assert_same(&execution.again().look_up(&*ledger).await, &before, "evidence changes nothing");
    }
    assert_eq!(Execution::of("fresh").look_up(&*ledger).await, Known::Fresh);
}
