//! The tables, and how a file comes to have them. Everything but `events` can be rebuilt from `events`.

/// `failstop` in four bytes (`PRAGMA application_id`), so that no other database is taken for a ledger.
pub(crate) const APPLICATION_ID: i32 = 0x6661_696c;

/// The newest layout this version knows (`PRAGMA user_version`). Older ones are migrated, newer ones refused.
pub(crate) const VERSION: i32 = 1;

/// One step for each version, from an empty file to [`VERSION`]; each runs in one transaction with its new version.
pub(crate) const MIGRATIONS: [&str; VERSION as usize] = [V1];

const V1: &str = "
-- One row: which ledger this is.
CREATE TABLE ledger (
    id            TEXT NOT NULL,
    created_at_ms INTEGER NOT NULL
) STRICT;

-- The audit chain; all other tables follow from it. hash = SHA-256('failstop.event/1' || hash of the row before
-- || canonical JSON of the other columns). body is canonical JSON; where it has a report, that is what a replay shows.
CREATE TABLE events (
    seq        INTEGER PRIMARY KEY,
    at_ms      INTEGER NOT NULL,
    kind       TEXT NOT NULL,
    key        TEXT,
    fence      INTEGER,
    gate_epoch INTEGER,
    body       TEXT NOT NULL,
    hash       BLOB NOT NULL
) STRICT;

-- One row a key. fence is the seq of the event of its last start, last_event that of the event with its report.
CREATE TABLE executions (
    id              INTEGER PRIMARY KEY,
    key             TEXT NOT NULL UNIQUE,
    state           TEXT NOT NULL,
    action          TEXT,
    fingerprint     BLOB NOT NULL,
    fence           INTEGER NOT NULL,
    attempts        INTEGER NOT NULL,
    owner           TEXT NOT NULL,
    may_have_effect INTEGER NOT NULL,
    may_repeat      INTEGER NOT NULL,
    resolution      TEXT,
    execution_id    TEXT NOT NULL,
    outcome         TEXT NOT NULL,
    reason_code     TEXT,
    started_at_ms   INTEGER NOT NULL,
    updated_at_ms   INTEGER NOT NULL,
    last_event      INTEGER NOT NULL
) STRICT;
-- Not as a list: every update would make temporary tables of it, and a query for one state would not find the index.
CREATE INDEX unfinished ON executions (state) WHERE state = 'STARTED' OR state = 'OPEN' OR state = 'IN_DOUBT';

-- One row a call of an executor.
CREATE TABLE attempts (
    execution     INTEGER NOT NULL,
    number        INTEGER NOT NULL,
    fence         INTEGER NOT NULL,
    effect        TEXT NOT NULL,
    stopped       TEXT,
    error_type    TEXT,
    error_code    TEXT,
    started_at_ms INTEGER NOT NULL,
    latency_ms    INTEGER NOT NULL,
    PRIMARY KEY (execution, number)
) STRICT, WITHOUT ROWID;

-- What the gate's file said when it was last looked at in a start step.
CREATE TABLE gate (
    scope  TEXT PRIMARY KEY,
    level  TEXT NOT NULL,
    epoch  INTEGER NOT NULL,
    reason TEXT NOT NULL,
    at_ms  INTEGER NOT NULL
) STRICT;

-- How far the chain had come; worth something where a copy is kept elsewhere.
CREATE TABLE checkpoints (
    seq   INTEGER PRIMARY KEY,
    head  BLOB NOT NULL,
    at_ms INTEGER NOT NULL
) STRICT;

-- SHA-256 of the keys of retired records.
CREATE TABLE tombstones (
    key_digest BLOB PRIMARY KEY
) STRICT, WITHOUT ROWID;
";
