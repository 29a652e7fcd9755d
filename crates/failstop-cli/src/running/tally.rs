//! Counts how a run went.

use std::{fmt, time::Duration};

use failstop::core::model::{ExecutionReport, ExecutionStatus, Outcome, ReasonCode};

/// How many ended how.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    by_status: [u64; ExecutionStatus::ALL.len()],
    by_outcome: [u64; Outcome::ALL.len()],
    /// Lines that could not be read as a decision; they are among the denied.
    pub bad_lines: u64,
    /// Whether the ledger was lost on the way.
    pub has_lost_ledger: bool,
}

impl Tally {
    /// Counts a report.
    pub fn count(&mut self, report: &ExecutionReport) {
        self.by_status[report.conclusion.status as usize] += 1;
        self.has_lost_ledger |= report.conclusion.reason_code == Some(ReasonCode::LedgerUnavailable);
        self.by_outcome[report.conclusion.outcome as usize] += 1;
    }

    /// How many there were.
    pub fn total(&self) -> u64 {
        self.by_status.iter().sum()
    }

    /// Whether every decision ended `success` or `skipped`.
    pub fn is_all_done(&self) -> bool {
        let done = [ExecutionStatus::Success, ExecutionStatus::Skipped];
        done.iter().map(|status| self.by_status[*status as usize]).sum::<u64>() == self.total()
    }

    /// The closing words.
    pub fn summary(&self, elapsed: Duration) -> String {
        let seconds = elapsed.as_secs_f64();
        let rate = self.total() as f64 / seconds.max(1e-9);
        format!("{} decisions in {seconds:.2} s ({rate:.0}/s)\n{self}", self.total())
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let statuses =
            ExecutionStatus::ALL.iter().map(|status| (status.as_str(), self.by_status[*status as usize]));
        write_counts(f, "status", statuses)?;
        f.write_str("\n")?;
        let outcomes =
            Outcome::ALL.iter().map(|outcome| (outcome.as_str(), self.by_outcome[*outcome as usize]));
        write_counts(f, "outcome", outcomes)?;
        if self.bad_lines > 0 {
            write!(f, "\nbad lines: {}", self.bad_lines)?;
        }
        Ok(())
    }
}

fn write_counts<'n>(
    f: &mut fmt::Formatter<'_>,
    name: &str,
    counts: impl Iterator<Item = (&'n str, u64)>,
) -> fmt::Result {
    write!(f, "{name}:")?;
    for (name, count) in counts.filter(|(_, count)| *count > 0) {
        write!(f, " {count} {name}")?;
    }
    Ok(())
}
