//! Which names speak of secrets.

use execution_orchestration_core::redaction::is_secret_key;
use proptest::prelude::*;

use super::speaks_of_a_secret;

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

proptest! {
    #[test]
    fn the_rule_is_that_of_the_reference(name in "[a-zA-Z_\\-\u{130}\u{212a}]{0,12}(toke|KE|Aut|-pri|credenti)?[nyhalv_\\-]{0,4}(ate|word)?") {
        prop_assert_eq!(is_secret_key(&name), speaks_of_a_secret(&name));
    }
}
