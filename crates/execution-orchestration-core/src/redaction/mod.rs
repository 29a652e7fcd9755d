//! Keeps secrets out of everything that is written: reports, logs, ledgers.
//!
//! Three layers, in this order: values registered as secret (in whatever encoding they come back), names of members
//! that speak of secrets, and texts that look like credentials. The shape of the data stays as it is. Start with
//! [`Redactor`]; [`Profile`] says how far it goes.

mod encodings;
mod glance;
mod key_names;
mod patterns;
mod registered;
mod spans;
mod walk;

use alloc::{
    borrow::{Cow, ToOwned},
    string::String,
    vec::Vec,
};
use core::fmt;

use decision_schema::{Object, Value};

use glance::Glance;
pub use key_names::{REDACT_PATTERNS, is_secret_key};
pub use registered::RegisteredSecrets;
use spans::Spans;

/// What stands in the place of what was redacted.
pub const REDACTED: &str = "[REDACTED]";

/// A text that is not settled after this many passes is redacted whole.
const MAX_PASSES: usize = 8;

/// How far redaction goes. Both redact scalars, also in lists, under a member whose name speaks of a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Profile {
    /// As the reference does: an object under such a name is kept, and its own names decide.
    Reference,
    /// Everything under such a name, at any depth, and credentials in texts and in names. The default; always
    /// redacts at least what [`Profile::Reference`] does.
    #[default]
    Strict,
}

/// Redacts values and texts. Cheap to clone; make one and keep it.
///
/// ```
/// use decision_schema::{Object, Value};
/// use execution_orchestration_core::redaction::{Profile, Redactor};
///
/// let redactor = Redactor::new(Profile::Strict);
/// let mut value = Value::from(Object::from_iter([("user", "ada"), ("apiKey", "1234")]));
/// redactor.redact(&mut value);
/// assert_eq!(value.get("user"), Some(&Value::from("ada")));
/// assert_eq!(value.get("apiKey"), Some(&Value::from("[REDACTED]")));
/// assert_eq!(redactor.redact_text("postgres://ada:1234@db/x"), "postgres://ada:[REDACTED]@db/x");
/// ```
#[derive(Clone)]
pub struct Redactor {
    profile: Profile,
    keep: Vec<String>,
    standing: RegisteredSecrets,
    registered: RegisteredSecrets,
}

impl Redactor {
    /// A redactor of this profile, with no exceptions and no registered secrets.
    pub const fn new(profile: Profile) -> Self {
        let (standing, registered) = (RegisteredSecrets::NONE, RegisteredSecrets::NONE);
        Self { profile, keep: Vec::new(), standing, registered }
    }

    /// This redactor, for which the names in `keep` do not speak of secrets. Names are compared whole, in any case.
    /// What a kept name holds is still redacted under a name that speaks of one, and where it is itself a secret.
    #[must_use]
    pub fn with_keep<S: AsRef<str>>(mut self, keep: impl IntoIterator<Item = S>) -> Self {
        self.keep.extend(keep.into_iter().map(|name| name.as_ref().to_lowercase()));
        self
    }

    /// This redactor, which also redacts `standing` wherever it stands, in every scope: what configuration knows to be
    /// secret. Replaces what stood before.
    #[must_use]
    pub fn with_standing(self, standing: RegisteredSecrets) -> Self {
        Self { standing, ..self }
    }

    /// This redactor, which also redacts `registered` wherever it stands. Replaces what was registered before.
    #[must_use]
    pub fn scoped(&self, registered: &RegisteredSecrets) -> Self {
        Self { registered: registered.clone(), ..self.clone() }
    }

    /// Redacts `value` in place; what is clean is only read.
    ///
    /// Scalars become [`REDACTED`], or keep the harmless part of their text; names lose the harmful part of theirs and
    /// stay unique. What is nested deeper than 256 levels is redacted whole. Doing it twice is doing it once.
    pub fn redact(&self, value: &mut Value) {
        walk::redact(self, value);
    }

    /// Redacts `object` in place, as [`Redactor::redact`] does.
    pub fn redact_object(&self, object: &mut Object) {
        let mut value = Value::Object(core::mem::take(object));
        self.redact(&mut value);
        if let Value::Object(redacted) = value {
            *object = redacted;
        }
    }

    /// `text` without its secrets. Borrowed if it has none.
    pub fn redact_text<'a>(&self, text: &'a str) -> Cow<'a, str> {
        self.find_and_replace(text).map_or(Cow::Borrowed(text), Cow::Owned)
    }

    /// The scalars that stand under names which speak of secrets: strings of at least 6 bytes, numbers of at least 6
    /// digits. For [`Redactor::scoped`], so that whoever echoes them is redacted too.
    pub fn collect_secrets(&self, value: &Value) -> RegisteredSecrets {
        RegisteredSecrets::new(walk::secrets_in(self, [value]))
    }

    /// As [`Redactor::collect_secrets`], from several objects.
    pub fn collect_secrets_in<'a>(&self, objects: impl IntoIterator<Item = &'a Object>) -> RegisteredSecrets {
        RegisteredSecrets::new(walk::secrets_in_objects(self, objects))
    }

    /// Whether `key` speaks of a secret, exceptions heeded.
    pub fn is_secret_key(&self, key: &str) -> bool {
        is_secret_key(key) && (self.keep.is_empty() || !self.keep.contains(&key.to_lowercase()))
    }

    /// Whether the text at which `glance` was, `len` bytes long, may hold what must go.
    fn may_find(&self, glance: Glance, len: usize) -> bool {
        let is_strict = self.profile == Profile::Strict;
        self.knows_values() || (is_strict && patterns::may_stand_in(glance, len))
    }

    const fn knows_values(&self) -> bool {
        !self.registered.is_empty() || !self.standing.is_empty()
    }

    /// The redacted text, if anything in `text` must go.
    fn find_and_replace(&self, text: &str) -> Option<String> {
        let spans = self.spans_in(text);
        if spans.is_empty() { None } else { self.replace(text, spans) }
    }

    /// What one pass takes out can lay bare a boundary that makes the rest a match, so passes are repeated until nothing
    /// is found: that is what makes redaction idempotent.
    #[cold]
    fn replace(&self, text: &str, spans: Spans) -> Option<String> {
        let mut redacted = spans.replaced_in(text)?;
        for _ in 1..MAX_PASSES {
            match self.spans_in(&redacted).replaced_in(&redacted) {
                Some(next) => redacted = next,
                None => return Some(redacted),
            }
        }
        Some(REDACTED.to_owned())
    }

    #[inline]
    fn spans_in(&self, text: &str) -> Spans {
        let mut spans = Spans::default();
        if self.knows_values() {
            self.standing.find(text, &mut spans);
            self.registered.find(text, &mut spans);
        }
        if self.profile == Profile::Strict {
            patterns::find(text, &mut spans);
        }
        spans
    }
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redactor")
            .field("profile", &self.profile)
            .field("keep", &self.keep)
            .field("standing", &self.standing)
            .field("registered", &self.registered)
            .finish()
    }
}

/// A copy of `value` redacted with [`Profile::Reference`], under the reference's own name.
pub fn redact_execution_log(value: &Value) -> Value {
    let mut copy = value.clone();
    Redactor::new(Profile::Reference).redact(&mut copy);
    copy
}
