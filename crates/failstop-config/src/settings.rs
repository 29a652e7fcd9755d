//! The values of a configuration by path, and where each came from.

use std::collections::BTreeMap;

use decision_schema::{Action, Object, Value};
use failstop::core::redaction::REDACTED;
use toml::de::DeTable;

use crate::{
    fault::Place,
    keys::{EFFECTS, Key, Kind},
    written::Written,
};

/// One value.
#[derive(Clone, PartialEq)]
pub enum Setting {
    /// An integer.
    Integer(u64),
    /// A number.
    Number(f64),
    /// `true` or `false`.
    Flag(bool),
    /// A string.
    Text(String),
    /// Strings.
    Texts(Vec<String>),
    /// Names and strings.
    Table(Vec<(String, String)>),
}

/// A value and where it came from; `None` for a default.
#[derive(Clone)]
pub struct Entry {
    /// The value.
    pub setting: Setting,
    /// What it may hold.
    pub kind: Kind,
    /// Where it was set.
    pub place: Option<Place>,
}

/// Every value in force, by dotted path.
#[derive(Clone, Default)]
pub struct Settings {
    entries: BTreeMap<String, Entry>,
}

impl Settings {
    /// Sets `path`, in place of what was there.
    pub fn set(&mut self, path: String, entry: Entry) {
        self.entries.insert(path, entry);
    }

    /// Every entry by path.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Entry)> {
        self.entries.iter().map(|(path, entry)| (path.as_str(), entry))
    }

    /// Whether anything under `prefix` is set.
    pub fn has_section(&self, prefix: &str) -> bool {
        self.under(prefix).next().is_some()
    }

    /// The entries under `prefix`, with the rest of their paths.
    pub fn under<'s>(&'s self, prefix: &'s str) -> impl Iterator<Item = (&'s str, &'s Entry)> {
        self.iter()
            .filter_map(move |(path, entry)| Some((path.strip_prefix(prefix)?.strip_prefix('.')?, entry)))
    }

    /// Sets the default of `key` at `path`, unless something is set there.
    pub fn default_to(&mut self, path: &str, key: &Key) {
        let Some(default) = key.default.filter(|_| !self.entries.contains_key(path)) else { return };
        if let Some(setting) = from_toml_text(key.kind, default) {
            self.set(path.to_owned(), Entry { setting, kind: key.kind, place: None });
        }
    }

    /// Where `path` was set.
    pub fn place(&self, path: &str) -> Place {
        self.entries.get(path).and_then(|entry| entry.place.clone()).unwrap_or(Place::Whole)
    }

    fn setting(&self, path: &str) -> Option<&Setting> {
        self.entries.get(path).map(|entry| &entry.setting)
    }

    /// The integer at `path`.
    pub fn integer(&self, path: &str) -> Option<u64> {
        if let Setting::Integer(value) = self.setting(path)? { Some(*value) } else { None }
    }

    /// The integer at `path`, which its range keeps within 32 bits.
    pub fn integer32(&self, path: &str) -> Option<u32> {
        self.integer(path).map(|value| u32::try_from(value).unwrap_or(u32::MAX))
    }

    /// The number at `path`.
    pub fn number(&self, path: &str) -> Option<f64> {
        if let Setting::Number(value) = self.setting(path)? { Some(*value) } else { None }
    }

    /// Whether `path` is `true`.
    pub fn flag(&self, path: &str) -> bool {
        self.setting(path) == Some(&Setting::Flag(true))
    }

    /// The string at `path`.
    pub fn text(&self, path: &str) -> Option<&str> {
        if let Setting::Text(value) = self.setting(path)? { Some(value) } else { None }
    }

    /// The strings at `path`.
    pub fn texts(&self, path: &str) -> &[String] {
        if let Some(Setting::Texts(value)) = self.setting(path) { value } else { &[] }
    }

    /// The table at `path`.
    pub fn table(&self, path: &str) -> &[(String, String)] {
        if let Some(Setting::Table(value)) = self.setting(path) { value } else { &[] }
    }
}

impl Entry {
    /// Scheme and host, if it is a URL.
    pub fn url_host(&self) -> Option<String> {
        let Setting::Text(url) = &self.setting else { return None };
        let (scheme, rest) = url.split_once("://")?;
        let host = rest.split(['/', '?', '#']).next()?;
        (!host.contains('@')).then(|| format!("{scheme}://{host}/..."))
    }

    /// The value as it may be shown.
    pub fn shown(&self) -> Value {
        let hidden = |_: &String| Value::from(REDACTED);
        let shown = |text: &String| Value::from(text.as_str());
        let show: &dyn Fn(&String) -> Value = if self.kind.is_hidden() { &hidden } else { &shown };
        match &self.setting {
            Setting::Integer(value) => Value::from(*value),
            Setting::Number(value) => Value::Number(decision_schema::Number::Float(*value)),
            Setting::Flag(value) => Value::from(*value),
            Setting::Text(text) => show(text),
            Setting::Texts(texts) => Value::Array(texts.iter().map(show).collect()),
            Setting::Table(table) => Value::Object(
                table.iter().map(|(name, text)| (name.as_str(), show(text))).collect::<Object>(),
            ),
        }
    }
}

/// The value that `text`, written as TOML, has as this kind.
pub(crate) fn from_toml_text(kind: Kind, text: &str) -> Option<Setting> {
    let document = format!("value = {text}");
    let table = DeTable::parse(&document).ok()?;
    from_written(kind, Written::Toml(table.get_ref().get("value")?, &document))
}

/// The value as this kind, if it is one.
pub(crate) fn from_written(kind: Kind, value: Written<'_>) -> Option<Setting> {
    match kind {
        Kind::Integer { min, max } => {
            value.integer().filter(|n| (min..=max).contains(n)).map(Setting::Integer)
        }
        Kind::Number { min, max } => value.number().filter(|n| (min..=max).contains(n)).map(Setting::Number),
        Kind::Flag => value.flag().map(Setting::Flag),
        Kind::Choice(names) => value.text().filter(|name| names.contains(name)).map(text),
        Kind::Text | Kind::HiddenText => value.text().map(text),
        Kind::Path => value.text().filter(|path| !path.is_empty()).map(text),
        Kind::Texts | Kind::HiddenTexts => value.texts().map(Setting::Texts),
        Kind::Actions => value
            .texts()
            .filter(|names| names.iter().all(|name| Action::from_name(name).is_some()))
            .map(Setting::Texts),
        Kind::Secrets => table(value, |_, _| true),
        Kind::Effects { min, max } => {
            let is_code = |code: &str| code.parse().is_ok_and(|code: i64| (min..=max).contains(&code));
            table(value, |code, effect| is_code(code) && EFFECTS.contains(&effect))
        }
    }
}

/// The value that an environment variable's text has as this kind. Strings stand as they are, lists are separated by
/// commas or written as TOML, tables are written as TOML.
pub(crate) fn from_variable(kind: Kind, raw: &str) -> Option<Setting> {
    match kind {
        Kind::Choice(names) => names.contains(&raw).then(|| text(raw)),
        Kind::Text | Kind::HiddenText => Some(text(raw)),
        Kind::Path => (!raw.is_empty()).then(|| text(raw)),
        Kind::Texts | Kind::HiddenTexts | Kind::Actions if !raw.trim_start().starts_with('[') => {
            let items: Vec<String> =
                raw.split(',').map(|item| item.trim().to_owned()).filter(|item| !item.is_empty()).collect();
            let is_right =
                kind != Kind::Actions || items.iter().all(|name| Action::from_name(name).is_some());
            is_right.then_some(Setting::Texts(items))
        }
        _ if raw.contains(['\n', '\r']) => None,
        _ => from_toml_text(kind, raw),
    }
}

fn text(text: &str) -> Setting {
    Setting::Text(text.to_owned())
}

fn table(value: Written<'_>, is_right: impl Fn(&str, &str) -> bool) -> Option<Setting> {
    let pairs = value.members()?.into_iter().map(|member| {
        let (name, value) = (member.name, member.value.text()?);
        is_right(name, value).then(|| (name.to_owned(), value.to_owned()))
    });
    pairs.collect::<Option<Vec<_>>>().map(Setting::Table)
}
