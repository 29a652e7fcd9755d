//! A word that no error may repeat.

/// What takes the place of every `@`.
const WORD: &str = "cAnArY9137";

/// `bytes` with the word in place of every `@`.
pub fn planted(bytes: &[u8]) -> Vec<u8> {
    let mut planted = Vec::with_capacity(bytes.len());
    for byte in bytes {
        match byte {
            b'@' => planted.extend_from_slice(WORD.as_bytes()),
            byte => planted.push(*byte),
        }
    }
    planted
}

/// Asserts that `shown`, what is said of planted bytes, does not repeat them (INV-EXE-SEC-1).
pub fn assert_not_repeated(shown: &str) {
    assert!(!shown.contains(WORD), "an error repeats its input");
}
