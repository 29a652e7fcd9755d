//! Reads a number literal: digits of integers are kept, everything else becomes the nearest binary64.

use super::{Number, fault::JsonFaultKind as Kind, parse::Integers};

/// Reads the number at `*at`, which is left behind it, or on an error where the fault is.
pub(super) fn number(text: &str, at: &mut usize, integers: Integers) -> Result<Number, Kind> {
    let start = *at;
    let mut literal = Literal { bytes: text.as_bytes(), at };
    let negative = literal.eat(b'-');
    let magnitude = literal.integer_part()?;
    let read = if matches!(literal.peek(), Some(b'.' | b'e' | b'E')) {
        literal.fraction()?;
        literal.exponent()?;
        finite(&text[start..*at]).ok_or(Kind::FloatOutOfRange)
    } else {
        let wide = || if integers == Integers::WideAreFloats { finite(&text[start..*at]) } else { None };
        integer(negative, magnitude).or_else(wide).ok_or(Kind::IntegerOutOfRange)
    };
    if read.is_err() {
        *at = start;
    }
    read
}

fn finite(literal: &str) -> Option<Number> {
    let nearest: f64 = literal.parse().ok()?;
    nearest.is_finite().then_some(Number::Float(nearest))
}

fn integer(negative: bool, magnitude: Option<u64>) -> Option<Number> {
    match (negative, magnitude?) {
        (false, magnitude) => Some(Number::from(magnitude)),
        (true, 0) => Some(Number::Float(-0.0)),
        (true, magnitude) => 0_i64.checked_sub_unsigned(magnitude).map(Number::Int),
    }
}

struct Literal<'a> {
    bytes: &'a [u8],
    at: &'a mut usize,
}

impl Literal<'_> {
    /// The value of the digits before any `.` or `e`; `None` where it is beyond `u64`.
    fn integer_part(&mut self) -> Result<Option<u64>, Kind> {
        let zero = *self.at;
        if !self.eat(b'0') {
            return self.digits();
        }
        if matches!(self.peek(), Some(b'0'..=b'9')) {
            *self.at = zero;
            return Err(Kind::LeadingZero);
        }
        Ok(Some(0))
    }

    fn fraction(&mut self) -> Result<(), Kind> {
        if self.eat(b'.') { self.digits().map(drop) } else { Ok(()) }
    }

    fn exponent(&mut self) -> Result<(), Kind> {
        if !self.eat(b'e') && !self.eat(b'E') {
            return Ok(());
        }
        if !self.eat(b'+') {
            self.eat(b'-');
        }
        self.digits().map(drop)
    }

    /// At least one digit.
    fn digits(&mut self) -> Result<Option<u64>, Kind> {
        let start = *self.at;
        let mut value = Some(0_u64);
        while let Some(digit @ b'0'..=b'9') = self.peek() {
            value = value.and_then(|value| value.checked_mul(10)?.checked_add(u64::from(digit - b'0')));
            *self.at += 1;
        }
        if *self.at == start { Err(self.no_digit()) } else { Ok(value) }
    }

    fn no_digit(&self) -> Kind {
        match self.bytes.get(*self.at..) {
            None | Some([]) => Kind::UnexpectedEnd,
            Some(rest) if rest.starts_with(b"Infinity") => Kind::NotFinite,
            Some(_) => Kind::InvalidNumber,
        }
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(*self.at).copied()
    }

    fn eat(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        *self.at += usize::from(found);
        found
    }
}
