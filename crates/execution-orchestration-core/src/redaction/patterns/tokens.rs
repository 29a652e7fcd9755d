//! Credentials that are known by their own shape.

use core::ops::Range;

use super::{is_boundary, is_word, run, run_before, short_run};

/// The anchor and what follows it, if that is at least `min` characters.
pub(super) fn token(text: &[u8], at: Range<usize>, min: usize) -> Option<Range<usize>> {
    let len = run(text, at.end, is_word);
    (len >= min).then(|| at.start..at.end + len)
}

/// As [`token`], at the beginning of a word, and with a digit, which words of prose do not have.
pub(super) fn bound_token(text: &[u8], at: Range<usize>, min: usize) -> Option<Range<usize>> {
    let mut beginning = text[at.end..].iter().take(64).take_while(|byte| is_word(**byte));
    let has_digit = beginning.any(u8::is_ascii_digit);
    if has_digit && is_boundary(text, at.start) { token(text, at, min) } else { None }
}

/// As [`token`], with dots and slashes in it.
pub(super) fn dotted(text: &[u8], at: Range<usize>, min: usize) -> Option<Range<usize>> {
    let len = run(text, at.end, |byte| is_word(byte) || matches!(byte, b'.' | b'/'));
    (len >= min).then(|| at.start..at.end + len)
}

/// The fewest bytes of a header.
const JWT_HEADER: usize = 10;
/// A header, a dot and the beginning of an object.
pub(super) const SHORTEST_JWT: usize = JWT_HEADER + 1 + 3;

/// A JSON web token (RFC 7519): two to five parts of base64url with dots between them. The first is an object, so it
/// begins with `eyJ`; a second that stands last is one too.
pub(super) fn jwt(text: &[u8], start: usize) -> Option<Range<usize>> {
    let header = short_run(text, start, is_word);
    let second = start + header + 1;
    if header < JWT_HEADER || text.get(second - 1) != Some(&b'.') || !is_boundary(text, start) {
        return None;
    }
    let parts = run(text, second, |byte| is_word(byte) || byte == b'.');
    let rest = &text[second..second + parts];
    (rest.starts_with(b"eyJ") || rest.contains(&b'.') && rest.len() > 10).then(|| start..second + parts)
}

/// The PEM block (RFC 7468) of a private key, to the end of the text if its own end is missing.
pub(super) fn pem(text: &[u8], at: Range<usize>) -> Option<Range<usize>> {
    const LABEL: usize = 64;
    let label = &text[at.end..text.len().min(at.end + LABEL)];
    let label = &label[..find(label, b"-----")?];
    find(label, b"PRIVATE KEY")?;
    let body = at.end + label.len() + 5;
    let end = find(&text[body..], b"-----END ").map_or(text.len(), |footer| {
        let label = body + footer + 9;
        find(&text[label..text.len().min(label + LABEL)], b"-----")
            .map_or(text.len(), |dashes| label + dashes + 5)
    });
    Some(at.start..end)
}

fn find(text: &[u8], part: &[u8]) -> Option<usize> {
    memchr::memmem::find(text, part)
}

/// The fewest bytes before the anchor, of it, and after it.
pub(super) const SHORTEST_AZURE_CLIENT: usize = 3 + 3 + 31;

/// An Azure client secret: three characters, the anchor, and 31 to 34 more.
pub(super) fn azure_client(text: &[u8], at: Range<usize>) -> Option<Range<usize>> {
    let belongs = |byte| is_word(byte) || matches!(byte, b'.' | b'~');
    let (before, after) = (run_before(text, at.start, 3, belongs), run(text, at.end, belongs));
    (before == 3 && after >= 31).then(|| at.start - 3..at.end + after)
}

/// The signature of a shared access URL: base64, percent-encoded.
pub(super) fn signature(text: &[u8], at: Range<usize>) -> Option<Range<usize>> {
    if !is_boundary(text, at.start) {
        return None;
    }
    let len = run(text, at.end, |byte| is_word(byte) || matches!(byte, b'%' | b'+' | b'/' | b'='));
    (len >= 20).then(|| at.end..at.end + len)
}
