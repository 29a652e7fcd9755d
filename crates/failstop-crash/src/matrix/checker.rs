//! The checker: what was reported, what the ledger holds and what really happened must not contradict each other.
//!
//! It trusts the target alone, knows nothing of the deaths, and takes nothing from the engine but the words of its
//! reports and rows.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt, fs, io,
};

use failstop::core::{
    ledger::Standing,
    model::{EffectClass, ExecutionReport, ExecutionStatus, Outcome, ReasonCode},
};
use failstop_sqlite::audit;
use rusqlite::{Connection, OpenFlags};

use crate::{
    decision::{Decision, Kind, names},
    target::{self, Seen},
    victim::{MAX_RETRIES, Place},
};

/// What may be wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fault {
    /// An effect more than the class allows, or twice in one attempt.
    Duplicate,
    /// A report or a record says of the effect what is not so, or what an earlier one had denied.
    FalseOutcome,
    /// A decision without a record or without a report.
    Unaccounted,
    /// More attempts than the policy allows, over all lives.
    Attempts,
    /// The chain or the tables contradict themselves.
    Ledger,
}

names!(Fault {
    Duplicate => "duplicate",
    FalseOutcome => "false outcome",
    Unaccounted => "unaccounted",
    Attempts => "attempts",
    Ledger => "ledger",
});

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What.
    pub fault: Fault,
    /// Of which key; of none, where it is the ledger.
    pub key: String,
    /// More about it.
    pub what: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} {}", self.fault, self.key, self.what)
    }
}

/// What there was at the end of one life.
#[derive(Debug, Clone)]
pub struct LifeEnd {
    /// Its reports, in the order in which they were written.
    pub reports: Vec<ExecutionReport>,
    /// How many effects the target had seen when it ended.
    pub effects: usize,
}

impl LifeEnd {
    /// What a life left that has just ended. A last line without its end was never written.
    ///
    /// # Errors
    /// Where its reports or the target cannot be read.
    pub fn of(place: &Place, life: u32) -> io::Result<Self> {
        let text = match fs::read_to_string(place.reports(life)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            text => text?,
        };
        let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
        let read = |line: &str| {
            ExecutionReport::from_json(line).map_err(|_| io::Error::other("a report cannot be read"))
        };
        let reports = whole.lines().map(read).collect::<Result<_, _>>()?;
        Ok(Self { reports, effects: target::effects(&place.target())?.len() })
    }
}

/// What was found.
#[derive(Debug, Clone, Default)]
pub struct Check {
    /// All that is wrong.
    pub findings: Vec<Finding>,
    /// How many effects there were.
    pub effects: u64,
    /// How many keys are in doubt at the end.
    pub in_doubt: u64,
}

/// Looks at what all lives together have left. The last of them was struck by nothing.
///
/// # Errors
/// Where the target cannot be read; all else is a finding.
pub fn check(place: &Place, decisions: &[Decision], lives: &[LifeEnd]) -> io::Result<Check> {
    let effects = target::effects(&place.target())?;
    let mut check = Check { effects: effects.len() as u64, ..Check::default() };
    let records = records(place).unwrap_or_else(|_| {
        check.found(Fault::Ledger, "", "the tables cannot be read".to_owned());
        BTreeMap::new()
    });
    audit_ledger(place, &mut check);
    let known: BTreeSet<&str> = decisions.iter().map(|decision| decision.key.as_str()).collect();
    let strangers = effects.iter().map(|effect| &effect.key).chain(records.keys());
    for key in strangers.filter(|key| !known.contains(key.as_str())) {
        check.found(Fault::Ledger, key, "was never asked for".to_owned());
    }
    for decision in decisions {
        let case = Case { decision, effects: &effects, lives, record: records.get(&decision.key) };
        case.check_effects(&mut check);
        case.check_reports(&mut check);
        case.check_record(&mut check);
    }
    Ok(check)
}

impl Check {
    fn found(&mut self, fault: Fault, key: &str, what: String) {
        self.findings.push(Finding { fault, key: key.to_owned(), what });
    }

    /// How many findings are of this kind.
    pub fn count(&self, fault: Fault) -> u64 {
        self.findings.iter().filter(|finding| finding.fault == fault).count() as u64
    }
}

#[derive(Debug, Clone, Copy)]
struct Row {
    standing: Standing,
    attempts: u32,
}

fn records(place: &Place) -> rusqlite::Result<BTreeMap<String, Row>> {
    let connection = Connection::open_with_flags(place.ledger(), OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    let mut statement = connection.prepare("SELECT key, state, attempts FROM executions")?;
    let row = |row: &rusqlite::Row<'_>| {
        let standing = Standing::from_name(row.get_ref(1)?.as_str()?);
        let standing = standing.ok_or(rusqlite::Error::InvalidQuery)?;
        Ok((row.get(0)?, Row { standing, attempts: row.get(2)? }))
    };
    statement.query_map([], row)?.collect()
}

/// INV-FS-4: the chain is whole, and every row follows from it.
fn audit_ledger(place: &Place, check: &mut Check) {
    match audit::verify(&place.ledger(), &[]) {
        Ok(report) if report.is_clean() => {}
        Ok(report) => check.found(Fault::Ledger, "", format!("the audit found {:?}", report.findings)),
        Err(error) => check.found(Fault::Ledger, "", error.to_string()),
    }
}

/// One key, from all sides.
struct Case<'c> {
    decision: &'c Decision,
    effects: &'c [Seen],
    lives: &'c [LifeEnd],
    record: Option<&'c Row>,
}

impl<'c> Case<'c> {
    fn found(&self, check: &mut Check, fault: Fault, what: String) {
        check.found(fault, &self.decision.key, what);
    }

    /// The effects under this key among the first so many.
    fn effects_among(&self, first: usize) -> impl Iterator<Item = &'c Seen> {
        let key = self.decision.key.as_str();
        self.effects.iter().take(first).filter(move |effect| effect.key == key)
    }

    fn has_effect(&self) -> bool {
        self.effects_among(usize::MAX).next().is_some()
    }

    /// Whether success shows at the target at all.
    fn is_seen(&self) -> bool {
        self.decision.kind != Kind::Noop
    }

    /// INV-FS-1.
    fn check_effects(&self, check: &mut Check) {
        let effects: Vec<_> = self.effects_among(usize::MAX).collect();
        let most = match self.decision.class {
            EffectClass::NonIdempotent => 1,
            EffectClass::ReadOnly | EffectClass::NaturallyIdempotent | EffectClass::KeyedIdempotent => {
                MAX_RETRIES as usize + 1
            }
        };
        if effects.len() > most {
            self.found(check, Fault::Duplicate, format!("has {} effects", effects.len()));
        }
        let attempts: BTreeSet<_> = effects.iter().map(|effect| effect.attempt).collect();
        let fences: BTreeSet<_> = effects.iter().map(|effect| effect.fence).collect();
        if attempts.len() < effects.len() || fences.len() < effects.len() {
            self.found(check, Fault::Duplicate, "has two effects in one attempt".to_owned());
        }
        if !self.is_seen() && !effects.is_empty() {
            self.found(check, Fault::FalseOutcome, "has an effect without an executor".to_owned());
        }
    }

    /// INV-FS-2 and INV-FS-3 of what was reported.
    fn check_reports(&self, check: &mut Check) {
        let mut settled: Option<&ExecutionReport> = None;
        for life in self.lives {
            for report in life.reports.iter().filter(|report| self.is_of(report)) {
                self.check_report(report, life, check);
                if let Some(before) = settled {
                    self.check_against(before, report, check);
                }
                settled = is_settled(report).then_some(report).or(settled);
            }
        }
        let last = self.lives.last().map_or(&[][..], |life| life.reports.as_slice());
        let of_last: Vec<_> = last.iter().filter(|report| self.is_of(report)).collect();
        match of_last[..] {
            [report] if is_settled(report) => {}
            [report] => {
                let reason = report.conclusion.reason_code.map_or("none", ReasonCode::as_str);
                self.found(check, Fault::Unaccounted, format!("is not settled at the end: {reason}"));
            }
            _ => self.found(check, Fault::Unaccounted, format!("has {} last reports", of_last.len())),
        }
    }

    fn is_of(&self, report: &ExecutionReport) -> bool {
        report.idempotency_key.as_deref() == Some(self.decision.key.as_str())
    }

    fn check_report(&self, report: &ExecutionReport, life: &LifeEnd, check: &mut Check) {
        // What is settled is so for ever; what is not, at the end of its life.
        let until = if is_settled(report) { usize::MAX } else { life.effects };
        let happened = self.effects_among(until).next().is_some();
        match report.conclusion.outcome {
            Outcome::Executed if !happened && self.is_seen() => {
                self.found(check, Fault::FalseOutcome, "is reported executed, without an effect".to_owned());
            }
            Outcome::NotExecuted if happened => {
                self.found(check, Fault::FalseOutcome, "is reported not executed, with an effect".to_owned());
            }
            Outcome::Executed | Outcome::NotExecuted | Outcome::Unknown => {}
        }
        let numbers = report.attempts.iter().map(|attempt| attempt.attempt_number);
        if !numbers.eq(0..u32::try_from(report.attempts.len()).unwrap_or(u32::MAX)) {
            self.found(check, Fault::Attempts, "is reported with attempts out of order".to_owned());
        }
        if report.attempts.len() > MAX_RETRIES as usize + 1 {
            self.found(
                check,
                Fault::Attempts,
                format!("is reported with {} attempts", report.attempts.len()),
            );
        }
    }

    /// What was settled is replayed.
    fn check_against(&self, before: &ExecutionReport, now: &ExecutionReport, check: &mut Check) {
        let is_same = is_settled(now)
            && before.conclusion.outcome == now.conclusion.outcome
            && before.execution_id == now.execution_id
            && before.attempts == now.attempts;
        if !is_same {
            let (was, is) = (before.conclusion.outcome.as_str(), now.conclusion.outcome.as_str());
            self.found(check, Fault::FalseOutcome, format!("was reported {was}, and then another {is}"));
        }
    }

    /// What the ledger holds in the end.
    fn check_record(&self, check: &mut Check) {
        let Some(Row { standing, attempts }) = self.record else {
            return self.found(check, Fault::Unaccounted, "has no record".to_owned());
        };
        if *attempts > MAX_RETRIES + 1 {
            self.found(check, Fault::Attempts, format!("has {attempts} attempts in its record"));
        }
        let (outcome, is_true) = match standing {
            Standing::Succeeded => (Outcome::Executed, self.has_effect() || !self.is_seen()),
            Standing::Failed => (Outcome::NotExecuted, !self.has_effect()),
            Standing::InDoubt => {
                check.in_doubt += 1;
                (Outcome::Unknown, true)
            }
            Standing::Started | Standing::Open => {
                return self.found(check, Fault::Unaccounted, format!("is {standing} in the end"));
            }
        };
        if !is_true {
            self.found(check, Fault::FalseOutcome, format!("is {standing} in the ledger"));
        }
        let last = self.lives.iter().rev().flat_map(|life| life.reports.iter().rev());
        if let Some(report) = last.into_iter().find(|report| self.is_of(report))
            && report.conclusion.outcome != outcome
        {
            let said = report.conclusion.outcome.as_str();
            self.found(check, Fault::FalseOutcome, format!("is {standing}, and was reported {said}"));
        }
    }
}

/// Whether nothing more may become of it: it was tried, and its end is in the ledger.
fn is_settled(report: &ExecutionReport) -> bool {
    matches!(report.conclusion.status, ExecutionStatus::Success | ExecutionStatus::Failed)
        && report.conclusion.reason_code != Some(ReasonCode::LedgerUnavailable)
}
