//! Finds where a value stands in its source text. Only faults need this, so the tree itself carries no positions.

use super::scan::plain_len;

/// Where a value stands, in bytes from the start of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Where the opening quote of its name is, if it is a member of an object.
    pub name_offset: Option<usize>,
    /// Where the value's first byte is.
    pub offset: usize,
}

/// Finds the value that is reached from the outermost one by taking, at each level, the member or element with the
/// given ordinal (from 0, in the order of the text).
///
/// `text` must be something [`super::parse`] accepts, or begin with it. In other texts the answer may be `None` or any
/// place within them. Takes time linear in `text`.
pub fn locate(text: &[u8], ordinals: &[usize]) -> Option<Place> {
    let mut walk = Walk { text, at: 0 };
    walk.skip_blanks();
    let mut place = Place { name_offset: None, offset: walk.at };
    for ordinal in ordinals {
        place = walk.enter(*ordinal)?;
    }
    (place.offset < text.len()).then_some(place)
}

struct Walk<'a> {
    text: &'a [u8],
    at: usize,
}

impl Walk<'_> {
    /// From the first byte of an array or object to that of one of its elements or members.
    fn enter(&mut self, ordinal: usize) -> Option<Place> {
        let named = match self.peek()? {
            b'{' => true,
            b'[' => false,
            _ => return None,
        };
        self.at += 1;
        for _ in 0..ordinal {
            self.skip_value_and_name(named)?;
        }
        self.skip_blanks();
        let name_offset = named.then_some(self.at);
        if named {
            self.skip_value()?;
            self.skip_blanks();
        }
        Some(Place { name_offset, offset: self.at })
    }

    fn skip_value_and_name(&mut self, named: bool) -> Option<()> {
        self.skip_blanks();
        if named {
            self.skip_value()?;
            self.skip_blanks();
        }
        self.skip_value()
    }

    /// Skips what cannot begin a value: whitespace, colons and commas.
    fn skip_blanks(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r' | b':' | b',') = self.peek() {
            self.at += 1;
        }
    }

    fn skip_value(&mut self) -> Option<()> {
        let mut depth = 0_usize;
        loop {
            match self.peek()? {
                b'"' => self.skip_string()?,
                b'{' | b'[' => {
                    depth += 1;
                    self.at += 1;
                }
                b'}' | b']' => {
                    depth = depth.checked_sub(1)?;
                    self.at += 1;
                }
                _ => self.skip_scalar(),
            }
            if depth == 0 {
                return Some(());
            }
            self.skip_blanks();
        }
    }

    fn skip_string(&mut self) -> Option<()> {
        self.at += 1;
        loop {
            self.at += plain_len(&self.text[self.at..]);
            match self.peek()? {
                b'"' => break,
                b'\\' => self.at += 2,
                _ => self.at += 1,
            }
            if self.at > self.text.len() {
                return None;
            }
        }
        self.at += 1;
        Some(())
    }

    fn skip_scalar(&mut self) {
        let ends = |byte: &u8| matches!(byte, b',' | b'}' | b']' | b' ' | b'\t' | b'\n' | b'\r');
        let rest = &self.text[self.at..];
        self.at += rest.iter().position(ends).unwrap_or(rest.len());
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }
}
