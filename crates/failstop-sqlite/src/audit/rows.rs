//! One row as it stands against what it should be.

use std::borrow::Cow;

use failstop::core::ledger::audit::{FindingKind, Findings};
use rusqlite::types::ValueRef;

/// What a row should be, column by column.
pub(super) type Expected<'e> = [(&'static str, ValueRef<'e>)];

/// Which row it is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'p> {
    pub(super) table: &'static str,
    pub(super) seq: Option<u64>,
    pub(super) key: Option<&'p str>,
}

impl Place<'_> {
    /// The row is not there.
    pub(super) fn missing(self, findings: &mut Findings) {
        findings.add(FindingKind::RowMissing { table: self.table }, self.seq, self.key);
    }

    /// The row should not be there.
    pub(super) fn extra(self, findings: &mut Findings) {
        findings.add(FindingKind::RowExtra { table: self.table }, self.seq, self.key);
    }

    /// Holds what stands in `columns` against what is expected. A column that nobody expects anything of cannot be
    /// proved, which is a finding too.
    pub(super) fn compare<'v>(
        self,
        columns: &[String],
        value: impl Fn(usize) -> rusqlite::Result<ValueRef<'v>>,
        expected: &Expected<'_>,
        findings: &mut Findings,
    ) -> rusqlite::Result<()> {
        for (at, name) in columns.iter().enumerate() {
            let stands = value(at)?;
            let known = expected.iter().find(|(expected, _)| expected == name);
            if known.is_some_and(|(_, expected)| *expected == stands) {
                continue;
            }
            let column = known.map_or_else(|| Cow::Owned(name.clone()), |(name, _)| Cow::Borrowed(*name));
            findings.add(FindingKind::Column { table: self.table, column }, self.seq, self.key);
        }
        Ok(())
    }
}

/// The names of a statement's columns.
pub(super) fn columns(statement: &rusqlite::Statement<'_>) -> Vec<String> {
    statement.column_names().map(str::to_owned).collect()
}

pub(super) const fn text(text: &str) -> ValueRef<'_> {
    ValueRef::Text(text.as_bytes())
}

pub(super) fn text_or_null(value: Option<&str>) -> ValueRef<'_> {
    value.map_or(ValueRef::Null, text)
}

/// A number as SQLite holds it; what does not fit cannot stand there.
pub(super) fn number(number: u64) -> ValueRef<'static> {
    ValueRef::Integer(i64::try_from(number).unwrap_or(i64::MAX))
}
