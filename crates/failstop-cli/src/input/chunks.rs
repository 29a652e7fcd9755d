//! Reads whole lines, as many as are there.

use std::io::{self, ErrorKind, Read};

use decision_schema::json::MAX_LINE_BYTES;
use memchr::{memchr, memrchr};

/// How much is asked for at once, bytes.
const READ_BYTES: usize = 256 * 1024;

/// Whole lines, or what stands for one.
#[derive(Debug, PartialEq, Eq)]
pub enum Chunk {
    /// One or more lines with their line breaks; the last of the input may lack its own.
    Lines(Vec<u8>),
    /// A line that is longer than [`MAX_LINE_BYTES`], and was thrown away.
    TooLong,
}

/// Reads chunks, each as soon as it is there.
pub struct Chunks<R> {
    source: R,
    buffer: Vec<u8>,
    /// How much of the buffer is a line begun.
    begun: usize,
    /// Whether that line is already too long.
    is_skipping: bool,
    /// Whole lines behind one that was too long.
    ready: Option<Chunk>,
}

impl<R: Read> Chunks<R> {
    /// Chunks of `source`.
    pub fn new(source: R) -> Self {
        Self { source, buffer: Vec::new(), begun: 0, is_skipping: false, ready: None }
    }

    /// The next chunk; `None` at the end.
    ///
    /// # Errors
    /// What the source says.
    pub fn next(&mut self) -> io::Result<Option<Chunk>> {
        loop {
            if let Some(ready) = self.ready.take() {
                return Ok(Some(ready));
            }
            self.make_room();
            let read = match self.source.read(&mut self.buffer[self.begun..]) {
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                read => read?,
            };
            if read == 0 {
                return Ok(self.last());
            }
            if let Some(chunk) = self.take_in(read) {
                return Ok(Some(chunk));
            }
        }
    }

    /// Makes room for one more read, and no more than that.
    fn make_room(&mut self) {
        let wanted = (self.begun + READ_BYTES).max(self.buffer.len());
        self.buffer.reserve_exact(wanted - self.buffer.len());
        self.buffer.resize(wanted, 0);
    }

    /// What is left at the end.
    fn last(&mut self) -> Option<Chunk> {
        let begun = std::mem::take(&mut self.begun);
        if std::mem::take(&mut self.is_skipping) {
            return Some(Chunk::TooLong);
        }
        (begun > 0).then(|| Chunk::Lines(self.buffer[..begun].to_vec()))
    }

    fn take_in(&mut self, read: usize) -> Option<Chunk> {
        let (from, end) = (self.begun, self.begun + read);
        if self.is_skipping {
            return self.skip(end);
        }
        let whole = memrchr(b'\n', &self.buffer[from..end]).map(|at| from + at + 1);
        let lines = whole.map(|whole| Chunk::Lines(self.buffer[..whole].to_vec()));
        self.keep(whole.unwrap_or(0), end);
        lines
    }

    /// Throws away the rest of a line that is too long, and keeps what stands behind it.
    fn skip(&mut self, end: usize) -> Option<Chunk> {
        let Some(stop) = memchr(b'\n', &self.buffer[..end]) else {
            self.begun = 0;
            return None;
        };
        self.is_skipping = false;
        let whole = memrchr(b'\n', &self.buffer[..end]).map_or(stop + 1, |at| at + 1);
        self.ready = (whole > stop + 1).then(|| Chunk::Lines(self.buffer[stop + 1..whole].to_vec()));
        self.keep(whole, end);
        Some(Chunk::TooLong)
    }

    /// Keeps the line that is begun at `whole`, unless it is too long.
    fn keep(&mut self, whole: usize, end: usize) {
        self.buffer.copy_within(whole..end, 0);
        self.begun = end - whole;
        if self.begun > MAX_LINE_BYTES {
            (self.begun, self.is_skipping) = (0, true);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Hands out `text` in pieces of `size` bytes.
    struct Pieces<'a>(&'a [u8], usize);

    impl Read for Pieces<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let (piece, rest) = self.0.split_at(self.1.min(self.0.len()).min(buffer.len()));
            buffer[..piece.len()].copy_from_slice(piece);
            self.0 = rest;
            Ok(piece.len())
        }
    }

    fn lines(text: &[u8], size: usize) -> Vec<Option<Vec<u8>>> {
        let mut chunks = Chunks::new(Pieces(text, size));
        let mut lines = Vec::new();
        while let Some(chunk) = chunks.next().unwrap() {
            match chunk {
                Chunk::TooLong => lines.push(None),
                Chunk::Lines(bytes) => {
                    let whole = bytes.strip_suffix(b"\n").unwrap_or(&bytes);
                    lines.extend(whole.split(|byte| *byte == b'\n').map(|line| Some(line.to_vec())));
                }
            }
        }
        lines
    }

    #[test]
    fn lines_are_the_same_however_they_arrive() {
        let expected: Vec<Option<Vec<u8>>> =
            [&b"one"[..], b"", b"three\r", b"four"].into_iter().map(|line| Some(line.to_vec())).collect();
        for size in 1..20 {
            assert_eq!(lines(b"one\n\nthree\r\nfour", size), expected, "pieces of {size}");
        }
    }

    #[test]
    fn a_line_too_long_is_one_line_and_never_kept() {
        let long = vec![b'x'; 3 * MAX_LINE_BYTES];
        let text = [b"a\n".as_slice(), &long, b"\nb\nc"].concat();
        let expected = vec![Some(b"a".to_vec()), None, Some(b"b".to_vec()), Some(b"c".to_vec())];
        for size in [7777, READ_BYTES] {
            assert_eq!(lines(&text, size), expected);
        }
        let mut chunks = Chunks::new(Pieces(&long, READ_BYTES));
        assert_eq!(chunks.next().unwrap(), Some(Chunk::TooLong));
        assert!(chunks.buffer.capacity() <= MAX_LINE_BYTES + 3 * READ_BYTES);
        assert_eq!(chunks.next().unwrap(), None);
    }
}
