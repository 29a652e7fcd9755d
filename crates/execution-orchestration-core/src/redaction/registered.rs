//! Values that are known to be secret, and how they are found again.

use alloc::{string::String, sync::Arc, vec, vec::Vec};
use core::fmt;

use super::{
    REDACTED,
    encodings::{View, forms_of},
    spans::Spans,
};

/// Shorter values are not registered: they would be found everywhere.
const MIN_LEN: usize = 6;

/// So much of a longer form is enough for a match, which then goes as far as the text agrees: values that were cut off
/// are found too.
const HEAD: usize = 32;

/// Secret values of one execution, to be redacted wherever they stand: as they are, in base64, in hexadecimal, escaped
/// for URLs or for JSON. Cheap to clone; prints as a count and serialises nowhere.
#[derive(Clone, Default)]
pub struct RegisteredSecrets(Option<Arc<Inner>>);

struct Inner {
    count: usize,
    forms: Forms,
}

impl RegisteredSecrets {
    /// Nothing registered.
    pub const NONE: Self = Self(None);

    /// Registers `secrets`; those shorter than 6 bytes, and parts of the marker itself, are left out. White space
    /// around them does not count.
    pub fn new<S: AsRef<str>>(secrets: impl IntoIterator<Item = S>) -> Self {
        let (mut count, mut forms) = (0, Vec::new());
        for secret in secrets {
            let secret = secret.as_ref().trim();
            if secret.len() >= MIN_LEN && !REDACTED.contains(secret) && !secret.contains(REDACTED) {
                count += 1;
                forms.extend(forms_of(secret));
            }
        }
        if count == 0 { Self::NONE } else { Self(Some(Arc::new(Inner { count, forms: Forms::new(forms) }))) }
    }

    /// Whether nothing is registered.
    pub const fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Adds every place in `text` where a registered value stands.
    pub(super) fn find(&self, text: &str, spans: &mut Spans) {
        let Some(Inner { forms, .. }) = self.0.as_deref() else { return };
        forms.find(text.as_bytes(), |start, end| spans.add(start..end));
        let mut look_through = |view: View| {
            forms.find(&view.bytes, |start, end| spans.add(view.origins[start]..view.origins[end]));
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

/// What is looked for, sorted. A filter on the first bytes tells most places apart at once; at the others, the forms
/// that agree longest with the text are next to where it would stand among them.
struct Forms {
    sorted: Vec<Vec<u8>>,
    /// For each form, the longest other one that it begins with.
    shorter: Vec<Option<usize>>,
    /// A bit for each hash of the first four bytes.
    filter: Vec<u64>,
}

impl Forms {
    fn new(mut sorted: Vec<Vec<u8>>) -> Self {
        sorted.sort_unstable();
        sorted.dedup();
        let mut filter = vec![0; (sorted.len() / 4).next_power_of_two().max(16)];
        for form in &sorted {
            let (word, bit) = slot(form, filter.len());
            filter[word] |= 1 << bit;
        }
        let shorter = shorter_forms(&sorted);
        Self { sorted, shorter, filter }
    }

    /// Reports every form in `text`, as far as the text agrees with it.
    fn find(&self, text: &[u8], mut found: impl FnMut(usize, usize)) {
        let mut covered = 0;
        for (at, bytes) in text.windows(MIN_LEN).enumerate() {
            let (word, bit) = slot(bytes, self.filter.len());
            // What begins well inside of what is covered is broken already; going on from there would cost too much.
            if self.filter[word] >> bit & 1 == 0 || at + HEAD <= covered {
                continue;
            }
            if let Some(len) = self.longest_at(&text[at..]) {
                covered = covered.max(at + len);
                found(at, at + len);
            }
        }
    }

    /// How far `text` agrees with the form that it begins with, if it does.
    fn longest_at(&self, text: &[u8]) -> Option<usize> {
        let after = self.sorted.partition_point(|form| form.as_slice() <= text);
        let (above, below) = (self.sorted.get(after), after.checked_sub(1));
        let cut = above.map(|form| common(form, text)).filter(|len| *len >= HEAD);
        cut.max(below.and_then(|below| self.agreement(below, text)))
    }

    /// The same, among a form and those that it begins with.
    fn agreement(&self, form: usize, text: &[u8]) -> Option<usize> {
        let len = common(&self.sorted[form], text);
        let mut candidate = Some(form);
        while let Some(form) = candidate {
            let full = self.sorted[form].len();
            if full.min(HEAD) <= len {
                return Some(len.min(full));
            }
            candidate = self.shorter[form];
        }
        None
    }
}

/// For each of the sorted forms, the longest other one that it begins with: the one before, or one that this begins
/// with.
fn shorter_forms(sorted: &[Vec<u8>]) -> Vec<Option<usize>> {
    let mut shorter: Vec<Option<usize>> = Vec::with_capacity(sorted.len());
    for (at, form) in sorted.iter().enumerate() {
        let mut candidate = at.checked_sub(1);
        while let Some(before) = candidate {
            if form.starts_with(&sorted[before]) {
                break;
            }
            candidate = shorter[before];
        }
        shorter.push(candidate);
    }
    shorter
}

/// The word and bit of the filter for what begins with `bytes`, at least four of them.
fn slot(bytes: &[u8], words: usize) -> (usize, u32) {
    let first = u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
    let hash = first.wrapping_mul(0x9e37_79b1);
    ((hash >> 6) as usize & (words - 1), hash >> 26)
}

fn common(form: &[u8], text: &[u8]) -> usize {
    form.iter().zip(text).take_while(|(a, b)| a == b).count()
}

/// Whether a number's text is long enough to be registered: at least six digits.
pub(super) fn has_enough_digits(text: &str) -> bool {
    text.bytes().filter(u8::is_ascii_digit).count() >= MIN_LEN
}

/// Secrets found in a value, on their way to being registered.
pub(super) type Found = Vec<String>;
