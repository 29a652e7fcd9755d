//! Credentials that are known by what carries them: URLs and authorization headers.

use core::ops::Range;

use super::{super::encodings::decode_base64, is_boundary, run, short_run};

/// A user name this long, alone before an `@`, is a token.
const LONG_USER: usize = 20;

/// The password of `scheme://user:password@host`, or a long user name alone. `at` is the `://`.
///
/// A password may hold characters that should have been escaped, so what follows is read as an authority first, and
/// then, unless a port stands there, as far as there is an `@`.
pub(super) fn url(text: &[u8], at: Range<usize>) -> Option<Range<usize>> {
    if at.start == 0 || !text[at.start - 1].is_ascii_alphanumeric() {
        return None;
    }
    let authority = &text[at.end..at.end + short_run(text, at.end, is_in_authority)];
    let secret = match memchr::memrchr(b'@', authority) {
        Some(host) => in_user_info(&authority[..host])?,
        None => in_broken_authority(&text[at.end..], authority)?,
    };
    Some(at.end + secret.start..at.end + secret.end)
}

const fn is_in_authority(byte: u8) -> bool {
    is_in_url(byte) && !matches!(byte, b'/' | b'?' | b'#')
}

const fn is_in_url(byte: u8) -> bool {
    !byte.is_ascii_whitespace()
        && !byte.is_ascii_control()
        && !matches!(byte, b'"' | b'\'' | b'<' | b'>' | b'`')
}

fn in_user_info(user_info: &[u8]) -> Option<Range<usize>> {
    match memchr::memchr(b':', user_info) {
        Some(colon) if colon + 1 < user_info.len() => Some(colon + 1..user_info.len()),
        Some(colon) => (colon >= LONG_USER).then_some(0..colon),
        None => (user_info.len() >= LONG_USER).then_some(0..user_info.len()),
    }
}

fn in_broken_authority(rest: &[u8], authority: &[u8]) -> Option<Range<usize>> {
    let password = memchr::memchr(b':', authority)? + 1;
    let is_port = authority[password..].iter().all(u8::is_ascii_digit);
    if is_port || authority.starts_with(b"[") {
        return None;
    }
    let host = memchr::memrchr(b'@', &rest[..short_run(rest, 0, is_in_url)])?;
    Some(password..host)
}

/// The token of `Bearer TOKEN` (RFC 6750), if it looks like one or the text is nothing else.
pub(super) fn bearer(text: &[u8], at: Range<usize>) -> Option<Range<usize>> {
    let token = credentials(text, &at)?;
    let is_whole = at.start == 0 && token.end == text.len();
    (is_whole || is_odd(&text[token.clone()])).then_some(token)
}

/// The credentials of `Basic BASE64` (RFC 7617), if they are a user name, a colon and a password.
pub(super) fn basic(text: &[u8], at: Range<usize>) -> Option<Range<usize>> {
    let token = credentials(text, &at)?;
    let decoded = decode_base64(core::str::from_utf8(&text[token.clone()]).ok()?)?;
    let is_pair = decoded.contains(&b':') && !decoded.iter().any(u8::is_ascii_control);
    (is_pair && core::str::from_utf8(&decoded).is_ok()).then_some(token)
}

/// The `token68` (RFC 9110, 11.2) after the scheme at `at`.
fn credentials(text: &[u8], at: &Range<usize>) -> Option<Range<usize>> {
    let start = at.end + short_run(text, at.end, |byte| byte == b' ');
    let is_token68 = |byte: u8| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'+' | b'/' | b'=')
    };
    let len = run(text, start, is_token68);
    (len > 0 && is_boundary(text, at.start)).then_some(start..start + len)
}

/// Whether `token` is no word of prose: it has a digit, a sign or mixed case, or is longer than words are.
fn is_odd(token: &[u8]) -> bool {
    let has_sign =
        token.iter().any(|byte| byte.is_ascii_digit() || matches!(byte, b'_' | b'~' | b'+' | b'='));
    let is_mixed = token[1..].iter().any(u8::is_ascii_uppercase) && token.iter().any(u8::is_ascii_lowercase);
    token.len() >= 24 || token.len() >= 6 && (has_sign || is_mixed)
}
