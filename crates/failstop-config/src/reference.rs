//! The reference page of the configuration, made from the table of keys.

use std::fmt::Write as _;

use crate::keys::{self, Key, variable};

const HEAD: &str = "\
# Configuration

failstop reads one TOML file: the one that `--config` names, else the one that `FAILSTOP_CONFIG` names, else
`failstop.toml` in the current directory. Without any, the defaults below are in force, and since no executor is
configured every decision is denied (`no_executor`). Relative paths are relative to the file.

Every key can be overridden by the environment variable beside it. Strings stand there as they are, lists are separated
by commas or written as TOML, tables are written as TOML (`{ name = \"value\" }`). A key or a `FAILSTOP_` variable that
does not exist is an error. `failstop check` prints what is in force, `failstop check --schema` a JSON Schema.

`ACTION` stands for `HOLD`, `ACT`, `EXIT`, `CANCEL` or `STOP`. This page is generated: `UPDATE_DOCS=1 cargo test -p
failstop-config` rewrites it.
";

/// The page.
pub fn page() -> String {
    let mut page = HEAD.to_owned();
    let keys = keys::all();
    let mut section = "";
    for key in &keys {
        if key.section() != section {
            section = key.section();
            let _ = write!(
                page,
                "\n## `[{section}]`\n\n| key | holds | default | variable |\n|---|---|---|---|\n"
            );
        }
        row(&mut page, key);
    }
    page
}

fn row(page: &mut String, key: &Key) {
    let default = key.default.map_or("absent".to_owned(), |default| format!("`{default}`"));
    let only = if key.only.is_empty() { String::new() } else { format!(" (kind {})", key.only.join(", ")) };
    let (name, doc, expected, variable) = (key.name(), key.doc, key.kind.expected(), variable(&key.path));
    let _ = writeln!(
        page,
        "| `{name}` | {doc}{only} {expected} | {default} | `{variable}` |",
        expected = sentence(&expected)
    );
}

fn sentence(expected: &str) -> String {
    let mut chars = expected.chars();
    chars.next().map_or(String::new(), |first| first.to_uppercase().chain(chars).chain(['.']).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_is_in_step_with_the_keys() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/configuration.md");
        if std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::write(path, page()).unwrap();
        }
        let committed = std::fs::read_to_string(path).unwrap_or_default();
        assert!(
            committed == page(),
            "docs/configuration.md is out of step: UPDATE_DOCS=1 cargo test -p failstop-config"
        );
    }
}
