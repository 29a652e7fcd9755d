//! Which names speak of secrets.

use alloc::string::String;

use super::glance::Glance;

/// A name speaks of a secret if, in lower case and without `-` and `_`, it contains one of these.
///
/// The reference lists `api_key` too, which `key` covers.
pub const REDACT_PATTERNS: [&str; 7] =
    ["password", "secret", "token", "key", "auth", "credential", "private"];

/// Names up to this long are looked at without an allocation.
const SHORT: usize = 64;

/// Whether `key` speaks of a secret by the reference's rule, which errs on the side of yes: `monkey` does.
pub fn is_secret_key(key: &str) -> bool {
    Glance::at(key.as_bytes()).may_speak() && speaks_of_a_secret(key)
}

fn speaks_of_a_secret(key: &str) -> bool {
    if key.is_ascii() && key.len() <= SHORT {
        let mut folded = [0; SHORT];
        let len = fold_ascii(key.as_bytes(), &mut folded);
        has_pattern(&folded[..len])
    } else {
        let is_kept = |c: &char| !matches!(c, '-' | '_');
        let folded: String = key.chars().flat_map(char::to_lowercase).filter(is_kept).collect();
        has_pattern(folded.as_bytes())
    }
}

/// Writes `key` in lower case and without `-` and `_` to `folded`, and returns how long it is there.
fn fold_ascii(key: &[u8], folded: &mut [u8; SHORT]) -> usize {
    let mut len = 0;
    for (byte, slot) in key.iter().filter(|byte| !matches!(byte, b'-' | b'_')).zip(folded) {
        *slot = byte.to_ascii_lowercase();
        len += 1;
    }
    len
}

fn has_pattern(folded: &[u8]) -> bool {
    folded.iter().enumerate().any(|(at, first)| match first {
        b'a' => folded[at..].starts_with(b"auth"),
        b'c' => folded[at..].starts_with(b"credential"),
        b'k' => folded[at..].starts_with(b"key"),
        b'p' => folded[at..].starts_with(b"password") || folded[at..].starts_with(b"private"),
        b's' => folded[at..].starts_with(b"secret"),
        b't' => folded[at..].starts_with(b"token"),
        _ => false,
    })
}
