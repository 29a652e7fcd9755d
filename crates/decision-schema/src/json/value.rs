//! The value tree: what [`super::parse`] returns and every open-ended field of the contract holds.

use alloc::{string::String, vec::Vec};

/// Any JSON value. Objects keep the order in which their members came.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Value {
    /// `null`
    #[default]
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number; see [`Number`].
    Number(Number),
    /// A string of Unicode scalar values (no lone surrogates).
    String(String),
    /// An array.
    Array(Vec<Value>),
    /// An object without duplicate keys.
    Object(Object),
}

/// A JSON number. Integers within 64 bits keep their digits; everything else is a finite binary64.
///
/// Equality compares mathematical value across variants, so `1` and `1.0` are equal, as they are in JSON.
#[derive(Debug, Clone, Copy)]
pub enum Number {
    /// An integer in `i64`'s range.
    Int(i64),
    /// An integer above `i64::MAX`, in `u64`'s range.
    Uint(u64),
    /// A finite number written with a fraction or an exponent.
    Float(f64),
}

impl Number {
    /// The number as `i64`, if it is an integer in that range (a float with an integral value counts).
    pub fn as_i64(self) -> Option<i64> {
        match self {
            Self::Int(n) => Some(n),
            Self::Uint(n) => i64::try_from(n).ok(),
            #[expect(
                clippy::cast_possible_truncation,
                clippy::float_cmp,
                reason = "the cast is checked by casting back"
            )]
            Self::Float(f) => {
                let n = f as i64;
                (n as f64 == f && n != i64::MAX).then_some(n)
            }
        }
    }

    /// The number as the nearest binary64.
    pub fn as_f64(self) -> f64 {
        match self {
            Self::Int(n) => n as f64,
            Self::Uint(n) => n as f64,
            Self::Float(f) => f,
        }
    }
}

/// The `u64` that a float is, exactly.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::float_cmp,
    reason = "checked by casting back"
)]
fn integral_u64(f: f64) -> Option<u64> {
    let n = f as u64;
    (n as f64 == f && n != u64::MAX).then_some(n)
}

impl PartialEq for Number {
    fn eq(&self, other: &Self) -> bool {
        match (*self, *other) {
            (Self::Int(a), Self::Int(b)) => a == b,
            (Self::Uint(a), Self::Uint(b)) => a == b,
            (Self::Float(a), Self::Float(b)) => a == b,
            (Self::Float(f), n) | (n, Self::Float(f)) => match n {
                Self::Int(i) => Self::Float(f).as_i64() == Some(i),
                Self::Uint(u) => integral_u64(f) == Some(u),
                Self::Float(_) => false,
            },
            (Self::Int(_), Self::Uint(_)) | (Self::Uint(_), Self::Int(_)) => false,
        }
    }
}

/// An object's members in the order they came. Keys are unique; equality ignores order.
#[derive(Debug, Clone, Default)]
pub struct Object {
    members: Vec<(String, Value)>,
}

impl Object {
    /// An empty object.
    pub const fn new() -> Self {
        Self { members: Vec::new() }
    }

    /// The value under `key`, if any. Linear in the number of members, which is small in practice.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.members.iter().find(|(k, _)| k == key).map(|(_, v)| v)
    }

    /// Sets `key` to `value`, in place where the key exists, at the end where it does not. Returns what was there.
    pub fn insert(&mut self, key: impl Into<String> + AsRef<str>, value: impl Into<Value>) -> Option<Value> {
        let value = value.into();
        if let Some((_, slot)) = self.members.iter_mut().find(|(k, _)| k == key.as_ref()) {
            return Some(core::mem::replace(slot, value));
        }
        self.members.push((key.into(), value));
        None
    }

    /// Removes `key`, keeping the order of the others.
    pub fn remove(&mut self, key: &str) -> Option<Value> {
        let at = self.members.iter().position(|(k, _)| k == key)?;
        Some(self.members.remove(at).1)
    }

    /// Appends a member whose key the caller knows to be new, which is not checked: [`Object::insert`] has to look at
    /// every member first, and that is too slow for building large objects.
    pub fn push_unique(&mut self, key: String, value: Value) {
        self.members.push((key, value));
    }

    /// Whether `key` is present.
    pub fn contains_key(&self, key: &str) -> bool {
        self.get(key).is_some()
    }

    /// The number of members.
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// Whether there are no members.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// Members in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Value)> {
        self.members.iter().map(|(k, v)| (k.as_str(), v))
    }

    /// Members in order, values mutable. Keys stay as they are, so they stay unique.
    pub fn iter_mut(&mut self) -> impl ExactSizeIterator<Item = (&str, &mut Value)> {
        self.members.iter_mut().map(|(k, v)| (k.as_str(), v))
    }

    /// Keys in order.
    pub fn keys(&self) -> impl ExactSizeIterator<Item = &str> {
        self.members.iter().map(|(k, _)| k.as_str())
    }
}

impl PartialEq for Object {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.iter().all(|(k, v)| other.get(k) == Some(v))
    }
}

impl IntoIterator for Object {
    type Item = (String, Value);
    type IntoIter = alloc::vec::IntoIter<(String, Value)>;

    fn into_iter(self) -> Self::IntoIter {
        self.members.into_iter()
    }
}

impl<K: Into<String> + AsRef<str>, V: Into<Value>> FromIterator<(K, V)> for Object {
    /// Later values win over earlier ones under the same key.
    fn from_iter<I: IntoIterator<Item = (K, V)>>(members: I) -> Self {
        let mut object = Self::new();
        for (key, value) in members {
            object.insert(key, value);
        }
        object
    }
}

impl Value {
    /// The value under `key`, if this is an object that has it.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.as_object().and_then(|object| object.get(key))
    }

    /// The object, if this is one.
    pub fn as_object(&self) -> Option<&Object> {
        if let Self::Object(object) = self { Some(object) } else { None }
    }

    /// The string, if this is one.
    pub fn as_str(&self) -> Option<&str> {
        if let Self::String(text) = self { Some(text) } else { None }
    }

    /// The elements, if this is an array.
    pub fn as_array(&self) -> Option<&[Value]> {
        if let Self::Array(items) = self { Some(items) } else { None }
    }

    /// The boolean, if this is one.
    pub fn as_bool(&self) -> Option<bool> {
        if let Self::Bool(flag) = self { Some(*flag) } else { None }
    }

    /// The integer, if this is a number with an integral value in `i64`'s range.
    pub fn as_i64(&self) -> Option<i64> {
        if let Self::Number(number) = self { number.as_i64() } else { None }
    }

    /// The number, if this is one.
    pub fn as_number(&self) -> Option<Number> {
        if let Self::Number(number) = self { Some(*number) } else { None }
    }
}

macro_rules! from_integer {
    ($($int:ty),*) => {$(
        impl From<$int> for Value {
            fn from(n: $int) -> Self {
                Self::Number(Number::from(n))
            }
        }
        impl From<$int> for Number {
            fn from(n: $int) -> Self {
                match i64::try_from(n) {
                    Ok(n) => Self::Int(n),
                    Err(_) => Self::Uint(n as u64),
                }
            }
        }
    )*};
}
#[allow(clippy::cast_sign_loss, clippy::cast_lossless)]
mod from_integers {
    use super::{Number, Value};
    from_integer!(i32, i64, u8, u16, u32, u64, usize);
}

impl From<bool> for Value {
    fn from(flag: bool) -> Self {
        Self::Bool(flag)
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::String(text)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::String(text.into())
    }
}

impl From<Object> for Value {
    fn from(object: Object) -> Self {
        Self::Object(object)
    }
}

impl<T: Into<Value>> From<Vec<T>> for Value {
    fn from(items: Vec<T>) -> Self {
        Self::Array(items.into_iter().map(Into::into).collect())
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}
