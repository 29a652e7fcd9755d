//! The keys, one by one.

use std::ops::ControlFlow;

use failstop::core::ledger::Standing;
use rusqlite::Connection;

use super::{
    Entry, View,
    entry::{UNFINISHED, select},
    presence::Living,
};
use crate::{OpenError, identity::beside};

/// Which keys to list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// The effective states; none: all.
    pub states: Vec<Standing>,
    /// How many at most.
    pub limit: Option<u64>,
}

impl Filter {
    fn takes(&self, state: Standing) -> bool {
        self.states.is_empty() || self.states.contains(&state)
    }

    /// The recorded states that may come to one of ours.
    fn condition(&self) -> String {
        let may_be = |recorded: Standing| match recorded {
            Standing::Started => [Standing::Started, Standing::Open, Standing::InDoubt]
                .into_iter()
                .any(|state| self.takes(state)),
            Standing::Open | Standing::Succeeded | Standing::Failed | Standing::InDoubt => {
                self.takes(recorded)
            }
        };
        let names: Vec<String> = Standing::ALL
            .iter()
            .filter(|recorded| may_be(**recorded))
            .map(|recorded| format!("'{recorded}'"))
            .collect();
        let is_unfinished_only =
            !self.states.is_empty() && !may_be(Standing::Succeeded) && !may_be(Standing::Failed);
        let index = if is_unfinished_only { format!(" AND {UNFINISHED}") } else { String::new() };
        format!("state IN ({}){index}", names.join(", "))
    }
}

impl View {
    /// Hands out the keys that `filter` takes, the one that was started first first, until `each` breaks off; all as
    /// they stood in one moment.
    ///
    /// # Errors
    /// Where the ledger cannot be read.
    pub fn list(
        &self,
        filter: &Filter,
        mut each: impl FnMut(Entry) -> ControlFlow<()>,
    ) -> Result<(), OpenError> {
        let mut left = filter.limit.unwrap_or(u64::MAX);
        if left == 0 {
            return Ok(());
        }
        self.scan(&filter.condition(), |entry| {
            if !filter.takes(entry.state) {
                return ControlFlow::Continue(());
            }
            left -= 1;
            each(entry)?;
            if left == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })
    }

    /// Hands out the keys of a condition in the order of their first starts.
    pub(super) fn scan(
        &self,
        condition: &str,
        mut each: impl FnMut(Entry) -> ControlFlow<()>,
    ) -> Result<(), OpenError> {
        let mut living = self.living()?;
        let snapshot = self.snapshot()?;
        living.look_at_attempts();
        let sql = select(&format!("WHERE {condition} ORDER BY id"));
        let mut statement = snapshot.prepare(&sql)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            if each(Entry::read(row, &living)?).is_break() {
                break;
            }
        }
        Ok(())
    }

    /// Who lives now.
    pub(super) fn living(&self) -> Result<Living, OpenError> {
        Ok(Living::look(&beside(&self.path, ".locks"), &self.connection)?)
    }

    /// All reads until it is dropped see the ledger in one moment, which is now.
    pub(super) fn snapshot(&self) -> Result<rusqlite::Transaction<'_>, OpenError> {
        let snapshot = self.connection.unchecked_transaction()?;
        begin(&snapshot)?;
        Ok(snapshot)
    }
}

/// A deferred transaction begins with its first read.
fn begin(snapshot: &Connection) -> rusqlite::Result<()> {
    snapshot.query_row("SELECT count(*) FROM ledger", [], |_| Ok(()))
}
