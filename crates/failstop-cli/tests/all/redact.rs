//! `failstop redact`.

use crate::shop::Shop;

fn redact(args: &[&str], input: &str) -> (i32, String, String) {
    let said = Shop::bare().run(&[&["redact"], args].concat(), input);
    (said.code, said.stdout, said.stderr)
}

#[test]
fn lines_are_redacted_one_by_one_and_bad_ones_are_left_out() {
    let (code, stdout, stderr) =
        redact(&[], "{\"user\":\"ada\",\"password\":\"hunter22\"}\nhunter22\n{\"n\":1}\n");
    assert_eq!(stdout, "{\"user\":\"ada\",\"password\":\"[REDACTED]\"}\n{\"n\":1}\n");
    assert_eq!(
        (code, stderr.as_str()),
        (1, "failstop: line 2: expected a JSON value (at byte 0) (json_expected_value)\n")
    );
}

#[test]
fn a_document_over_several_lines_is_one_document_unless_lines_are_asked_for() {
    let document = "{\n  \"token\": \"abc\",\n  \"n\": 1\n}\n";
    assert_eq!(redact(&[], document), (0, "{\"token\":\"[REDACTED]\",\"n\":1}\n".to_owned(), String::new()));
    assert_eq!(redact(&["--jsonl"], document).0, 1);
}

#[test]
fn profiles_differ_under_a_secret_name() {
    let document = "{\"auth\":{\"user\":\"ada\"}}";
    assert_eq!(redact(&["--profile", "strict"], document).1, "{\"auth\":{\"user\":\"[REDACTED]\"}}\n");
    assert_eq!(redact(&["--profile", "reference"], document).1, "{\"auth\":{\"user\":\"ada\"}}\n");
}
