//! Formats of credentials that are found by their look, and texts that look alike and are left alone.
//!
//! None of these is a real credential; they are put together here so that no scanner takes them for one.

use std::borrow::Cow;

use execution_orchestration_core::redaction::{Profile, REDACTED, Redactor};

const WORD: &str = "0aB1cD2eF3gH4iJ5kL6mN7oP8qR9sT0uV1wX2yZ3aB4cD5eF6gH7iJ8kL9mN0oP1qR2s";

fn word(len: usize) -> &'static str {
    &WORD[..len]
}

fn redact(text: &str) -> String {
    Redactor::new(Profile::Strict).redact_text(text).into_owned()
}

/// Tokens that are known by how they begin.
fn tokens() -> Vec<String> {
    let mut tokens: Vec<String> = [
        ("gh", "p_", 36),
        ("gh", "o_", 36),
        ("gh", "u_", 36),
        ("gh", "s_", 36),
        ("gh", "r_", 36),
        ("github", "_pat_", 60),
        ("gl", "pat-", 20),
        ("gl", "dt-", 20),
        ("gl", "rt-", 20),
        ("gl", "cbt-", 20),
        ("gl", "ptt-", 20),
        ("gl", "ft-", 20),
        ("gl", "imt-", 20),
        ("gl", "agent-", 50),
        ("gl", "soat-", 20),
        ("gl", "oas-", 40),
        ("xox", "b-", 40),
        ("xox", "p-", 40),
        ("xox", "a-", 40),
        ("xox", "r-", 40),
        ("xox", "s-", 40),
        ("xox", "e-", 40),
        ("xox", "c-", 40),
        ("xox", "d-", 40),
        ("xa", "pp-", 40),
        ("hooks.slack.com", "/services/", 44),
        ("sk", "_live_", 24),
        ("sk", "_test_", 24),
        ("rk", "_live_", 24),
        ("rk", "_test_", 24),
        ("wh", "sec_", 32),
        ("s", "k-", 48),
        ("s", "k-proj-", 60),
        ("s", "k-ant-api03-", 60),
        ("g", "sk_", 52),
        ("x", "ai-", 60),
        ("h", "f_", 34),
        ("np", "m_", 36),
        ("pypi", "-AgEIcHlwaS5vcmc", 60),
        ("dckr", "_pat_", 27),
        ("dop", "_v1_", 64),
        ("shp", "at_", 32),
        ("shp", "ss_", 32),
        ("S", "G.", 66),
        ("h", "vs.", 60),
        ("ATA", "TT3xFfGF0", 60),
        ("AI", "za", 35),
        ("GOC", "SPX-", 28),
        ("ya", "29.", 60),
    ]
    .iter()
    .map(|(one, two, len)| format!("{one}{two}{}", word(*len)))
    .collect();
    tokens.extend(["AKI", "ASI", "ABI", "ACC"].map(|one| format!("{one}AIOSFODNN7EXAMPLE0")));
    tokens.push(format!("{}{}", "abc8", format_args!("Q~{}", word(34))));
    tokens.push(format!("{}.{}.{}", "eyJhbGciOiJIUzI1NiJ9", "eyJzdWIiOiIxIn0", word(43)));
    tokens.push(format!("{}.{}.", "eyJhbGciOiJub25lIn0", "eyJzdWIiOiIxIn0"));
    tokens
}

#[test]
fn inv_exe_5_tokens_are_redacted_alone_and_in_a_sentence() {
    for token in tokens() {
        assert_eq!(redact(&token), REDACTED, "{token}");
        assert_eq!(redact(&format!("before {token}, after")), format!("before {REDACTED}, after"), "{token}");
        assert_eq!(redact(&format!("\"{token}\"")), format!("\"{REDACTED}\""), "{token}");
        assert!(!redact(&format!("next%3D{token}\\n{token}")).contains(&token), "{token}");
    }
}

#[test]
fn two_tokens_in_one_text_are_both_redacted() {
    let all = tokens().join(" ");
    assert_eq!(redact(&all), vec![REDACTED; tokens().len()].join(" "));
}

#[test]
fn a_private_key_is_redacted_as_a_whole_block() {
    for label in ["", "RSA ", "EC ", "OPENSSH ", "ENCRYPTED "] {
        let block =
            format!("-----BEGIN {label}PRIVATE KEY-----\nMIIB\nAAAA==\n-----END {label}PRIVATE KEY-----");
        assert_eq!(redact(&block), REDACTED);
        assert_eq!(redact(&format!("a\n{block}\nb")), format!("a\n{REDACTED}\nb"));
        assert_eq!(redact(&format!("{}\\n", block.replace('\n', "\\n"))), format!("{REDACTED}\\n"));
        let cut = &block[..block.len() - 20];
        assert_eq!(redact(cut), REDACTED);
    }
}

/// What is redacted of a text, and what stays.
const CARRIERS: [(&str, &str); 29] = [
    ("postgres://ada:hunter2@db.example/x", "postgres://ada:[REDACTED]@db.example/x"),
    ("see https://ada:p%40ss@example.com/a?b=c now", "see https://ada:[REDACTED]@example.com/a?b=c now"),
    ("redis://:hunter2@cache:6379/0", "redis://:[REDACTED]@cache:6379/0"),
    ("amqp://ada:p/w?x#y@mq/v", "amqp://ada:[REDACTED]@mq/v"),
    ("mysql://ada:p@ss@db/x", "mysql://ada:[REDACTED]@db/x"),
    ("https://0123456789abcdefghij@git.example/x", "https://[REDACTED]@git.example/x"),
    ("https://0123456789abcdefghij:@git.example/x", "https://[REDACTED]:@git.example/x"),
    ("Bearer 0aB1cD2eF3", "Bearer [REDACTED]"),
    ("bearer abc", "bearer [REDACTED]"),
    ("sent bearer mF_9.B5f-4.1JqM to it", "sent bearer [REDACTED] to it"),
    ("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==", "Basic [REDACTED]"),
    ("Authorization: Bearer abc def\nHost: x", "Authorization: [REDACTED]\nHost: x"),
    ("{\"Authorization\": \"Basic abc\", \"a\": 1}", "{\"Authorization\": \"[REDACTED]\", \"a\": 1}"),
    ("Proxy-Authorization: abc", "Proxy-Authorization: [REDACTED]"),
    ("password=hunter2", "password=[REDACTED]"),
    ("PASSWORD = hunter2 next", "PASSWORD = [REDACTED] next"),
    ("a?token=abc&x=1", "a?token=[REDACTED]&x=1"),
    ("db_password: 'hun ter2', x", "db_password: '[REDACTED]', x"),
    ("{\"api_key\":\"abc\",\"x\":1}", "{\"api_key\":\"[REDACTED]\",\"x\":1}"),
    (
        "{\\\"clientSecret\\\":\\\"a b\\\",\\\"x\\\":1}",
        "{\\\"clientSecret\\\":\\\"[REDACTED]\\\",\\\"x\\\":1}",
    ),
    ("password: hunter2, user: ada", "password: [REDACTED], user: ada"),
    ("password: swordfish", "password: [REDACTED]"),
    ("X-Api-Key: abc", "X-Api-Key: [REDACTED]"),
    ("AccountName=a;AccountKey=bG9uZw==;End=b", "AccountName=a;AccountKey=[REDACTED];End=b"),
    ("login --password hunter2 --user ada", "login --password [REDACTED] --user ada"),
    ("AWS_SECRET_ACCESS_KEY=abc/def+g", "AWS_SECRET_ACCESS_KEY=[REDACTED]"),
    ("u?key=0123456789abcdefg", "u?key=[REDACTED]"),
    ("u?sv=1&sig=0123456789abcdefghijk%3D&se=2", "u?sv=1&sig=[REDACTED]&se=2"),
    ("password=\"a\\\"b\" rest", "password=\"[REDACTED]\" rest"),
];

#[test]
fn inv_exe_5_only_the_credential_goes_and_what_carries_it_stays() {
    for (text, expected) in CARRIERS {
        assert_eq!(redact(text), expected, "{text}");
        assert_eq!(redact(expected), expected, "{text}");
    }
}

/// Texts that look alike and are no credentials.
const LOOK_ALIKES: [&str; 45] = [
    "",
    "monkey",
    "hello",
    "ünïcode ✓",
    "2f1e0d9c8b7a69584736251403f2e1d0c9b8a796",
    "123e4567-e89b-12d3-a456-426614174000",
    "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    "arn:aws:iam::123456789012:role/deploy",
    "AKIA",
    "ASIA and the Pacific",
    "https://example.com/a/b?c=d#e",
    "https://example.com:8443/u/ada@example.com",
    "http://[::1]:8080/x@y",
    "ssh://git@github.com/a/b.git",
    "git@github.com:a/b.git",
    "ada@example.com",
    "file:///etc/hosts",
    "10:30:00 @ noon",
    "a :// b:c@d",
    "the bearer of bad news",
    "bearer bonds are rare",
    "a basic introduction to it",
    "Basic plan",
    "basic training",
    "the key to success: patience, and more of it",
    "The secret: always test your code",
    "token: one of many words here",
    "monkey=banana",
    "turkey: sliced, keyboard=us",
    "cache key=user:42",
    "primary key = id",
    "author=ada",
    "authored-by: ada",
    "tokenizer=bpe",
    "password",
    "password=",
    "password: ",
    "forgot your password? ask again",
    "key",
    "risk-management-0123456789-plan",
    "task-0123456789abcdefghij",
    "eyJ",
    "eyJhbGciOiJIUzI1NiJ9",
    "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----",
    "-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----",
];

#[test]
fn texts_that_only_look_alike_are_left_alone_and_not_copied() {
    let redactor = Redactor::new(Profile::Strict);
    for text in LOOK_ALIKES {
        assert_eq!(redactor.redact_text(text), text);
        assert!(matches!(redactor.redact_text(text), Cow::Borrowed(_)), "{text}");
    }
}

#[test]
fn the_reference_profile_does_not_read_texts() {
    for text in tokens() {
        assert_eq!(Redactor::new(Profile::Reference).redact_text(&text), text);
    }
}
