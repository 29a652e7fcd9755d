//! A value as somebody wrote it: in a TOML file, or handed over as an object. Read the same way from both.

use decision_schema::{Number, Object, Value};
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use crate::fault::{Place, place_of};

/// A value that was written.
#[derive(Clone, Copy)]
pub(crate) enum Written<'v> {
    /// In TOML, with the text it stands in.
    Toml(&'v Spanned<DeValue<'v>>, &'v str),
    /// In an object.
    Given(&'v Value),
}

/// A name and its value.
pub(crate) struct Member<'v> {
    /// The name.
    pub(crate) name: &'v str,
    /// Where the name stands, if that can be told without repeating it.
    pub(crate) place: Option<Place>,
    /// The value.
    pub(crate) value: Written<'v>,
}

/// What a TOML table of `text` holds.
pub(crate) fn of_table<'v>(table: &'v DeTable<'v>, text: &'v str) -> Vec<Member<'v>> {
    let member = |(name, value): (&'v Spanned<_>, &'v _)| {
        let place = place_of(text, name.span().start);
        let name: &'v std::borrow::Cow<'v, str> = name.get_ref();
        Member { name, place: Some(place), value: Written::Toml(value, text) }
    };
    table.iter().map(member).collect()
}

/// What an object holds.
pub(crate) fn of_object(object: &Object) -> Vec<Member<'_>> {
    object.iter().map(|(name, value)| Member { name, place: None, value: Written::Given(value) }).collect()
}

impl<'v> Written<'v> {
    /// Where it stands; `path` is its own.
    pub(crate) fn place(self, path: &str) -> Place {
        match self {
            Self::Toml(value, text) => place_of(text, value.span().start),
            Self::Given(_) => Place::Value(path.to_owned()),
        }
    }

    /// `true` or `false`.
    pub(crate) fn flag(self) -> Option<bool> {
        match self {
            Self::Toml(value, _) => value.get_ref().as_bool(),
            Self::Given(value) => value.as_bool(),
        }
    }

    /// An integer from 0 on.
    pub(crate) fn integer(self) -> Option<u64> {
        match self {
            Self::Toml(value, _) => {
                let integer = value.get_ref().as_integer()?;
                u64::from_str_radix(integer.as_str(), integer.radix()).ok()
            }
            Self::Given(value) => match value.as_number()? {
                Number::Int(integer) => u64::try_from(integer).ok(),
                Number::Uint(integer) => Some(integer),
                Number::Float(_) => None,
            },
        }
    }

    /// A number.
    pub(crate) fn number(self) -> Option<f64> {
        let float = match self {
            Self::Toml(value, _) => value.get_ref().as_float().and_then(|float| float.as_str().parse().ok()),
            Self::Given(value) => match value.as_number()? {
                Number::Float(float) => Some(float),
                Number::Int(_) | Number::Uint(_) => None,
            },
        };
        float.or_else(|| self.integer().map(|integer| integer as f64))
    }

    /// A string.
    pub(crate) fn text(self) -> Option<&'v str> {
        match self {
            Self::Toml(value, _) => value.get_ref().as_str(),
            Self::Given(value) => value.as_str(),
        }
    }

    /// An array of strings.
    pub(crate) fn texts(self) -> Option<Vec<String>> {
        match self {
            Self::Toml(value, _) => {
                let items = value.get_ref().as_array()?.iter();
                items.map(|item| item.get_ref().as_str().map(str::to_owned)).collect()
            }
            Self::Given(value) => {
                value.as_array()?.iter().map(|item| item.as_str().map(str::to_owned)).collect()
            }
        }
    }

    /// What it holds, if it is a table.
    pub(crate) fn members(self) -> Option<Vec<Member<'v>>> {
        match self {
            Self::Toml(value, text) => value.get_ref().as_table().map(|table| of_table(table, text)),
            Self::Given(value) => value.as_object().map(of_object),
        }
    }
}
