//! Many rounds, several at once.

use std::{
    io,
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    thread,
    time::{Duration, Instant},
};

use failstop::core::model::EffectClass;
use parking_lot::Mutex;
use tempfile::TempDir;

use super::{Death, Dry, Played, Round, Server, Tally, Victim, play};
use crate::{
    decision::Kind,
    vfs::FaultPlan,
    victim::{Life, Place},
};

use super::schedule::Blow;

/// No life that nothing strikes takes so long.
const PATIENCE: Duration = Duration::from_secs(60);

/// What is to be played.
#[derive(Debug, Clone)]
pub struct Sweep {
    /// The program that is the victim.
    pub victim: PathBuf,
    /// Repeats everything but the interleaving of threads.
    pub seed: u64,
    /// The first round.
    pub first: u64,
    /// How many.
    pub rounds: u64,
    /// How many at once.
    pub at_once: usize,
}

/// Looks at one life of each kind that nothing strikes: how many writes there are to be struck, and how long it takes.
///
/// # Errors
/// Where a life does not end well.
#[expect(clippy::disallowed_methods, reason = "a strike from outside needs to know how long a life is")]
pub fn measure(victim: &Path) -> io::Result<Dry> {
    let mut dry = Dry::default();
    for kind in Kind::ALL {
        let directory = TempDir::new()?;
        let place = Place::new(directory.path());
        let decisions = Round::decisions(*kind, EffectClass::NonIdempotent, 0);
        place.ask_for(&decisions)?;
        let server = Server::start(&place.target())?;
        let life =
            Life { place, number: 1, url: Some(server.url()), in_flight: 4, max_total_time_ms: 20_000 };
        let began = Instant::now();
        let mut running = Victim::start(victim, &life, Some(&Blow::Faults(FaultPlan::default())))?;
        let death = running.wait(PATIENCE)?;
        let (took, said) = (began.elapsed(), running.said()?);
        let points = said.lines().find_map(|line| line.strip_prefix("points ")?.parse().ok());
        let points = points.filter(|_| death == Death::Exited(0));
        let points =
            points.ok_or_else(|| io::Error::other(format!("a dry run failed: {death:?}: {said}")))?;
        dry.lives.insert(*kind, (points, took));
    }
    Ok(dry)
}

/// Plays all rounds; `each` is told of every one, in no order.
///
/// # Errors
/// The first failure of the harness itself.
pub fn sweep(
    sweep: &Sweep,
    dry: &Dry,
    each: impl Fn(&Round, &Played, Option<&Path>) + Sync,
) -> io::Result<Tally> {
    let tally = Mutex::new(Tally::default());
    let (next, is_broken) = (AtomicU64::new(sweep.first), AtomicBool::new(false));
    let one_after_another = || -> io::Result<()> {
        while !is_broken.load(Ordering::Relaxed) {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= sweep.first.saturating_add(sweep.rounds) {
                break;
            }
            let round = Round::draw(sweep.seed, number, dry);
            let directory = TempDir::new()?;
            let played = play(&round, directory.path(), &sweep.victim)
                .inspect_err(|_| is_broken.store(true, Ordering::Relaxed))?;
            tally.lock().add(&round, &played);
            // What went wrong is kept, so that somebody can look at it.
            let kept = (!played.check.findings.is_empty()).then(|| directory.keep());
            each(&round, &played, kept.as_deref());
        }
        Ok(())
    };
    thread::scope(|scope| {
        let threads: Vec<_> = (0..sweep.at_once.max(1)).map(|_| scope.spawn(one_after_another)).collect();
        let join = |thread: thread::ScopedJoinHandle<'_, io::Result<()>>| {
            thread.join().unwrap_or_else(|_| Err(io::Error::other("a round panicked")))
        };
        threads.into_iter().map(join).collect::<io::Result<Vec<()>>>()
    })?;
    Ok(tally.into_inner())
}
