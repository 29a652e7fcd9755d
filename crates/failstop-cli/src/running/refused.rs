//! Reports on lines that are not executed, and what is said of them.

use decision_schema::InputFault;
use failstop::{core::model::ExecutionReport, invalid_input};

use super::intake::Refusal;
use crate::clock;

impl Refusal {
    /// The report on line `line`.
    pub fn report(&self, line: u64) -> ExecutionReport {
        match self {
            Self::Fault(fault) => invalid_input(Some(line), clock::unix_ms(), fault),
            Self::Proposal { action, run_id, step } => {
                // Any fault gives the bare report of a line that was refused; what is known of this one is put in.
                let report = invalid_input(Some(line), clock::unix_ms(), &InputFault::line_too_long());
                ExecutionReport { action: Some(*action), run_id: run_id.clone(), step: *step, ..report }
            }
        }
    }

    /// What is said of line `line` on standard error.
    pub fn message(&self, line: u64) -> String {
        match self {
            Self::Fault(fault) => format!("line {line}: {fault} ({})", fault.code()),
            Self::Proposal { .. } => {
                format!("line {line}: proposal: this version executes decisions only (proposal_unsupported)")
            }
        }
    }
}
