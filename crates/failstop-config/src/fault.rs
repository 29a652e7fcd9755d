//! What can be wrong with a configuration, and where.

use std::fmt;

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigFault {
    /// A stable name.
    pub code: &'static str,
    /// Where.
    pub place: Place,
    /// What; never holds values of the configuration.
    pub message: String,
}

/// Where in the configuration.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// The file as a whole, or no file at all.
    Whole,
    /// In the file, both from 1.
    File {
        /// From 1.
        line: usize,
        /// In characters, from 1.
        column: usize,
    },
    /// In an environment variable.
    Variable(String),
    /// In a value that was handed over, at this dotted path; empty: in all of them.
    Value(String),
}

impl ConfigFault {
    /// A fault at a place.
    pub fn new(code: &'static str, place: Place, message: impl Into<String>) -> Self {
        Self { code, place, message: message.into() }
    }
}

/// Everything that is wrong with a configuration; at least one fault.
#[derive(Debug, Clone)]
pub struct InvalidConfig {
    /// The file's name as it was given, if there is one.
    pub file: Option<String>,
    /// What is wrong, in the order of places.
    pub faults: Vec<ConfigFault>,
}

impl fmt::Display for InvalidConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = self.file.as_deref().unwrap_or("configuration");
        for (index, ConfigFault { code, place, message }) in self.faults.iter().enumerate() {
            let end = if index > 0 { "\n" } else { "" };
            match place {
                Place::Whole => write!(f, "{end}{file}: {message} ({code})")?,
                Place::File { line, column } => write!(f, "{end}{file}:{line}:{column}: {message} ({code})")?,
                Place::Variable(name) => write!(f, "{end}{name}: {message} ({code})")?,
                Place::Value(path) => {
                    write!(f, "{end}{}: {} ({code})", place_name(path), without(path, message))?;
                }
            }
        }
        Ok(())
    }
}

impl std::error::Error for InvalidConfig {}

fn place_name(path: &str) -> &str {
    if path.is_empty() { "configuration" } else { path }
}

/// A message that begins with `path`, which was said already, without it.
fn without<'m>(path: &str, message: &'m str) -> &'m str {
    let rest = message.strip_prefix(path).and_then(|rest| rest.strip_prefix(' '));
    rest.filter(|rest| rest.starts_with(char::is_alphabetic)).unwrap_or(message)
}

/// The place of a byte in a text.
pub(crate) fn place_of(text: &str, offset: usize) -> Place {
    let before = text.get(..offset).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    Place::File { line, column }
}
