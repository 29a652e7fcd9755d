//! From the file's text, the environment and values that are handed over to settings.

use decision_schema::Object;
use toml::de::DeTable;

use crate::{
    fault::{ConfigFault, Place, place_of},
    keys::{self, Key},
    nearest::nearest,
    settings::{Entry, Settings, from_variable, from_written},
    written::{self, Member, Written},
};

/// The variable that names the configuration file.
pub const FILE_VARIABLE: &str = "FAILSTOP_CONFIG";

/// Reads everything that is right, and notes everything that is wrong.
pub struct Reader {
    /// Concrete paths and their keys.
    known: Vec<(String, Key)>,
    /// What was read.
    pub settings: Settings,
    /// What is wrong.
    pub faults: Vec<ConfigFault>,
}

impl Reader {
    /// A reader that knows every key.
    pub fn new() -> Self {
        let known = keys::all()
            .into_iter()
            .flat_map(|key| key.concrete_paths().into_iter().map(move |path| (path, key.clone())));
        Self { known: known.collect(), settings: Settings::default(), faults: Vec::new() }
    }

    /// Reads the file's text.
    pub fn file(&mut self, text: &str) {
        match DeTable::parse(text) {
            Ok(table) => self.members("", written::of_table(table.get_ref(), text)),
            Err(error) => {
                let place = error.span().map_or(Place::Whole, |span| place_of(text, span.start));
                // The parser's own words may quote the file, which may hold secrets.
                let what =
                    if error.message().contains("duplicate") { "duplicate key" } else { "not valid TOML" };
                self.faults.push(ConfigFault::new("config_syntax", place, what));
            }
        }
    }

    /// Reads values that were handed over, in the shape of the file.
    pub fn values(&mut self, values: &Object) {
        self.members("", written::of_object(values));
    }

    fn members(&mut self, section: &str, members: Vec<Member<'_>>) {
        for Member { name, place, value } in members {
            let path = join(section, name);
            if let Some(key) = self.key(&path) {
                self.value(path, &key, value);
            } else if self.is_section(&path) {
                self.section(&path, value);
            } else {
                self.stranger(section, name, place);
            }
        }
    }

    fn value(&mut self, path: String, key: &Key, value: Written<'_>) {
        let place = value.place(&path);
        match from_written(key.kind, value) {
            Some(setting) => self.settings.set(path, Entry { setting, kind: key.kind, place: Some(place) }),
            None => self.faults.push(wrong_value(key, &path, place)),
        }
    }

    fn section(&mut self, path: &str, value: Written<'_>) {
        let Some(members) = value.members() else {
            let message = format!("{path} must be a table");
            let fault = ConfigFault::new("config_wrong_value", value.place(path), message);
            return self.faults.push(fault);
        };
        self.members(path, members);
    }

    /// Notes a name that `section` does not have.
    fn stranger(&mut self, section: &str, name: &str, place: Option<Place>) {
        let meant = self.meant(section, name);
        // A name that is no slip of a known one may be anything, a secret too, and is not repeated.
        let told = || meant.as_ref().map_or(section.to_owned(), |_| join(section, name));
        let place = place.unwrap_or_else(|| Place::Value(told()));
        let message = unknown(section, meant.as_deref());
        self.faults.push(ConfigFault::new("config_unknown_key", place, message));
    }

    /// Reads the variables that begin with `FAILSTOP_`.
    pub fn variables(&mut self, variables: impl Iterator<Item = (String, Option<String>)>) {
        for (name, raw) in
            variables.filter(|(name, _)| name.starts_with("FAILSTOP_") && name != FILE_VARIABLE)
        {
            let known = self.known.iter().find(|(path, _)| keys::variable(path) == name).cloned();
            let place = Place::Variable(name.clone());
            let Some((path, key)) = known else {
                let message = self.unknown_variable(&name);
                self.faults.push(ConfigFault::new("config_unknown_variable", place, message));
                continue;
            };
            match raw.and_then(|raw| from_variable(key.kind, &raw)) {
                Some(setting) => {
                    self.settings.set(path, Entry { setting, kind: key.kind, place: Some(place) });
                }
                None => self.faults.push(wrong_value(&key, &path, place)),
            }
        }
    }

    fn key(&self, path: &str) -> Option<Key> {
        self.known.iter().find(|(known, _)| known == path).map(|(_, key)| key.clone())
    }

    fn is_section(&self, path: &str) -> bool {
        self.known.iter().any(|(known, _)| known.strip_prefix(path).is_some_and(|rest| rest.starts_with('.')))
    }

    /// What was meant by a name that `section` does not have: the nearest that it has, or where the name does exist.
    fn meant(&self, section: &str, name: &str) -> Option<String> {
        let siblings = self.known.iter().filter_map(|(path, _)| {
            let rest =
                if section.is_empty() { path } else { path.strip_prefix(section)?.strip_prefix('.')? };
            rest.split('.').next()
        });
        let elsewhere =
            || self.known.iter().find(|(_, key)| key.name() == name).map(|(path, _)| path.as_str());
        nearest(name, siblings).or_else(elsewhere).map(str::to_owned)
    }

    fn unknown_variable(&self, name: &str) -> String {
        let names: Vec<String> = self.known.iter().map(|(path, _)| keys::variable(path)).collect();
        match nearest(name, names.iter().map(String::as_str).chain([FILE_VARIABLE])) {
            Some(meant) => format!("no such setting; did you mean {meant}?"),
            None => "no such setting; names are FAILSTOP_ and the key's path in capitals".to_owned(),
        }
    }

    /// Gives every key that stands alone its default, and the keys of those executors that are there.
    pub fn defaults(&mut self) {
        for (path, key) in &self.known {
            let section = path.rsplit_once('.').map_or("", |(section, _)| section);
            let kind = self.settings.text(&join(section, "kind")).map(str::to_owned);
            let is_in_use = || kind.as_deref().is_some_and(|kind| key.only.contains(&kind));
            if key.stands_alone() || is_in_use() {
                self.settings.default_to(path, key);
            }
        }
    }

    /// Whether a kind of executor knows a key.
    pub fn knows(&self, kind: &str, path: &str) -> bool {
        self.key(path).is_none_or(|key| key.only.is_empty() || key.only.contains(&kind))
    }
}

fn unknown(section: &str, meant: Option<&str>) -> String {
    let place = if section.is_empty() { String::new() } else { format!(" in [{section}]") };
    match meant {
        Some(meant) => format!("unknown key{place}; did you mean {meant}?"),
        None => format!("unknown key{place}; see docs/configuration.md for the keys there are"),
    }
}

fn wrong_value(key: &Key, path: &str, place: Place) -> ConfigFault {
    ConfigFault::new("config_wrong_value", place, format!("{path} must be {}", key.kind.expected()))
}

fn join(section: &str, name: &str) -> String {
    if section.is_empty() { name.to_owned() } else { format!("{section}.{name}") }
}
