//! What programs and HTTP targets say.

use decision_schema::json;
use failstop::executor::{Answer, http::retry_after_ms, read_answer};

use crate::respelled::respelled;

/// A moment of 1994, Unix milliseconds.
const NOW_MS: i64 = 784_111_777_000;

/// No later moment can be written in a header, Unix milliseconds.
const LAST_MS: u64 = 253_402_300_800_000;

/// An answer that counts names its effect, is the same in every spelling, and claims nothing else. A wish for a wait is
/// whole seconds, or within the years that a date can have. The header's lines are `Retry-After`, then `Date`.
pub fn check(bytes: &[u8]) {
    if let Some(answer) = read_answer(bytes) {
        answered(bytes, &answer);
    }
    if let Ok(text) = str::from_utf8(bytes) {
        let (wish, date) = text.split_once('\n').map_or((text, None), |(wish, date)| (wish, Some(date)));
        wished(wish, retry_after_ms(wish, date, NOW_MS));
    }
}

fn answered(bytes: &[u8], answer: &Answer) {
    let value = json::parse(bytes).expect("an answer is JSON");
    let effect = value.get("effect").and_then(json::Value::as_str);
    assert_eq!(effect, Some(answer.effect.as_str()), "an answer names its effect");
    assert!(!answer.broke && answer.error_type.is_none(), "and cannot say how it broke");
    let other = respelled(&value);
    if other.len() <= json::MAX_LINE_BYTES {
        assert_eq!(read_answer(other.as_bytes()).as_ref(), Some(answer), "spelling has no meaning");
    }
}

fn wished(wish: &str, wait_ms: Option<u64>) {
    let is_seconds = !wish.is_empty() && wish.bytes().all(|byte| byte.is_ascii_digit());
    match wait_ms {
        Some(_) if is_seconds => {}
        Some(wait_ms) => assert!(wait_ms <= LAST_MS && wish.ends_with(" GMT"), "a date is one of ours"),
        None => assert!(!is_seconds, "seconds are always a wish"),
    }
}
