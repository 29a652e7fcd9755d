//! Values that a text assigns to a telling name: `password=...`, `"token": "..."`, `Authorization: ...`, `--secret ...`.

use alloc::string::String;
use core::ops::Range;

use super::{run, run_before, short_run};

/// The longest stretch of a name that is looked at on each side of an anchor.
const NAME: usize = 64;

/// How the value is joined to its name.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Joint {
    Equals,
    Colon,
    /// A space, after a name with dashes before it: a flag on a command line.
    Flag,
}

/// The value that is assigned to the name around `at`, if the name is telling.
pub(super) fn value(text: &[u8], at: Range<usize>) -> Option<Range<usize>> {
    let start = at.start - run_before(text, at.start, NAME, is_in_name);
    let end = at.end + text[at.end..].iter().take(NAME).take_while(|byte| is_in_name(**byte)).count();
    let name = &text[start..end];
    let (joint, is_name_quoted, after) = joint(text, name, end)?;
    let kind = kind_of(name)?;
    let (open, quote) = opening_quote(text, after);
    if kind == Kind::Key && !looks_random(text, open) {
        return None;
    }
    let span = match quote {
        Some(quote) => open..open + quoted_len(text, open, quote),
        None if kind == Kind::Header && joint != Joint::Flag => open..open + run(text, open, is_in_line),
        None => open..open + run_of_value(text, open),
    };
    let found = &text[span.clone()];
    let may_be_prose = joint == Joint::Colon && !is_name_quoted && quote.is_none() && kind != Kind::Header;
    let is_harmless = found.is_empty()
        || (may_be_prose && looks_like_prose(text, &span))
        || (joint == Joint::Flag && found.starts_with(b"-"));
    (!is_harmless).then_some(span)
}

const fn is_in_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.')
}

const fn is_in_line(byte: u8) -> bool {
    !matches!(byte, b'\n' | b'\r' | b'"' | b'\'')
}

const fn is_in_value(byte: u8) -> bool {
    !byte.is_ascii_whitespace() && !matches!(byte, b'&' | b';' | b'"' | b'\'' | b'`')
}

/// An unquoted value ends before a comma only where a space or the end follows: passwords have commas.
fn run_of_value(text: &[u8], start: usize) -> usize {
    let len = run(text, start, is_in_value);
    if text[start..start + len].ends_with(b",") { len - 1 } else { len }
}

/// What joins the name that ends at `end` to its value, whether the name is quoted, and where the value's part begins.
fn joint(text: &[u8], name: &[u8], end: usize) -> Option<(Joint, bool, usize)> {
    let quotes = short_run(text, end, |byte| matches!(byte, b'"' | b'\'' | b'\\'));
    let spaces = short_run(text, end + quotes, |byte| matches!(byte, b' ' | b'\t'));
    let sign = end + quotes + spaces;
    let joint = match text.get(sign) {
        Some(b'=') => Joint::Equals,
        Some(b':') if text.get(sign + 1) == Some(&b'=') => {
            return Some((Joint::Equals, quotes > 0, sign + 2));
        }
        Some(b':') => Joint::Colon,
        Some(_) if spaces > 0 && name.starts_with(b"--") => return Some((Joint::Flag, false, sign)),
        Some(_) | None => return None,
    };
    Some((joint, quotes > 0, sign + 1))
}

/// Past spaces and an opening quote, which may itself be escaped.
fn opening_quote(text: &[u8], after: usize) -> (usize, Option<u8>) {
    let start = after + short_run(text, after, |byte| matches!(byte, b' ' | b'\t'));
    match &text[start..] {
        [b'\\', quote @ (b'"' | b'\''), ..] => (start + 2, Some(*quote)),
        [quote @ (b'"' | b'\''), ..] => (start + 1, Some(*quote)),
        _ => (start, None),
    }
}

/// How long the text up to the closing `quote` is, or to the end if there is none. A quote that is escaped inside one
/// that is not does not close it.
fn quoted_len(text: &[u8], open: usize, quote: u8) -> usize {
    let is_nested = open >= 2 && text[open - 2] == b'\\';
    let mut at = open;
    while at < text.len() {
        match text[at] {
            b'\\' if is_nested && text.get(at + 1) == Some(&quote) => return at - open,
            b'\\' => at += 2,
            byte if byte == quote => return at - open,
            _ => at += 1,
        }
    }
    text.len() - open
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// What it holds is a secret.
    Secret,
    /// A header whose value is the whole line.
    Header,
    /// `key` alone: a secret if it looks like one.
    Key,
}

fn kind_of(name: &[u8]) -> Option<Kind> {
    const ANYWHERE: [&str; 6] = ["password", "passwd", "passphrase", "secret", "credential", "apikey"];
    const AT_END: [&str; 6] = ["token", "tokens", "pwd", "auth", "accesskey", "privatekey"];
    let folded: String = name
        .iter()
        .filter(|byte| !matches!(byte, b'-' | b'_' | b'.'))
        .map(|byte| char::from(byte.to_ascii_lowercase()))
        .collect();
    if folded.ends_with("authorization") {
        return Some(Kind::Header);
    }
    if ANYWHERE.iter().any(|part| folded.contains(part)) || AT_END.iter().any(|end| folded.ends_with(end)) {
        return Some(Kind::Secret);
    }
    if folded == "key" {
        return Some(Kind::Key);
    }
    is_compound_key(name).then_some(Kind::Secret)
}

/// Whether `name` is a word and `key`, told apart by a sign or by case: `signing_key`, `AccountKey`, but not `monkey`.
fn is_compound_key(name: &[u8]) -> bool {
    let Some(word) = name.len().checked_sub(3) else { return false };
    let (word, key) = name.split_at(word);
    let is_after_sign = word.len() > 1 && word.last().is_some_and(|byte| matches!(byte, b'_' | b'-' | b'.'));
    let is_camel =
        key == b"Key" && word.last().is_some_and(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    key.eq_ignore_ascii_case(b"key") && (is_after_sign || is_camel)
}

/// Whether an unquoted value after a colon is the next word of a sentence: only letters, with more on its line.
fn looks_like_prose(text: &[u8], span: &Range<usize>) -> bool {
    let is_word = text[span.clone()].iter().all(u8::is_ascii_alphabetic);
    let rest = &text[span.end..];
    is_word && rest.starts_with(b" ") && rest.len() > 1
}

/// Whether the value that begins at `open` is longer than names are, and has a digit.
fn looks_random(text: &[u8], open: usize) -> bool {
    let beginning = text[open..].iter().take(64).take_while(|byte| is_in_value(**byte));
    let (len, digits) =
        beginning.fold((0, 0), |(len, digits), byte| (len + 1, digits + usize::from(byte.is_ascii_digit())));
    len >= 16 && digits > 0
}
