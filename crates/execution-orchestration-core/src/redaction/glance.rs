//! What one quick look at the bytes of a text rules out.
//!
//! Nearly every name and most short texts are clean, and a look-up a byte is enough to know. Who cannot be cleared this
//! way is looked at properly: a glance errs on the side of yes.

use super::key_names::REDACT_PATTERNS;

/// Bits 0 to 25 are the letters, in either case.
const JOINT: u32 = 1 << 26;
const NOT_ASCII: u32 = 1 << 27;

/// The kinds of bytes that stand in a text, as a set of bits.
#[derive(Clone, Copy)]
pub(super) struct Glance(u32);

impl Glance {
    #[inline]
    pub(super) fn at(text: &[u8]) -> Self {
        Self(text.iter().fold(0, |kinds, byte| kinds | KINDS[usize::from(*byte)]))
    }

    /// Whether the text, as a name, may speak of a secret: every letter of one of the patterns stands in it, or it has
    /// characters that are letters only in lower case.
    #[inline]
    pub(super) fn may_speak(self) -> bool {
        let has_all = |letters: &u32| self.0 & letters == *letters;
        self.0 & NOT_ASCII != 0 || LETTERS.iter().any(has_all)
    }

    /// Whether it has one of the signs that join a value to its name, a scheme or a flag.
    #[inline]
    pub(super) const fn has_joint(self) -> bool {
        self.0 & JOINT != 0
    }
}

static KINDS: [u32; 256] = kinds();

/// The letters of each pattern.
const LETTERS: [u32; REDACT_PATTERNS.len()] = letters();

const fn kinds() -> [u32; 256] {
    let mut kinds = [0; 256];
    let mut byte = 0_u8;
    loop {
        kinds[byte as usize] = match byte {
            b'a'..=b'z' => 1 << (byte - b'a'),
            b'A'..=b'Z' => 1 << (byte - b'A'),
            b'=' | b':' | b' ' | b'\t' => JOINT,
            0x80..=0xff => NOT_ASCII,
            _ => 0,
        };
        if byte == 0xff {
            return kinds;
        }
        byte += 1;
    }
}

const fn letters() -> [u32; REDACT_PATTERNS.len()] {
    let mut letters = [0; REDACT_PATTERNS.len()];
    let mut pattern = 0;
    while pattern < letters.len() {
        let bytes = REDACT_PATTERNS[pattern].as_bytes();
        let mut at = 0;
        while at < bytes.len() {
            letters[pattern] |= 1 << (bytes[at] - b'a');
            at += 1;
        }
        pattern += 1;
    }
    letters
}
