//! What a ledger does for itself: recovery at its opening, retirement of old records.

use failstop::core::{
    idempotency::Digest,
    ledger::{EventKind, OwnerId, body},
};
use rusqlite::params;

use crate::{
    owner::Owner,
    rows,
    writer::{Broken, Saying, Steps, Writer},
};

/// How many keys are recovered or retired in one transaction.
const BATCH: usize = 1_000;

/// Records of every attempt whose owner is dead that its key is in doubt, but for those that may simply go on. Answers
/// how many.
///
/// Owners are looked at once each: what dies meanwhile is found when its key is met.
pub(crate) fn recover(writer: &mut Writer) -> Option<usize> {
    let dead = dead_owners(writer).ok()?;
    let mut recovered = 0;
    for owner in dead {
        let mut after = 0;
        loop {
            let batch = writer.transact(|steps| recover_some(steps, owner, &mut after))?;
            recovered += batch.recovered;
            if batch.looked_at < BATCH {
                break;
            }
        }
    }
    Some(recovered)
}

struct Batch {
    looked_at: usize,
    recovered: usize,
}

fn dead_owners(writer: &Writer) -> rusqlite::Result<Vec<OwnerId>> {
    const SQL: &str = "SELECT DISTINCT owner FROM executions WHERE state = 'STARTED'";
    let mut statement = writer.connection().prepare(SQL)?;
    let owners = statement.query_map([], |row| row.get::<_, String>(0))?.collect::<Result<Vec<_>, _>>()?;
    let is_dead = |owner: &OwnerId| {
        *owner != writer.owner().id && !writer.owner().locks.is_alive(*owner).unwrap_or(true)
    };
    Ok(owners.iter().filter_map(|owner| owner.parse().ok()).filter(is_dead).collect())
}

fn recover_some(steps: &mut Steps<'_>, owner: OwnerId, after: &mut i64) -> Result<Batch, Broken> {
    const SQL: &str = "SELECT id, key FROM executions WHERE state = 'STARTED' AND owner = ?1 AND id > ?2 \
         ORDER BY id LIMIT ?3";
    let found = {
        let mut statement = steps.connection.prepare_cached(SQL)?;
        let rows = statement
            .query_map(params![owner.to_string(), *after, BATCH], |row| Ok((row.get(0)?, row.get(1)?)))?;
        rows.collect::<rusqlite::Result<Vec<(i64, String)>>>()?
    };
    let mut batch = Batch { looked_at: found.len(), recovered: 0 };
    for (id, key) in found {
        *after = id;
        let Some(row) = rows::load(steps.connection, &key)? else { continue };
        if is_to_be_recorded(steps.owner, &row) {
            steps.orphan(&key, row)?;
            batch.recovered += 1;
        }
    }
    Ok(batch)
}

fn is_to_be_recorded(owner: &Owner, row: &rows::KeyRow) -> bool {
    !row.record.may_repeat && row.record.orphan().is_ok() && !owner.is_attempt_running(row.record.fence)
}

/// Retires finished records that ended before `before_ms`, oldest first.
pub(crate) fn retire_old(writer: &mut Writer, before_ms: i64) {
    let mut after = 0;
    while writer.transact(|steps| retire_some(steps, before_ms, &mut after)) == Some(true) {}
}

/// Retires what is old among the next records; whether there may be more. Rows stand about in the order in which they
/// began, so the first window that ends with a young one is the last.
fn retire_some(steps: &mut Steps<'_>, before_ms: i64, after: &mut i64) -> Result<bool, Broken> {
    const SQL: &str = "SELECT id, key, updated_at_ms < ?2 AND state IN ('SUCCEEDED', 'FAILED'), started_at_ms \
         FROM executions WHERE id > ?1 ORDER BY id LIMIT ?3";
    let found = {
        let mut statement = steps.connection.prepare_cached(SQL)?;
        let rows = statement.query_map(params![*after, before_ms, BATCH], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
        })?;
        rows.collect::<rusqlite::Result<Vec<(i64, String, bool, i64)>>>()?
    };
    let is_last = found.len() < BATCH || found.last().is_some_and(|(.., started)| *started >= before_ms);
    for (id, key, is_old, _) in found {
        *after = id;
        if is_old {
            retire(steps, id, &key)?;
        }
    }
    Ok(!is_last)
}

fn retire(steps: &mut Steps<'_>, id: i64, key: &str) -> Result<(), Broken> {
    let Some(row) = rows::load(steps.connection, key)?.filter(|row| row.record.may_expire()) else {
        return Ok(());
    };
    steps.append(Saying::of_key(EventKind::Expired, key, row.record.fence, body::expired()))?;
    let digest = Digest::of(key.as_bytes());
    for (sql, parameter) in [
        ("DELETE FROM attempts WHERE execution = ?1", &id as &dyn rusqlite::ToSql),
        ("DELETE FROM executions WHERE id = ?1", &id),
        ("INSERT OR IGNORE INTO tombstones (key_digest) VALUES (?1)", &digest.as_bytes().as_slice()),
    ] {
        steps.connection.prepare_cached(sql)?.execute([parameter])?;
    }
    Ok(())
}
