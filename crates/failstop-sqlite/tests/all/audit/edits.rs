//! Every column of every row of every table is held, whatever columns and tables there will be.

use failstop_sqlite::audit::FindingKind;
use rusqlite::Connection;

use super::fixture::{Copy, Fixture, codes};

/// A column as SQLite describes it.
struct Column {
    table: String,
    name: String,
    kind: String,
    is_key: bool,
    is_nullable: bool,
}

fn tables(connection: &Connection) -> Vec<String> {
    let mut statement =
        connection.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name").unwrap();
    statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

fn columns(connection: &Connection, table: &str) -> Vec<Column> {
    let mut statement = connection.prepare(&format!("PRAGMA table_info({table})")).unwrap();
    let column = |row: &rusqlite::Row<'_>| {
        Ok(Column {
            table: table.to_owned(),
            name: row.get("name")?,
            kind: row.get("type")?,
            is_key: row.get::<_, i64>("pk")? > 0,
            is_nullable: !row.get::<_, bool>("notnull")? && row.get::<_, i64>("pk")? == 0,
        })
    };
    statement.query_map([], column).unwrap().map(Result::unwrap).collect()
}

/// What makes the nth row of a table known: its primary key, or its place.
fn nth_row(connection: &Connection, table: &str, n: usize) -> String {
    let sql = "SELECT coalesce(group_concat(name), '') FROM pragma_table_info(?1) WHERE pk > 0";
    let key: String = connection.query_row(sql, [table], |row| row.get(0)).unwrap();
    let key = if key.is_empty() { "rowid".to_owned() } else { key };
    format!("({key}) = (SELECT {key} FROM {table} ORDER BY {key} LIMIT 1 OFFSET {n})")
}

fn count(connection: &Connection, table: &str) -> usize {
    connection.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).unwrap()
}

/// Other values for a column, as SQL.
fn changes(column: &Column) -> Vec<String> {
    let name = &column.name;
    let mut changes = match column.kind.as_str() {
        // Keys that are taken are stepped over.
        "INTEGER" if column.is_key => vec![format!("{name} + 1000000")],
        "INTEGER" => vec![format!("coalesce({name}, 0) + 1")],
        "TEXT" => vec![format!("coalesce({name}, '') || 'x'")],
        "BLOB" => vec!["randomblob(32)".to_owned(), "zeroblob(31)".to_owned()],
        other => panic!("a column of type {other} has to be edited too"),
    };
    if column.is_nullable {
        changes.push("NULL".to_owned());
    }
    changes
}

#[tokio::test]
async fn an_edit_of_any_column_of_any_row_is_found() {
    let fixture = Fixture::written().await;
    assert_eq!(codes(&fixture.copy().verify()), [""; 0]);
    let untouched = fixture.copy();
    let pristine = untouched.connection();
    let mut edits = 0;
    for table in tables(&pristine) {
        assert!(count(&pristine, &table) > 0, "{table} has rows to edit");
        for column in columns(&pristine, &table) {
            for n in 0..count(&pristine, &table) {
                for change in changes(&column) {
                    edits += usize::from(is_found(&fixture, &column, n, &change));
                }
            }
        }
    }
    assert!(edits > 500, "only {edits} edits were possible");
}

/// Makes one edit; whether it changed anything.
fn is_found(fixture: &Fixture, column: &Column, n: usize, change: &str) -> bool {
    let copy = fixture.copy();
    let connection = copy.connection();
    let Column { table, name, .. } = column;
    let row = nth_row(&connection, table, n);
    let edit = format!("UPDATE {table} SET {name} = {change} WHERE {row} AND {name} IS NOT {change}");
    // What is NULL already cannot become so.
    let is_edited = connection.execute(&edit, []).unwrap() == 1;
    drop(connection);
    if is_edited {
        let found = copy.verify();
        assert!(!found.is_clean(), "{table}.{name} of row {n} = {change}");
        // An execution's id is only what its attempts stand under.
        if table != "events" && (table.as_str(), name.as_str()) != ("executions", "id") {
            let names_the_table = found.findings.iter().any(|finding| match &finding.kind {
                FindingKind::Column { table: found, .. }
                | FindingKind::RowExtra { table: found }
                | FindingKind::RowMissing { table: found } => found == table,
                _ => false,
            });
            assert!(names_the_table, "{table}.{name}: {:?}", codes(&found));
        }
    }
    is_edited
}

#[tokio::test]
async fn an_edited_projection_is_named_by_table_key_and_column() {
    let fixture = Fixture::written().await;
    let copy = fixture.copy();
    copy.execute("UPDATE executions SET state = 'SUCCEEDED' WHERE key = 'doubtful'");
    copy.execute("UPDATE gate SET level = 'run' WHERE scope = 'action:HOLD'");
    let report = copy.verify();
    let named = |finding: &failstop_sqlite::audit::Finding| {
        (finding.kind.to_string(), finding.key.clone().unwrap_or_default())
    };
    assert_eq!(
        report.findings.iter().map(named).collect::<Vec<_>>(),
        [
            ("gate.level does not follow from the events".to_owned(), "action:HOLD".to_owned()),
            ("executions.state does not follow from the events".to_owned(), "doubtful".to_owned()),
        ]
    );
}

#[tokio::test]
async fn a_row_that_is_deleted_from_any_table_is_found() {
    let fixture = Fixture::written().await;
    let untouched = fixture.copy();
    let pristine = untouched.connection();
    for table in tables(&pristine) {
        // The end of the chain, and copies of how far it had come, can be missing without a trace in the file.
        let deletable = match table.as_str() {
            "checkpoints" => 0,
            "events" => count(&pristine, &table) - 1,
            _ => count(&pristine, &table),
        };
        for n in 0..deletable {
            let copy = fixture.copy();
            let row = nth_row(&copy.connection(), &table, n);
            assert_eq!(copy.execute(&format!("DELETE FROM {table} WHERE {row}")), 1);
            assert!(!copy.verify().is_clean(), "row {n} of {table}");
        }
    }
}

#[tokio::test]
async fn a_row_too_many_in_any_table_is_found() {
    let fixture = Fixture::written().await;
    let insertions = [
        "INSERT INTO ledger VALUES ('another', 1)",
        "INSERT INTO events SELECT seq + 100, at_ms, kind, key, fence, gate_epoch, body, hash FROM events \
            ORDER BY seq LIMIT 1 OFFSET 1",
        "INSERT INTO executions SELECT id + 100, key || 'x', state, action, fingerprint, fence, attempts, owner, \
            may_have_effect, may_repeat, resolution, execution_id, outcome, reason_code, started_at_ms, \
            updated_at_ms, last_event FROM executions LIMIT 1",
        "INSERT INTO attempts SELECT execution, number + 7, fence, effect, stopped, error_type, error_code, \
            started_at_ms, latency_ms FROM attempts LIMIT 1",
        "INSERT INTO attempts SELECT execution + 100, number, fence, effect, stopped, error_type, error_code, \
            started_at_ms, latency_ms FROM attempts LIMIT 1",
        "INSERT INTO gate VALUES ('tenant:a', 'stop', 1, '', 1)",
        "INSERT INTO checkpoints VALUES (3, zeroblob(32), 1)",
        "INSERT INTO checkpoints VALUES (1000, zeroblob(32), 1)",
        "INSERT INTO tombstones VALUES (zeroblob(32))",
    ];
    for insertion in insertions {
        let copy = fixture.copy();
        copy.execute(insertion);
        assert!(!copy.verify().is_clean(), "{insertion}");
    }
}

#[tokio::test]
async fn tables_that_failstop_does_not_make_are_found() {
    let fixture = Fixture::written().await;
    for change in [
        "ALTER TABLE events ADD COLUMN note TEXT",
        "CREATE TABLE more (id INTEGER) STRICT",
        "DROP INDEX unfinished",
        "CREATE TRIGGER quiet AFTER INSERT ON events BEGIN DELETE FROM events WHERE kind = 'gate'; END",
    ] {
        let copy = fixture.copy();
        copy.execute(change);
        assert!(codes(&copy.verify()).contains(&"audit_schema"), "{change}");
    }
}

/// Runs `sql` on tables whose index of unfinished keys SQLite does not know of meanwhile, and so does not keep.
fn without_index(copy: &Copy, sql: &str) {
    let connection = copy.connection();
    let saved = "SELECT rootpage, sql FROM sqlite_schema WHERE name = 'unfinished'";
    let index: (i64, String) = connection.query_row(saved, [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    connection.pragma_update(None, "writable_schema", true).unwrap();
    connection.execute("DELETE FROM sqlite_schema WHERE name = 'unfinished'", []).unwrap();
    drop(connection);
    assert_eq!(copy.execute(sql), 1);
    let connection = copy.connection();
    connection.pragma_update(None, "writable_schema", true).unwrap();
    let restore = "INSERT INTO sqlite_schema VALUES ('index', 'unfinished', 'executions', ?1, ?2)";
    connection.execute(restore, rusqlite::params![index.0, index.1]).unwrap();
}

#[tokio::test]
async fn a_key_that_is_hidden_from_an_index_is_found() {
    let fixture = Fixture::written().await;
    let copy = fixture.copy();
    copy.execute("UPDATE executions SET state = 'SUCCEEDED' WHERE key = 'doubtful'");
    without_index(&copy, "UPDATE executions SET state = 'IN_DOUBT' WHERE key = 'doubtful'");
    assert_eq!(codes(&copy.verify()), ["audit_integrity"], "every row is as it should be");
}
