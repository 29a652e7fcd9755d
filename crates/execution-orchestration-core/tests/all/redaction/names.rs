//! Which names speak of secrets.

use decision_schema::{Object, Value};
use execution_orchestration_core::redaction::is_secret_key;
use proptest::prelude::*;

use super::{reference, speaks_of_a_secret, strict};

#[test]
fn names_are_compared_without_case_and_signs() {
    for name in [
        "password",
        "PassWord",
        "API-KEY",
        "to_ken",
        "t-o-k-e-n",
        "Authorization",
        "author",
        "monkey",
        "tokens_used",
        "clientSecret",
        "aws_CREDENTIALs",
        "private",
        "PRIV_ate",
        "\u{212a}EY",
        "k\u{c9}_key",
        "s\u{17f}_secret",
    ] {
        assert!(is_secret_key(name), "{name}");
    }
    for name in [
        "",
        "_",
        "user",
        "count",
        "normal_field",
        "pass word",
        "ke.y",
        "\u{43a}ey",
        "tok",
        "sec-ret ",
        "passwd",
    ] {
        assert_eq!(is_secret_key(name), name == "sec-ret ", "{name}");
    }
}

#[test]
fn long_names_are_read_to_their_end() {
    for len in 50..80 {
        assert!(is_secret_key(&format!("{}token", "x".repeat(len))), "{len}");
        assert!(!is_secret_key(&"x".repeat(len)), "{len}");
        assert!(is_secret_key(&format!("{}to-ken", "_".repeat(len))), "{len}");
    }
}

#[test]
fn names_that_only_have_the_letters_of_a_pattern_are_plain() {
    for name in ["drowssap", "terces", "nekot", "yek", "huat", "laitnederc", "etavirp", "the_keystroke"] {
        assert_eq!(is_secret_key(name), name == "the_keystroke", "{name}");
    }
}

#[test]
fn one_telling_name_among_plain_ones_is_found_wherever_it_stands() {
    for at in 0..5 {
        let name = |member: usize| if member == at { "To-KEn".to_owned() } else { format!("note_{member}") };
        let value = Value::from((0..5).map(|member| (name(member), "x")).collect::<Object>());
        for redacted in [reference(&value), strict(&value)] {
            let is_redacted = |member| redacted.get(&name(member)) != Some(&Value::from("x"));
            assert!((0..5).all(|member| is_redacted(member) == (member == at)), "{at}");
        }
    }
}

/// Pieces of the patterns, what is dropped between them, and characters that are other ones in lower case.
const PIECES: [&str; 34] = [
    "password",
    "pass",
    "WORD",
    "secret",
    "sec",
    "ReT",
    "token",
    "To",
    "kEN",
    "key",
    "k",
    "ey",
    "auth",
    "AU",
    "tH",
    "credential",
    "CRED",
    "ential",
    "private",
    "pri",
    "vate",
    "-",
    "_",
    "--__",
    " ",
    ".",
    "\u{212a}",
    "\u{130}",
    "\u{17f}",
    "\u{43a}",
    "é",
    "\u{1f511}",
    "\0",
    "x",
];

fn name() -> impl Strategy<Value = String> {
    let pieces = || proptest::collection::vec(proptest::sample::select(&PIECES[..]), 0..12);
    prop_oneof![
        4 => pieces().prop_map(|pieces| pieces.concat()),
        2 => "[a-zA-Z_-]{0,80}",
        1 => (any::<String>(), pieces()).prop_map(|(any, pieces)| any + &pieces.concat()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    #[test]
    fn no_name_is_told_otherwise_than_by_the_reference(name in name()) {
        prop_assert_eq!(is_secret_key(&name), speaks_of_a_secret(&name));
    }
}

proptest! {
    #[test]
    fn the_rule_is_that_of_the_reference(name in "[a-zA-Z_\\-\u{130}\u{212a}]{0,12}(toke|KE|Aut|-pri|credenti)?[nyhalv_\\-]{0,4}(ate|word)?") {
        prop_assert_eq!(is_secret_key(&name), speaks_of_a_secret(&name));
    }
}
