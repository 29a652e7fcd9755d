//! Unmistakable secrets, and a search for them in whatever a system puts out (INV-EXE-5).
//!
//! ```
//! use failstop_testkit::canary::Canary;
//!
//! let canary = Canary::new(7);
//! canary.assert_absent("a log line", b"token=[REDACTED]");
//! assert_eq!(canary.find(canary.secret().as_bytes()), Some("raw"));
//! ```

use std::fmt::Write as _;

/// A planted secret. The same seed gives the same secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Canary {
    secret: String,
    forms: Vec<(&'static str, Vec<u8>)>,
}

impl Canary {
    /// The secret number `seed`: no two seeds share one, and none occurs by chance.
    ///
    /// It holds characters that every encoding has to change, so that an encoded copy is a different text.
    pub fn new(seed: u32) -> Self {
        let tag = seed.wrapping_mul(0x9e37_79b1);
        Self::of(format!("cAnArY/{seed}+{tag:08x}=\"s3cr3t\"&é"))
    }

    /// Searches for `secret`, which somebody else chose. It must have eight bytes or more, or it would occur by chance.
    ///
    /// # Panics
    /// If `secret` is shorter.
    pub fn of(secret: impl Into<String>) -> Self {
        let secret = secret.into();
        assert!(secret.len() >= 8, "a canary has eight bytes or more");
        let forms = forms(&secret);
        Self { secret, forms }
    }

    /// The secret, to be planted.
    pub fn secret(&self) -> &str {
        &self.secret
    }

    /// In which form `surface` gives the secret away, if it does: `raw`, `json`, `hex`, `url` or `base64`.
    pub fn find(&self, surface: &[u8]) -> Option<&'static str> {
        let holds = |form: &[u8], ignore_case: bool| {
            surface
                .windows(form.len())
                .any(|window| if ignore_case { window.eq_ignore_ascii_case(form) } else { window == form })
        };
        let found = self.forms.iter().find(|(name, form)| holds(form, matches!(*name, "hex" | "url")));
        found.map(|(name, _)| *name)
    }

    /// Asserts that `surface`, called `name` in the message, does not give the secret away.
    ///
    /// # Panics
    /// If it does. The message names the surface and the form, not the secret.
    pub fn assert_absent(&self, name: &str, surface: impl AsRef<[u8]>) {
        if let Some(form) = self.find(surface.as_ref()) {
            panic!("{name} gives a planted secret away ({form})");
        }
    }
}

fn forms(secret: &str) -> Vec<(&'static str, Vec<u8>)> {
    let bytes = secret.as_bytes();
    let mut forms = vec![
        ("raw", bytes.to_vec()),
        ("json", json_escaped(secret, false).into_bytes()),
        ("json", json_escaped(secret, true).into_bytes()),
        ("hex", hex(bytes).into_bytes()),
        ("url", url_encoded(bytes, true).into_bytes()),
        ("url", url_encoded(bytes, false).into_bytes()),
    ];
    for alphabet in [STANDARD, URL_SAFE] {
        // The middle of the encoding depends on where in a longer text the secret stands, in three ways.
        forms.extend((0..3).map(|offset| ("base64", base64_core(bytes, offset, alphabet))));
    }
    forms
}

fn json_escaped(secret: &str, ascii_only: bool) -> String {
    secret.chars().fold(String::new(), |mut out, char| {
        match char {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            char if ascii_only && !char.is_ascii() => {
                for unit in char.encode_utf16(&mut [0; 2]) {
                    let _ = write!(out, "\\u{unit:04x}");
                }
            }
            char => out.push(char),
        }
        out
    })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}

fn url_encoded(bytes: &[u8], slash_too: bool) -> String {
    bytes.iter().fold(String::new(), |mut out, byte| {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                out.push(char::from(*byte));
            }
            b'/' if !slash_too => out.push('/'),
            byte => {
                let _ = write!(out, "%{byte:02X}");
            }
        }
        out
    })
}

const STANDARD: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const URL_SAFE: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// What every base64 text has that encodes `bytes` behind a prefix of `offset` (mod 3) bytes and before anything.
fn base64_core(bytes: &[u8], offset: usize, alphabet: &[u8; 64]) -> Vec<u8> {
    let mut padded = vec![0; offset];
    padded.extend_from_slice(bytes);
    let whole = padded.chunks_exact(3).skip(usize::from(offset > 0));
    whole
        .flat_map(|triple| {
            let bits = u32::from(triple[0]) << 16 | u32::from(triple[1]) << 8 | u32::from(triple[2]);
            [18, 12, 6, 0].map(|shift| alphabet[(bits >> shift & 63) as usize])
        })
        .collect()
}
