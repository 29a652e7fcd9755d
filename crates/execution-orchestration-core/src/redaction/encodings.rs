//! How a secret may look when it comes back, and how to look through the ways in which a text may be escaped.

use alloc::{string::String, vec::Vec};

const STANDARD: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const URL_SAFE: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// The encodings of `secret` that are looked for: itself, hexadecimal in both cases, and base64 in both alphabets at
/// each of the three positions that it may have inside something longer. Padding need not be looked for: a match is
/// what is certain of the encoding, and padding is no secret.
pub(super) fn forms_of(secret: &str) -> Vec<Vec<u8>> {
    let bytes = secret.as_bytes();
    let mut forms =
        Vec::from([bytes.to_vec(), hex(bytes, b"0123456789abcdef"), hex(bytes, b"0123456789ABCDEF")]);
    for alphabet in [STANDARD, URL_SAFE] {
        forms.extend((0..3).map(|offset| base64_inside(bytes, offset, alphabet)));
    }
    forms.sort_unstable();
    forms.dedup();
    forms
}

fn hex(bytes: &[u8], digits: &[u8; 16]) -> Vec<u8> {
    bytes.iter().flat_map(|byte| [digits[usize::from(byte >> 4)], digits[usize::from(byte & 15)]]).collect()
}

/// The characters of base64 that depend on `bytes` alone when `offset` (0 to 2) other bytes stand before them in the
/// first group, and anything after them.
fn base64_inside(bytes: &[u8], offset: usize, alphabet: &[u8; 64]) -> Vec<u8> {
    let bit = |at: usize| {
        let byte = at / 8;
        u8::from(byte >= offset && bytes[byte - offset] >> (7 - at % 8) & 1 == 1)
    };
    let (first, end) = ((offset * 8).div_ceil(6), (offset + bytes.len()) * 8 / 6);
    let sextet = |at: usize| (at * 6..at * 6 + 6).fold(0, |sextet, at| sextet << 1 | bit(at));
    (first..end).map(|at| alphabet[usize::from(sextet(at))]).collect()
}

/// The bytes that `text` encodes in base64 of either alphabet, padded or not; `None` if it is no base64.
pub(super) fn decode_base64(text: &str) -> Option<Vec<u8>> {
    let digits = text.trim_end_matches('=');
    let mut bytes = Vec::with_capacity(digits.len() * 3 / 4);
    let (mut bits, mut held) = (0_u32, 0);
    for digit in digits.bytes() {
        bits = bits << 6 | u32::from(sextet_of(digit)?);
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push((bits >> held & 0xff) as u8);
        }
    }
    Some(bytes)
}

const fn sextet_of(digit: u8) -> Option<u8> {
    match digit {
        b'A'..=b'Z' => Some(digit - b'A'),
        b'a'..=b'z' => Some(digit - b'a' + 26),
        b'0'..=b'9' => Some(digit - b'0' + 52),
        b'+' | b'-' => Some(62),
        b'/' | b'_' => Some(63),
        _ => None,
    }
}

/// A text with its escapes undone, and where in the text each byte came from.
pub(super) struct View {
    pub(super) bytes: Vec<u8>,
    /// One more than there are bytes: the last is the length of the text.
    pub(super) origins: Vec<usize>,
}

impl View {
    /// `text` with what `unescape` recognises at a position replaced by what it says, and all else as it is.
    /// `unescape` returns the bytes meant and how many are used up.
    fn new(text: &str, unescape: impl Fn(&[u8]) -> Option<(Meant, usize)>) -> Self {
        let source = text.as_bytes();
        let mut view =
            Self { bytes: Vec::with_capacity(source.len()), origins: Vec::with_capacity(source.len() + 1) };
        let mut at = 0;
        while at < source.len() {
            let (meant, used) = unescape(&source[at..]).unwrap_or((Meant::Byte(source[at]), 1));
            meant.push_to(&mut view.bytes);
            view.origins.resize(view.bytes.len(), at);
            at += used;
        }
        view.origins.push(source.len());
        view
    }

    /// `text` with `%XX` undone, and `+` too if `plus_is_space`.
    pub(super) fn without_percent(text: &str, plus_is_space: bool) -> Self {
        Self::new(text, |rest| match rest {
            [b'%', high, low, ..] => Some((Meant::Byte(hex_value(*high)? << 4 | hex_value(*low)?), 3)),
            [b'+', ..] if plus_is_space => Some((Meant::Byte(b' '), 1)),
            _ => None,
        })
    }

    /// `text` with the escapes of JSON strings undone.
    pub(super) fn without_json_escapes(text: &str) -> Self {
        Self::new(text, |rest| match rest {
            [b'\\', b'u', ..] => unicode_escape(rest),
            [b'\\', escape, ..] => Some((Meant::Byte(simple_escape(*escape)?), 2)),
            _ => None,
        })
    }
}

enum Meant {
    Byte(u8),
    Char(char),
}

impl Meant {
    fn push_to(self, bytes: &mut Vec<u8>) {
        match self {
            Self::Byte(byte) => bytes.push(byte),
            Self::Char(char) => bytes.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
}

const fn simple_escape(escape: u8) -> Option<u8> {
    match escape {
        b'"' | b'\\' | b'/' | b'\'' => Some(escape),
        b'b' => Some(8),
        b'f' => Some(12),
        b'n' => Some(b'\n'),
        b'r' => Some(b'\r'),
        b't' => Some(b'\t'),
        _ => None,
    }
}

fn unicode_escape(rest: &[u8]) -> Option<(Meant, usize)> {
    let high = utf16_unit(rest)?;
    if let Some(char) = char::from_u32(high) {
        return Some((Meant::Char(char), 6));
    }
    let low = utf16_unit(rest.get(6..)?)?;
    let pair = [u16::try_from(high).ok()?, u16::try_from(low).ok()?];
    Some((Meant::Char(char::decode_utf16(pair).next()?.ok()?), 12))
}

fn utf16_unit(rest: &[u8]) -> Option<u32> {
    let [b'\\', b'u', digits @ ..] = rest else { return None };
    digits.get(..4)?.iter().try_fold(0, |unit, digit| Some(unit << 4 | u32::from(hex_value(*digit)?)))
}

const fn hex_value(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

/// The text of a number as it stands in JSON, for comparing it with registered values.
pub(super) fn number_text(number: decision_schema::Number) -> String {
    let mut text = String::new();
    crate::idempotency::canonical_json::write_number(number, &mut text);
    text
}
