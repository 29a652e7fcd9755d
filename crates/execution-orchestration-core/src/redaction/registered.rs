//! Values that are known to be secret, and how they are found again.

use alloc::{string::String, sync::Arc, vec::Vec};
use core::fmt;

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};

use super::{
    REDACTED,
    encodings::{View, forms_of},
    spans::Spans,
};

/// Shorter values are not registered: they would be found everywhere.
const MIN_LEN: usize = 6;

/// Only so much of a form is in the automaton; the rest is compared where its head is found. It keeps the automaton
/// small, and finds values that were cut off.
const HEAD: usize = 32;

/// Past this many bytes of heads, everything is a secret: memory stays bounded, and nothing gets through.
const MAX_HEADS: usize = 1 << 18;

/// Secret values of one execution, to be redacted wherever they stand: as they are, in base64, in hexadecimal, escaped
/// for URLs or for JSON. Cheap to clone; prints as a count and serialises nowhere.
#[derive(Clone, Default)]
pub struct RegisteredSecrets(Option<Arc<Inner>>);

struct Inner {
    count: usize,
    forms: Vec<Vec<u8>>,
    /// `None`: too many to look for, so that everything is taken for secret.
    heads: Option<AhoCorasick>,
}

impl RegisteredSecrets {
    /// Registers `secrets`; those shorter than 6 bytes, and parts of the marker itself, are left out.
    pub fn new<S: AsRef<str>>(secrets: impl IntoIterator<Item = S>) -> Self {
        let (mut count, mut forms) = (0, Vec::new());
        for secret in secrets {
            let secret = secret.as_ref().trim();
            if secret.len() >= MIN_LEN && !REDACTED.contains(secret) && !secret.contains(REDACTED) {
                count += 1;
                forms.extend(forms_of(secret));
            }
        }
        if count == 0 {
            return Self(None);
        }
        forms.sort_unstable();
        forms.dedup();
        let heads = automaton(&forms);
        Self(Some(Arc::new(Inner { count, forms, heads })))
    }

    /// Whether nothing is registered.
    pub const fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Whether there are too many to tell apart, so that every text is taken for one.
    pub(super) fn is_everything(&self) -> bool {
        self.0.as_ref().is_some_and(|inner| inner.heads.is_none())
    }

    /// Adds every place in `text` where a registered value stands.
    pub(super) fn find(&self, text: &str, spans: &mut Spans) {
        let Some(Inner { forms, heads: Some(heads), .. }) = self.0.as_deref() else { return };
        find_in(forms, heads, text.as_bytes(), |start, end| spans.add(start..end));
        let mut look_through = |view: View| {
            find_in(forms, heads, &view.bytes, |start, end| {
                spans.add(view.origins[start]..view.origins[end]);
            });
        };
        if text.contains('%') {
            look_through(View::without_percent(text, false));
        }
        if text.contains('+') {
            look_through(View::without_percent(text, true));
        }
        if text.contains('\\') {
            look_through(View::without_json_escapes(text));
        }
    }
}

impl fmt::Debug for RegisteredSecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RegisteredSecrets({})", self.0.as_ref().map_or(0, |inner| inner.count))
    }
}

fn head(form: &[u8]) -> &[u8] {
    &form[..form.len().min(HEAD)]
}

fn automaton(forms: &[Vec<u8>]) -> Option<AhoCorasick> {
    if forms.iter().map(|form| head(form).len()).sum::<usize>() > MAX_HEADS {
        return None;
    }
    AhoCorasick::builder()
        .match_kind(MatchKind::Standard)
        .kind(Some(AhoCorasickKind::NoncontiguousNFA))
        .build(forms.iter().map(|form| head(form)))
        .ok()
}

/// Reports every form in `bytes`, as far as it goes on after its head.
fn find_in(forms: &[Vec<u8>], heads: &AhoCorasick, bytes: &[u8], mut found: impl FnMut(usize, usize)) {
    let mut covered = 0;
    for hit in heads.find_overlapping_iter(bytes) {
        let mut end = hit.end();
        // A head inside what is covered is broken already; going on from each of many would cost too much.
        if end > covered {
            let rest = &forms[hit.pattern().as_usize()][hit.end() - hit.start()..];
            end += rest.iter().zip(&bytes[end..]).take_while(|(a, b)| a == b).count();
        }
        covered = covered.max(end);
        found(hit.start(), end);
    }
}

/// Whether a number's text is long enough to be registered: at least six digits.
pub(super) fn has_enough_digits(text: &str) -> bool {
    text.bytes().filter(u8::is_ascii_digit).count() >= MIN_LEN
}

/// Secrets found in a value, on their way to being registered.
pub(super) type Found = Vec<String>;
