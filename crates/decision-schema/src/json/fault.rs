//! What can be wrong with a text that should be JSON, and where.

use alloc::vec::Vec;

/// Why a text was refused. No variant holds input text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum JsonFaultKind {
    /// More than [`super::MAX_LINE_BYTES`].
    #[error("must not be longer than 1 MiB")]
    TooLong,
    /// A byte sequence that is not UTF-8.
    #[error("must be valid UTF-8")]
    InvalidUtf8,
    /// U+FEFF before the value.
    #[error("must not begin with a byte order mark")]
    ByteOrderMark,
    /// The text ends inside a value, or has none.
    #[error("ends before the value does")]
    UnexpectedEnd,
    /// Something else where a value should begin.
    #[error("expected a JSON value")]
    ExpectedValue,
    /// Something else where a member's name should begin.
    #[error("expected a quoted member name")]
    ExpectedKey,
    /// Something else after a member's name.
    #[error("expected ':' after the member name")]
    ExpectedColon,
    /// Something else after an element or member.
    #[error("expected ',' or the closing bracket")]
    ExpectedCommaOrClose,
    /// A comma with nothing after it.
    #[error("trailing comma")]
    TrailingComma,
    /// Something other than whitespace after the value.
    #[error("nothing may follow the value")]
    TrailingData,
    /// More than [`super::MAX_DEPTH`] arrays and objects inside each other.
    #[error("nested deeper than 64 levels")]
    TooDeep,
    /// A name that its object already has.
    #[error("duplicate member name")]
    DuplicateKey,
    /// `NaN`, `Infinity` or `-Infinity`.
    #[error("NaN and infinity are not JSON")]
    NotFinite,
    /// A number that does not follow the grammar.
    #[error("malformed number")]
    InvalidNumber,
    /// A zero before other digits.
    #[error("numbers must not have leading zeros")]
    LeadingZero,
    /// An integer literal outside `i64::MIN..=u64::MAX`.
    #[error("integer does not fit in 64 bits")]
    IntegerOutOfRange,
    /// A number with fraction or exponent that is beyond binary64.
    #[error("number is too large for a 64-bit float")]
    FloatOutOfRange,
    /// An unescaped control character in a string.
    #[error("control characters in strings must be escaped")]
    ControlCharacter,
    /// A backslash sequence JSON does not have.
    #[error("invalid escape sequence")]
    InvalidEscape,
    /// Half of a surrogate pair.
    #[error("lone surrogate")]
    LoneSurrogate,
}

impl JsonFaultKind {
    /// A stable name for this kind.
    pub const fn code(self) -> &'static str {
        match self {
            Self::TooLong => "json_too_long",
            Self::InvalidUtf8 => "json_invalid_utf8",
            Self::ByteOrderMark => "json_byte_order_mark",
            Self::UnexpectedEnd => "json_unexpected_end",
            Self::ExpectedValue => "json_expected_value",
            Self::ExpectedKey => "json_expected_key",
            Self::ExpectedColon => "json_expected_colon",
            Self::ExpectedCommaOrClose => "json_expected_comma_or_close",
            Self::TrailingComma => "json_trailing_comma",
            Self::TrailingData => "json_trailing_data",
            Self::TooDeep => "json_too_deep",
            Self::DuplicateKey => "json_duplicate_key",
            Self::NotFinite => "json_not_finite",
            Self::InvalidNumber => "json_invalid_number",
            Self::LeadingZero => "json_leading_zero",
            Self::IntegerOutOfRange => "json_integer_out_of_range",
            Self::FloatOutOfRange => "json_float_out_of_range",
            Self::ControlCharacter => "json_control_character",
            Self::InvalidEscape => "json_invalid_escape",
            Self::LoneSurrogate => "json_lone_surrogate",
        }
    }
}

/// A text that is not the JSON we accept: what is wrong and where. Holds positions only, never input text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{kind} (at byte {offset})")]
pub struct JsonFault {
    /// What is wrong.
    pub kind: JsonFaultKind,
    /// Where, in bytes from the start of the text, from 0.
    pub offset: usize,
    /// The arrays and objects around the fault, outermost first.
    pub path: Vec<PathStep>,
}

/// One step from a value into what it contains.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PathStep {
    /// Into the member whose name begins (with its quote) at this byte.
    Member {
        /// Bytes from the start of the text, from 0.
        name_offset: usize,
    },
    /// Into the element with this index, from 0.
    Item {
        /// From 0.
        index: usize,
    },
}

impl JsonFault {
    pub(crate) const fn outermost(kind: JsonFaultKind, offset: usize) -> Self {
        Self { kind, offset, path: Vec::new() }
    }

    /// A stable name for what is wrong.
    pub const fn code(&self) -> &'static str {
        self.kind.code()
    }
}
