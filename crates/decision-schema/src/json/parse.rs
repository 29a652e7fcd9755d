//! The strict parser. Nothing is repaired and nothing is guessed: a text is exactly one value we can carry, or a fault.

use alloc::{borrow::ToOwned, string::String, vec::Vec};

use super::{
    JsonFault, JsonFaultKind, Object, PathStep, Value, fault::JsonFaultKind as Kind, locate::locate, number,
    scan::plain_len,
};

/// The most arrays and objects that may stand inside each other; a lone scalar is at depth 0, `[]` at 1.
pub const MAX_DEPTH: usize = 64;

/// The most bytes a text may have, its line break included if it is handed in.
pub const MAX_LINE_BYTES: usize = 1 << 20;

/// Up to this many members, comparing a new name with all others is cheaper than sorting them at the end.
const FEW_MEMBERS: usize = 16;

/// Parses one JSON value with nothing but whitespace around it.
///
/// Stricter than RFC 8259, as RFC 7493 asks: no duplicate names (compared after unescaping), no lone surrogates, UTF-8
/// only. Integers must lie within `i64::MIN..=u64::MAX` and keep their digits; numbers with a fraction or an exponent
/// must be finite and become the nearest binary64. `-0` becomes the float `-0.0`, because no integer keeps its sign.
/// Unicode noncharacters are accepted, since common producers write them.
///
/// ```
/// use decision_schema::json::{JsonFaultKind, parse};
///
/// let value = parse(br#"{"n": 18446744073709551615}"#)?;
/// assert_eq!(value.to_string(), r#"{"n":18446744073709551615}"#);
///
/// let fault = parse(br#"{"n": 1, "n": 2}"#).unwrap_err();
/// assert_eq!((fault.kind, fault.offset), (JsonFaultKind::DuplicateKey, 9));
/// # Ok::<(), decision_schema::JsonFault>(())
/// ```
///
/// # Errors
/// The first fault, but for two that are looked for beforehand: size, then UTF-8. Duplicate names of an object with
/// more than 16 members are found at its end.
pub fn parse(bytes: &[u8]) -> Result<Value, JsonFault> {
    parse_as(bytes, MAX_LINE_BYTES, Integers::Exact)
}

/// Reads canonical JSON that was written by ourselves, up to `max_bytes` of it. As [`parse`], but that digits beyond 64
/// bits are a float: canonical JSON writes `1e20` out, and no integer as large can have been written.
///
/// # Errors
/// As [`parse`].
pub fn parse_canonical(bytes: &[u8], max_bytes: usize) -> Result<Value, JsonFault> {
    parse_as(bytes, max_bytes, Integers::WideAreFloats)
}

/// What integers beyond 64 bits are taken for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Integers {
    /// A fault: their digits would be lost.
    Exact,
    /// The float that was written out.
    WideAreFloats,
}

fn parse_as(bytes: &[u8], max_bytes: usize, integers: Integers) -> Result<Value, JsonFault> {
    if bytes.len() > max_bytes {
        return Err(JsonFault::outermost(Kind::TooLong, max_bytes));
    }
    let text = core::str::from_utf8(bytes)
        .map_err(|fault| JsonFault::outermost(Kind::InvalidUtf8, fault.valid_up_to()))?;
    let mut parser = Parser { text, bytes, at: 0, depth: 0, trail: Vec::new(), integers };
    parser.document().map_err(|kind| parser.into_fault(kind))
}

/// On an error `at` is where the fault is, and `trail` the way to it, innermost first.
struct Parser<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    depth: usize,
    trail: Vec<PathStep>,
    integers: Integers,
}

impl Parser<'_> {
    fn into_fault(self, kind: JsonFaultKind) -> JsonFault {
        let mut path = self.trail;
        path.reverse();
        JsonFault { kind, offset: self.at, path }
    }

    fn document(&mut self) -> Result<Value, Kind> {
        if self.text.starts_with('\u{feff}') {
            return Err(Kind::ByteOrderMark);
        }
        self.skip_whitespace();
        let value = self.value()?;
        self.skip_whitespace();
        if self.at == self.bytes.len() { Ok(value) } else { Err(Kind::TrailingData) }
    }

    fn value(&mut self) -> Result<Value, Kind> {
        match self.peek() {
            Some(b'"') => self.string().map(Value::String),
            Some(b'{') => self.nested(Self::object),
            Some(b'[') => self.nested(Self::array),
            Some(b'-' | b'0'..=b'9') => {
                number::number(self.text, &mut self.at, self.integers).map(Value::Number)
            }
            Some(b't') => self.literal("true", Value::Bool(true)),
            Some(b'f') => self.literal("false", Value::Bool(false)),
            Some(b'n') => self.literal("null", Value::Null),
            Some(_) => Err(self.not_a_value()),
            None => Err(Kind::UnexpectedEnd),
        }
    }

    fn not_a_value(&self) -> Kind {
        let rest = &self.bytes[self.at..];
        if rest.starts_with(b"NaN") || rest.starts_with(b"Infinity") {
            Kind::NotFinite
        } else {
            Kind::ExpectedValue
        }
    }

    fn literal(&mut self, word: &str, value: Value) -> Result<Value, Kind> {
        let rest = &self.bytes[self.at..];
        if rest.starts_with(word.as_bytes()) {
            self.at += word.len();
            Ok(value)
        } else if word.as_bytes().starts_with(rest) {
            self.at = self.bytes.len();
            Err(Kind::UnexpectedEnd)
        } else {
            Err(Kind::ExpectedValue)
        }
    }

    fn nested(&mut self, read: fn(&mut Self) -> Result<Value, Kind>) -> Result<Value, Kind> {
        if self.depth == MAX_DEPTH {
            return Err(Kind::TooDeep);
        }
        self.depth += 1;
        let value = read(self)?;
        self.depth -= 1;
        Ok(value)
    }

    fn array(&mut self) -> Result<Value, Kind> {
        let mut items = Vec::new();
        self.at += 1;
        self.skip_whitespace();
        if self.eat(b']') {
            return Ok(Value::Array(items));
        }
        loop {
            match self.value() {
                Ok(item) => items.push(item),
                Err(kind) => {
                    self.trail.push(PathStep::Item { index: items.len() });
                    return Err(kind);
                }
            }
            if !self.goes_on(b']')? {
                return Ok(Value::Array(items));
            }
        }
    }

    fn object(&mut self) -> Result<Value, Kind> {
        let start = self.at;
        let mut object = Object::new();
        self.at += 1;
        self.skip_whitespace();
        if self.eat(b'}') {
            return Ok(Value::Object(object));
        }
        while {
            self.member(&mut object)?;
            self.goes_on(b'}')?
        } {}
        if object.len() > FEW_MEMBERS {
            self.refuse_duplicates(&object, start)?;
        }
        Ok(Value::Object(object))
    }

    fn member(&mut self, object: &mut Object) -> Result<(), Kind> {
        let name_offset = self.at;
        match self.peek() {
            Some(b'"') => {}
            Some(_) => return Err(Kind::ExpectedKey),
            None => return Err(Kind::UnexpectedEnd),
        }
        let name = self.string()?;
        if object.len() < FEW_MEMBERS && object.contains_key(&name) {
            self.at = name_offset;
            return Err(Kind::DuplicateKey);
        }
        self.colon()?;
        match self.value() {
            Ok(value) => object.push_unique(name, value),
            Err(kind) => {
                self.trail.push(PathStep::Member { name_offset });
                return Err(kind);
            }
        }
        Ok(())
    }

    fn colon(&mut self) -> Result<(), Kind> {
        self.skip_whitespace();
        if !self.eat(b':') {
            return Err(self.end_or(Kind::ExpectedColon));
        }
        self.skip_whitespace();
        Ok(())
    }

    /// After an element: whether another one follows, or `close` has been read.
    fn goes_on(&mut self, close: u8) -> Result<bool, Kind> {
        self.skip_whitespace();
        if self.eat(close) {
            return Ok(false);
        }
        if !self.eat(b',') {
            return Err(self.end_or(Kind::ExpectedCommaOrClose));
        }
        self.skip_whitespace();
        if self.peek() == Some(close) { Err(Kind::TrailingComma) } else { Ok(true) }
    }

    /// Sorting keeps an object of a whole mebibyte from costing the square of its members.
    fn refuse_duplicates(&mut self, object: &Object, start: usize) -> Result<(), Kind> {
        let mut names: Vec<(&str, usize)> = object.keys().zip(0..).collect();
        names.sort_unstable();
        let repeated = names.windows(2).filter(|pair| pair[0].0 == pair[1].0).map(|pair| pair[1].1).min();
        let Some(ordinal) = repeated else { return Ok(()) };
        let name_offset = locate(&self.bytes[start..], &[ordinal]).and_then(|place| place.name_offset);
        self.at = start + name_offset.unwrap_or(0);
        Err(Kind::DuplicateKey)
    }

    fn string(&mut self) -> Result<String, Kind> {
        self.at += 1;
        let start = self.at;
        self.at += plain_len(&self.bytes[start..]);
        let plain = &self.text[start..self.at];
        if self.eat(b'"') { Ok(plain.to_owned()) } else { self.string_with_escapes(plain.to_owned()) }
    }

    fn string_with_escapes(&mut self, mut text: String) -> Result<String, Kind> {
        loop {
            match self.peek() {
                Some(b'"') => break,
                Some(b'\\') => text.push(self.escape()?),
                Some(_) => return Err(Kind::ControlCharacter),
                None => return Err(Kind::UnexpectedEnd),
            }
            let start = self.at;
            self.at += plain_len(&self.bytes[start..]);
            text.push_str(&self.text[start..self.at]);
        }
        self.at += 1;
        Ok(text)
    }

    fn escape(&mut self) -> Result<char, Kind> {
        let meant = match self.bytes.get(self.at + 1) {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.unicode_escape(),
            Some(_) => return Err(Kind::InvalidEscape),
            None => {
                self.at += 1;
                return Err(Kind::UnexpectedEnd);
            }
        };
        self.at += 2;
        Ok(meant)
    }

    /// `\uXXXX`, or two of them that make up one character outside the basic plane.
    fn unicode_escape(&mut self) -> Result<char, Kind> {
        let first = self.hex_escape(self.at).ok_or(Kind::InvalidEscape)?;
        let (code, len) = if (0xD800..0xDC00).contains(&first) {
            let second = self.hex_escape(self.at + 6).filter(|code| (0xDC00..0xE000).contains(code));
            let second = second.ok_or(Kind::LoneSurrogate)?;
            (0x1_0000 + ((first - 0xD800) << 10) + (second - 0xDC00), 12)
        } else {
            (first, 6)
        };
        let meant = char::from_u32(code).ok_or(Kind::LoneSurrogate)?;
        self.at += len;
        Ok(meant)
    }

    /// The code unit of the `\uXXXX` at `start`, if there is one.
    fn hex_escape(&self, start: usize) -> Option<u32> {
        let digits = self.bytes.get(start..start + 6)?.strip_prefix(b"\\u")?;
        digits.iter().try_fold(0, |code, digit| Some(code << 4 | char::from(*digit).to_digit(16)?))
    }

    fn end_or(&self, kind: Kind) -> Kind {
        if self.at == self.bytes.len() { Kind::UnexpectedEnd } else { kind }
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn eat(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn skip_whitespace(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.peek() {
            self.at += 1;
        }
    }
}
