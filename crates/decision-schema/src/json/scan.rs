//! Finds where a run of plain string bytes ends, eight bytes at a time.

const ONES: u64 = u64::from_ne_bytes([0x01; 8]);
const HIGHS: u64 = u64::from_ne_bytes([0x80; 8]);

/// The number of leading bytes that stand for themselves in a JSON string: all before the first quote, backslash or
/// control character.
pub(super) fn plain_len(bytes: &[u8]) -> usize {
    let (words, rest) = bytes.as_chunks::<8>();
    for (index, word) in words.iter().enumerate() {
        let marks = special_marks(u64::from_le_bytes(*word));
        if marks != 0 {
            return index * 8 + marks.trailing_zeros() as usize / 8;
        }
    }
    let tail = rest.iter().position(|byte| is_special(*byte)).unwrap_or(rest.len());
    words.len() * 8 + tail
}

const fn is_special(byte: u8) -> bool {
    byte < 0x20 || byte == b'"' || byte == b'\\'
}

/// The top bit of each special byte. A borrow may mark bytes above a special one too, so only the lowest mark counts.
/// See "Determine if a word has a byte less than n" in Sean Anderson's Bit Twiddling Hacks.
const fn special_marks(word: u64) -> u64 {
    let control = word.wrapping_sub(ONES * 0x20) & !word;
    (control | zero_marks(word ^ (ONES * b'"' as u64)) | zero_marks(word ^ (ONES * b'\\' as u64))) & HIGHS
}

const fn zero_marks(word: u64) -> u64 {
    word.wrapping_sub(ONES) & !word
}
