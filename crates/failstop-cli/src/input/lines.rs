//! Numbers the lines of chunks and leaves out blank ones.

use memchr::{memchr, memchr_iter};

use super::Chunk;

/// One line that is not blank.
#[derive(Debug, PartialEq, Eq)]
pub struct Line<'a> {
    /// From 1, blank lines counted.
    pub number: u64,
    /// Its bytes without the line break; `None` if it was too long.
    pub bytes: Option<&'a [u8]>,
}

/// The lines of the chunks it is given.
#[derive(Debug, Default)]
pub struct Lines {
    bytes: Vec<u8>,
    at: usize,
    has_too_long: bool,
    number: u64,
}

impl Lines {
    /// Goes on with `chunk`; the one before must be used up.
    pub fn refill(&mut self, chunk: Chunk) {
        debug_assert!(self.is_used_up(), "lines would be lost");
        match chunk {
            Chunk::Lines(bytes) => (self.bytes, self.at) = (bytes, 0),
            Chunk::TooLong => self.has_too_long = true,
        }
    }

    /// Whether another chunk is needed.
    pub fn is_used_up(&self) -> bool {
        self.at == self.bytes.len() && !self.has_too_long
    }

    /// The next line that is not blank.
    pub fn next(&mut self) -> Option<Line<'_>> {
        if std::mem::take(&mut self.has_too_long) {
            self.number += 1;
            return Some(Line { number: self.number, bytes: None });
        }
        while self.at < self.bytes.len() {
            let rest = &self.bytes[self.at..];
            let length = memchr(b'\n', rest).unwrap_or(rest.len());
            let start = self.at;
            self.at = (start + length + 1).min(self.bytes.len());
            self.number += 1;
            if !self.bytes[start..start + length].iter().all(u8::is_ascii_whitespace) {
                return Some(Line { number: self.number, bytes: Some(&self.bytes[start..start + length]) });
            }
        }
        None
    }

    /// How many lines are left, blank ones included; there are none afterwards.
    pub fn count_rest(&mut self) -> u64 {
        let rest = &self.bytes[self.at..];
        let whole = memchr_iter(b'\n', rest).count() as u64;
        let count =
            whole + u64::from(rest.last().is_some_and(|last| *last != b'\n')) + u64::from(self.has_too_long);
        self.at = self.bytes.len();
        self.has_too_long = false;
        self.number += count;
        count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blank_lines_are_counted_and_left_out() {
        let mut lines = Lines::default();
        lines.refill(Chunk::Lines(b"a\n\r\n \nb\r\n".to_vec()));
        assert_eq!(lines.next(), Some(Line { number: 1, bytes: Some(b"a") }));
        assert_eq!(lines.next(), Some(Line { number: 4, bytes: Some(b"b\r") }));
        assert_eq!(lines.next(), None);
        lines.refill(Chunk::TooLong);
        assert_eq!(lines.next(), Some(Line { number: 5, bytes: None }));
        lines.refill(Chunk::Lines(b"c\nd\ne".to_vec()));
        assert_eq!(lines.next(), Some(Line { number: 6, bytes: Some(b"c") }));
        assert_eq!(lines.count_rest(), 2);
        assert!(lines.is_used_up());
    }
}
