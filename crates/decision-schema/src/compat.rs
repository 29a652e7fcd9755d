//! Whether a packet's schema version is one we can read.

/// Whether `schema_version` has the major version `expected_major` and, for major version 0, a minor version within
/// `min_minor..=max_minor` (where given). A version that cannot be read is incompatible; so is none.
///
/// The parts are read as Python's `int()` reads them, with one difference: digits must be ASCII. Whitespace around
/// them, a sign, and single underscores between digits are allowed. A missing minor version counts as 0, and what
/// follows it is not looked at.
pub fn is_compatible(
    schema_version: &str,
    expected_major: i64,
    min_minor: Option<i64>,
    max_minor: Option<i64>,
) -> bool {
    let mut parts = schema_version.split('.');
    let major = parts.next().and_then(python_int);
    let minor = parts.next().map_or(Some(0), python_int);
    let (Some(major), Some(minor)) = (major, minor) else { return false };
    let above = min_minor.is_none_or(|min| minor >= i128::from(min));
    let below = max_minor.is_none_or(|max| minor <= i128::from(max));
    major == i128::from(expected_major) && (major != 0 || (above && below))
}

/// A text that is not a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseVersionError {
    /// There is no dot in it.
    #[error("a version needs at least a major and a minor part")]
    TooFewParts,
    /// One of the first three parts is not an integer in `i64`'s range.
    #[error("the parts of a version must be integers")]
    NotAnInteger,
}

/// Splits a version into major, minor and patch (0 where absent); parts are read as in [`is_compatible`].
///
/// # Errors
/// There are fewer than two parts, or one of the first three is not an integer in `i64`'s range.
pub fn parse_version(version: &str) -> Result<(i64, i64, i64), ParseVersionError> {
    let mut parts = version.split('.');
    let (Some(major), Some(minor)) = (parts.next(), parts.next()) else {
        return Err(ParseVersionError::TooFewParts);
    };
    let part = |text: &str| {
        let value = python_int(text).ok_or(ParseVersionError::NotAnInteger)?;
        i64::try_from(value).map_err(|_| ParseVersionError::NotAnInteger)
    };
    Ok((part(major)?, part(minor)?, parts.next().map_or(Ok(0), part)?))
}

/// Saturates: it is only compared with `i64`s.
fn python_int(text: &str) -> Option<i128> {
    let text = text.trim();
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let mut magnitude = 0_i128;
    for group in digits.split('_') {
        if group.is_empty() || !group.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        for digit in group.bytes() {
            magnitude = magnitude.saturating_mul(10).saturating_add(i128::from(digit - b'0'));
        }
    }
    Some(if negative { -magnitude } else { magnitude })
}
