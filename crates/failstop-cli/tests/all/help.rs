//! Help, version, completions and man pages.

use crate::shop::Shop;

const COMMANDS: [&str; 15] = [
    "run",
    "plan",
    "check",
    "status",
    "list",
    "show",
    "resolve",
    "audit",
    "audit verify",
    "audit export",
    "audit checkpoint",
    "redact",
    "explain",
    "completions",
    "man",
];

fn help_of(command: &str) -> String {
    let args: Vec<&str> = command.split(' ').chain(["--help"]).collect();
    Shop::bare().run(&args, "").stdout
}

#[test]
fn help_is_what_it_was() {
    let shop = Shop::bare();
    let mut all = shop.run(&["--help"], "").stdout;
    for command in COMMANDS {
        let help = help_of(command);
        all.extend(["\n-- failstop ", command, " --help\n", &help]);
    }
    insta::assert_snapshot!(all);
}

#[test]
fn every_command_shows_examples() {
    for command in COMMANDS {
        let help = help_of(command);
        assert!(help.contains("Examples:\n  ") && help.contains(&format!("failstop {command}")), "{command}");
    }
}

#[test]
fn version_completions_and_man_pages_are_printed() {
    let shop = Shop::bare();
    assert!(shop.run(&["--version"], "").stdout.starts_with("failstop "));
    assert!(shop.run(&["completions", "bash"], "").stdout.contains("--max-concurrency"));
    assert!(shop.run(&["man"], "").stdout.contains(".TH failstop"));
    assert_eq!(shop.run(&["man", "--out", "."], "").code, 0);
    assert!(shop.read("failstop-run.1").contains("max\\-concurrency"));
}
