//! What a call of the library costs, beside a `tower` stack around the same async fn.

use std::{convert::Infallible, future::Ready, hint::black_box, time::Duration};

use decision_schema::{Action, FinalDecision, Object};
use execution_orchestration_core::{
    model::ExecutionStatus,
    policies::{ExecutionPolicy, PolicySpec, Quota, RateLimitPolicy},
    stop::{Level, Scope},
};
use failstop::{Engine, Request, executor::from_fn};
use tokio::runtime::{Builder, Runtime};
use tower::{BoxError, Service, ServiceBuilder, ServiceExt, retry::Policy, service_fn};

use crate::{
    rounds::{self, Comparison, Spread},
    table::Row,
};

const ROUNDS: usize = 41;
const CALLS: u32 = 50_000;
const PERMITS: u32 = 1_000_000_000;
const CONCURRENCY: u32 = 1024;

/// The argument that makes the program do nothing but call for a while, to be looked at with a profiler; with `refusal`
/// behind it the gate is engaged.
pub const LOOP: &str = "loop";

/// What both sides call.
#[expect(clippy::unused_async, reason = "both sides are measured around an async fn")]
async fn effect() -> (bool, Option<String>) {
    (true, None)
}

/// A call of the peer. Retries need it to be cloneable, so it is as small as it gets.
#[derive(Clone, Copy)]
struct Call;

/// As many retries as the library's default, without the pause.
#[derive(Clone)]
struct Retries(u32);

impl Policy<Call, (bool, Option<String>), BoxError> for Retries {
    type Future = Ready<()>;

    fn retry(
        &mut self,
        _call: &mut Call,
        result: &mut Result<(bool, Option<String>), BoxError>,
    ) -> Option<Self::Future> {
        let is_success = matches!(result, Ok((true, _)));
        let has_more = self.0 > 0;
        (!is_success && has_more).then(|| {
            self.0 -= 1;
            std::future::ready(())
        })
    }

    fn clone_request(&mut self, call: &Call) -> Option<Call> {
        Some(*call)
    }
}

pub fn measure() -> Vec<Row> {
    let runtime = runtime();
    let success = compare(&runtime, &engine(), ExecutionStatus::Success);
    let stopped = engine();
    stopped.gate().engage(Scope::Global, Level::Stop, "measured");
    let refusal = compare(&runtime, &stopped, ExecutionStatus::Denied);
    vec![
        row("success, in-memory layers on / tower stack", &success).reach("<= 1.0x", success.ratio <= 1.0),
        row("refusal by the gate / tower stack", &refusal).reach("<= 0.3x", refusal.ratio <= 0.3),
    ]
}

/// Succeeds for some seconds, or is refused by the gate if `is_stopped`.
pub fn endless(is_stopped: bool) {
    let (runtime, engine) = (runtime(), engine());
    let mut expected = ExecutionStatus::Success;
    if is_stopped {
        engine.gate().engage(Scope::Global, Level::Stop, "measured");
        expected = ExecutionStatus::Denied;
    }
    for _ in 0..400 {
        ours(&runtime, &engine, expected);
    }
}

fn row(what: &'static str, comparison: &Comparison) -> Row {
    Row::new(what, shown(comparison.ours)).peer(shown(comparison.peer), comparison.ratio)
}

fn shown(spread: Spread) -> String {
    format!("{:.0} ns (min {:.0})", spread.median_ns, spread.min_ns)
}

pub fn runtime() -> Runtime {
    Builder::new_current_thread().enable_time().build().expect("a runtime can be built")
}

fn engine() -> Engine {
    let rate_limit =
        RateLimitPolicy { global: Some(Quota::new(PERMITS, 1000)), ..RateLimitPolicy::default() };
    let spec = PolicySpec { rate_limit, max_concurrency: CONCURRENCY, ..PolicySpec::default() };
    let policy = ExecutionPolicy::new(spec).expect("the policy is valid");
    Engine::builder(policy).build().expect("the parts agree")
}

fn compare(runtime: &Runtime, engine: &Engine, expected: ExecutionStatus) -> Comparison {
    let _inside = runtime.enter();
    let mut stack = ServiceBuilder::new()
        .concurrency_limit(CONCURRENCY as usize)
        .rate_limit(PERMITS.into(), Duration::from_secs(1))
        .retry(Retries(3))
        .timeout(Duration::from_secs(5))
        .service(service_fn(|_call: Call| async { Ok::<_, Infallible>(effect().await) }));
    rounds::compare(
        ROUNDS,
        CALLS,
        || ours(runtime, engine, expected),
        || {
            runtime.block_on(async {
                for _ in 0..CALLS {
                    let service = stack.ready().await.expect("the stack is ready");
                    let answer = service.call(Call).await.expect("the stack succeeds");
                    black_box(&answer);
                }
            });
        },
    )
}

fn ours(runtime: &Runtime, engine: &Engine, expected: ExecutionStatus) {
    let decision = FinalDecision::new(Action::Act);
    let context = Object::new();
    let executor = from_fn(|_attempt| effect());
    runtime.block_on(async {
        for _ in 0..CALLS {
            let request = Request::new(black_box(&decision), &context);
            let report = engine.execute_with(&request, &executor).await;
            assert!(
                report.conclusion.status == expected,
                "the engine did something else than what is measured"
            );
            black_box(&report);
        }
    });
}
