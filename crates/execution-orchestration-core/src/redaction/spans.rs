//! The parts of a text that must go, and the text without them.

use alloc::{string::String, vec::Vec};
use core::ops::Range;

use super::REDACTED;

/// Parts of a text, as byte ranges, in any order, overlapping or not.
#[derive(Default)]
pub(super) struct Spans(Vec<Range<usize>>);

impl Spans {
    pub(super) fn add(&mut self, span: Range<usize>) {
        match self.0.last_mut() {
            // Matches mostly come in order and overlap; joining them here keeps the list short.
            Some(last) if (last.start..=last.end).contains(&span.start) => last.end = last.end.max(span.end),
            _ => self.0.push(span),
        }
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// `text` with each part replaced by [`REDACTED`], or `None` if that changes nothing.
    ///
    /// A part that reaches into a marker which already stands there takes the whole marker in, and a part inside one is
    /// no part: the text becomes no longer and markers are never cut.
    pub(super) fn replaced_in(self, text: &str) -> Option<String> {
        if self.0.is_empty() {
            return None;
        }
        let spans = settled(self.0, text);
        if spans.is_empty() {
            return None;
        }
        let mut out = String::with_capacity(text.len());
        let mut copied = 0;
        for span in spans {
            out.push_str(&text[copied..span.start]);
            out.push_str(REDACTED);
            copied = span.end;
        }
        out.push_str(&text[copied..]);
        Some(out)
    }
}

/// The spans on character boundaries, joined where they overlap each other or a marker, without those that are one.
fn settled(mut spans: Vec<Range<usize>>, text: &str) -> Vec<Range<usize>> {
    let markers: Vec<_> = text.match_indices(REDACTED).map(|(at, _)| at..at + REDACTED.len()).collect();
    for span in &mut spans {
        *span = boundary_before(text, span.start)..boundary_after(text, span.end);
    }
    spans.extend(markers.iter().cloned());
    spans.sort_unstable_by_key(|span| (span.start, span.end));
    let mut joined: Vec<Range<usize>> = Vec::with_capacity(spans.len());
    for span in spans {
        match joined.last_mut() {
            Some(last) if span.start < last.end => last.end = last.end.max(span.end),
            _ => joined.push(span),
        }
    }
    joined.retain(|span| {
        !span.is_empty()
            && markers
                .binary_search_by_key(&span.start, |m| m.start)
                .ok()
                .is_none_or(|at| markers[at] != *span)
    });
    joined
}

fn boundary_before(text: &str, at: usize) -> usize {
    (0..=at).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

fn boundary_after(text: &str, at: usize) -> usize {
    (at..text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len())
}
