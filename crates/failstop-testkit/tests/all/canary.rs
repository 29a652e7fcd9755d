//! The canary is found in every form, and only where it is.

use failstop_testkit::canary::Canary;

const SECRET: &str = "hunter2/pass+word";

fn found(surface: &str) -> Option<&'static str> {
    Canary::of(SECRET).find(surface.as_bytes())
}

#[test]
fn inv_exe_5_a_secret_is_found_in_every_form() {
    for (surface, form) in [
        ("say hunter2/pass+word!", "raw"),
        ("68756e746572322f706173732b776f7264", "hex"),
        ("68756E746572322F706173732B776F7264", "hex"),
        ("?q=hunter2%2fpass%2bword&x", "url"),
        ("?q=hunter2/pass%2Bword&x", "url"),
        ("aHVudGVyMi9wYXNzK3dvcmQ=", "base64"),
        // Behind `user:` and `Bearer `, which shift the encoding.
        ("dXNlcjpodW50ZXIyL3Bhc3Mrd29yZA==", "base64"),
        ("QmVhcmVyIGh1bnRlcjIvcGFzcyt3b3Jk", "base64"),
    ] {
        assert_eq!(found(surface), Some(form), "{surface}");
    }
}

#[test]
fn a_secret_with_quotes_and_accents_is_found_in_json() {
    let canary = Canary::of("pa\"ss-wörd");
    assert_eq!(canary.find(br#"{"a":"pa\"ss-w\u00f6rd"}"#), Some("json"));
    assert_eq!(canary.find("{\"a\":\"pa\\\"ss-wörd\"}".as_bytes()), Some("json"));
}

#[test]
fn nothing_is_found_where_nothing_is() {
    assert_eq!(found("[REDACTED] hunter2 pass word, and some more text to search"), None);
    assert_eq!(found(""), None);
}

#[test]
fn canaries_of_different_seeds_differ() {
    let (one, two) = (Canary::new(1), Canary::new(2));
    assert_ne!(one, two);
    assert_eq!(one.find(two.secret().as_bytes()), None);
    assert_eq!(one, Canary::new(1));
}

#[test]
#[should_panic(expected = "the log gives a planted secret away (raw)")]
fn a_leak_fails_the_test_and_names_the_surface() {
    let canary = Canary::new(3);
    canary.assert_absent("the log", format!("oops {}", canary.secret()));
}
