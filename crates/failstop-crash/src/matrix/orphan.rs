//! A program that outlives its victim and acts when nobody expects it any more.

use std::{io, path::Path, sync::Arc, time::Duration};

use decision_schema::Object;
use failstop::{
    Engine, Request,
    core::{
        ledger::Resolution,
        model::{EffectClass, ExecutionReport, ReasonCode},
        policies::{ExecutionPolicy, PolicySpec},
    },
    executor::{Answer, from_fn},
    ledger::Ledger,
};
use failstop_sqlite::{Options, ResolveError, Resolver, SqliteLedger};
use tempfile::TempDir;

use super::{Blow, Death, Victim};
use crate::{
    decision::{Conduct, Decision, Kind},
    strike::{Moment, Strike},
    target::{self, Seen},
    victim::{DELAY_VARIABLE, Life, Place},
};

const KEY: &str = "orphaned";

/// No victim takes so long to start its program.
const PATIENCE: Duration = Duration::from_secs(60);

/// How often the second process tries to get at the key.
const PAUSE: Duration = Duration::from_millis(50);

/// Kills a victim whose program has begun; the program acts so long after. Meanwhile a second process wants to execute
/// the key, and to resolve it. Answers how often it was refused, as it must be until the program has acted and ended.
///
/// # Errors
/// Where anything else happened, and says what.
pub fn outlive(victim: &Path, delay_ms: u64) -> io::Result<u32> {
    let directory = TempDir::new()?;
    let place = Place::new(directory.path());
    let decision = Decision {
        key: KEY.to_owned(),
        kind: Kind::Command,
        class: EffectClass::NonIdempotent,
        conduct: Conduct::Applies,
    };
    place.ask_for(std::slice::from_ref(&decision))?;
    let life = Life { place: place.clone(), number: 1, url: None, in_flight: 1, max_total_time_ms: 20_000 };
    let strike = Strike { moment: Moment::BeforeAct, key: KEY.to_owned(), attempt: 0 };
    let delay = [(DELAY_VARIABLE, delay_ms.to_string())];
    let mut victim = Victim::start_with(victim, &life, Some(&Blow::Strike(strike)), &delay)?;
    expect(victim.wait(PATIENCE)? == Death::Killed, "the program kills its victim")?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(Second::open(&place)?.wait_for_orphan(&decision))
}

fn expect(is_so: bool, what: &'static str) -> io::Result<()> {
    if is_so { Ok(()) } else { Err(io::Error::other(format!("not so: {what}"))) }
}

/// The process that comes after.
struct Second {
    place: Place,
    ledger: Arc<SqliteLedger>,
    engine: Engine,
}

impl Second {
    fn open(place: &Place) -> io::Result<Self> {
        let ledger = SqliteLedger::open(&place.ledger(), Options::default()).map_err(io::Error::other)?;
        let ledger = Arc::new(ledger);
        let mut spec = PolicySpec::default();
        spec.idempotency.enabled = true;
        let policy = ExecutionPolicy::new(spec).map_err(io::Error::other)?;
        let engine = Engine::builder(policy).ledger(Arc::clone(&ledger) as Arc<dyn Ledger>);
        let engine = engine.build().map_err(io::Error::other)?;
        Ok(Self { place: place.clone(), ledger, engine })
    }

    async fn wait_for_orphan(&self, decision: &Decision) -> io::Result<u32> {
        let mut refused = 0;
        loop {
            let report = self.execute(decision).await;
            let resolved = self.resolve();
            match (report.conclusion.reason_code, resolved) {
                (Some(ReasonCode::IdempotencyInProgress), Err(ResolveError::StillRunning)) => refused += 1,
                (Some(ReasonCode::IdempotencyInProgress | ReasonCode::InDoubt), Ok(_)) => break,
                (code, resolved) => {
                    let (code, resolved) = (code.map(ReasonCode::as_str), resolved.map(|_| ()));
                    return Err(io::Error::other(format!("executed: {code:?}, resolved: {resolved:?}")));
                }
            }
            tokio::time::sleep(PAUSE).await;
        }
        expect(self.effects()?.len() == 1, "what could be resolved had ended, and had acted")?;
        let replay = self.execute(decision).await;
        expect(replay.replayed && replay.conclusion.reason_code.is_none(), "the resolution is replayed")?;
        expect(self.effects()?.len() == 1, "there is one effect")?;
        Ok(refused)
    }

    fn effects(&self) -> io::Result<Vec<Seen>> {
        target::effects(&self.place.target())
    }

    /// With an executor whose effect would be the second one.
    async fn execute(&self, decision: &Decision) -> ExecutionReport {
        let (asked, context) = (decision.to_final(), Object::new());
        let request = Request { idempotency_key: Some(&decision.key), ..Request::new(&asked, &context) };
        let target = self.place.target();
        let executor = from_fn(|attempt| {
            let effect = Seen { key: KEY.to_owned(), fence: attempt.fence, attempt: attempt.attempt_number };
            let acted = target::act(&target, &effect);
            async move { if acted.is_ok() { Answer::applied() } else { Answer::unknown() } }
        });
        self.engine.execute_with(&request, &executor).await
    }

    fn resolve(&self) -> Result<ExecutionReport, ResolveError> {
        let resolver = Resolver {
            who: "matrix".to_owned(),
            reason: "the target has the effect".to_owned(),
            evidence: None,
        };
        self.ledger.resolve(KEY, Resolution::Applied, &resolver)
    }
}
