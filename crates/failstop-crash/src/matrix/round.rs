//! One round: lives that are struck, one that is not, and the check.

use std::{fs, io, path::Path, time::Duration};

use super::{
    Check, Death, Mode, Server, Victim,
    checker::{Fault, Finding, LifeEnd, check},
    schedule::{Blow, Round},
};
use crate::{
    decision::Kind,
    vfs,
    victim::{DONE, Life, NOT_OPENED, Place},
};

/// No life takes so long.
const PATIENCE: Duration = Duration::from_secs(60);

/// How many decisions of a round are executed at once.
const IN_FLIGHT: u32 = 4;

/// The time of one execution, milliseconds.
const TOTAL_MS: u64 = 20_000;

/// What became of a round.
#[derive(Debug, Clone)]
pub struct Played {
    /// How the struck lives died, by what struck them; one that outlived its blow is not in it.
    pub kills: Vec<(Mode, Blow)>,
    /// What the checker found.
    pub check: Check,
}

/// Plays a round in this directory with this program as the victim.
///
/// # Errors
/// Where the harness itself fails.
pub fn play(round: &Round, directory: &Path, victim: &Path) -> io::Result<Played> {
    let place = Place::new(directory);
    place.ask_for(&round.decisions)?;
    let server = (round.kind == Kind::Http).then(|| Server::start(&place.target())).transpose()?;
    let mut stage = Stage { victim, place, server, ends: Vec::new(), strange: Vec::new() };
    let mut kills = Vec::new();
    for (mode, blow) in &round.blows {
        if stage.live(Some(blow))? == Death::Killed {
            kills.push((*mode, blow.clone()));
        }
    }
    stage.live(None)?;
    let Stage { place, server, ends, strange, .. } = stage;
    // Whatever it was asked has happened when it is gone.
    drop(server);
    let mut check = check(&place, &round.decisions, &ends)?;
    check.findings.extend(strange);
    Ok(Played { kills, check })
}

/// Where lives follow each other.
struct Stage<'s> {
    victim: &'s Path,
    place: Place,
    server: Option<Server>,
    ends: Vec<LifeEnd>,
    strange: Vec<Finding>,
}

impl Stage<'_> {
    fn live(&mut self, blow: Option<&Blow>) -> io::Result<Death> {
        let life = Life {
            place: self.place.clone(),
            number: u32::try_from(self.ends.len() + 1).unwrap_or(u32::MAX),
            url: self.server.as_ref().map(Server::url),
            in_flight: IN_FLIGHT,
            max_total_time_ms: TOTAL_MS,
        };
        let mut victim = Victim::start(self.victim, &life, blow)?;
        self.arm(&victim, blow)?;
        if let Some(Blow::Outside(after)) = blow
            && !victim.ends_within(*after)?
        {
            victim.kill();
        }
        let death = victim.wait(PATIENCE)?;
        if !is_expected(death, blow) {
            let what = format!("life {} ended otherwise: {death:?}: {}", life.number, victim.said()?);
            self.strange.push(Finding { fault: Fault::Unaccounted, key: String::new(), what });
        }
        if is_power_loss(blow) {
            forget(&self.place.shared_memory())?;
        }
        self.ends.push(LifeEnd::of(&self.place, life.number)?);
        Ok(death)
    }

    /// The server strikes where the effect is its own.
    fn arm(&self, victim: &Victim, blow: Option<&Blow>) -> io::Result<()> {
        let Some(server) = &self.server else { return Ok(()) };
        let strike = match blow {
            Some(Blow::Strike(strike)) => Some((strike.clone(), victim.handle()?)),
            Some(Blow::Faults(_) | Blow::Outside(_)) | None => None,
        };
        server.arm(strike);
        Ok(())
    }
}

/// What a life may end like: by what strikes it, or well. One whose disk fails may not open its ledger.
fn is_expected(death: Death, blow: Option<&Blow>) -> bool {
    match death {
        Death::Exited(DONE) => true,
        Death::Exited(NOT_OPENED) => blow.is_some_and(Blow::is_survivable),
        Death::Killed => blow.is_some_and(|blow| !blow.is_survivable()),
        Death::Exited(_) | Death::Signalled(_) | Death::Stuck => false,
    }
}

fn is_power_loss(blow: Option<&Blow>) -> bool {
    let Some(Blow::Faults(plan)) = blow else { return false };
    plan.faults().iter().any(|fault| matches!(fault, vfs::Fault::Power { .. }))
}

fn forget(file: &Path) -> io::Result<()> {
    match fs::remove_file(file) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
