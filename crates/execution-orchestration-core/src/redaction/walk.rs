//! The way through a value: what stands under a name that speaks of a secret, and what does not.

use alloc::{borrow::ToOwned, collections::BTreeSet, format, string::String, vec::Vec};

use decision_schema::{Object, Value};

use super::{
    Profile, REDACTED, Redactor,
    encodings::number_text,
    glance::Glance,
    is_secret_key,
    registered::{Found, has_enough_digits},
};

/// What lies deeper is redacted whole.
const MAX_DEPTH: usize = 256;

/// A container that is still to be looked at.
struct Pending<'a> {
    value: &'a mut Value,
    is_secret: bool,
    depth: usize,
}

/// Redacts `value` in place. Pending containers wait in a list, so that nesting does not grow the stack.
pub(super) fn redact(redactor: &Redactor, value: &mut Value) {
    let mut pending = Vec::new();
    visit(redactor, Pending { value, is_secret: false, depth: 0 }, &mut pending);
    while let Some(Pending { value, is_secret, depth }) = pending.pop() {
        let waiting = pending.len();
        match value {
            Value::Array(items) => {
                for value in items {
                    visit(redactor, Pending { value, is_secret, depth: depth + 1 }, &mut pending);
                }
            }
            Value::Object(object) => {
                let is_inherited = is_secret && redactor.profile == Profile::Strict;
                let telling = look_at_names(redactor, object);
                for (at, (name, value)) in object.iter_mut().enumerate() {
                    let speaks = match &telling {
                        Telling::None => false,
                        Telling::Some => redactor.is_secret_key(name),
                        Telling::Listed(secret) => secret[at],
                    };
                    visit(
                        redactor,
                        Pending { value, is_secret: is_inherited || speaks, depth: depth + 1 },
                        &mut pending,
                    );
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
        // The first is next: what was made in order is read fastest in order.
        pending[waiting..].reverse();
    }
}

/// Redacts a scalar at once, and lets a container wait.
fn visit<'a>(redactor: &Redactor, place: Pending<'a>, pending: &mut Vec<Pending<'a>>) {
    match place.value {
        Value::Array(_) | Value::Object(_) if place.depth > MAX_DEPTH => {
            dismantle(core::mem::replace(place.value, Value::from(REDACTED)));
        }
        Value::Array(_) | Value::Object(_) => pending.push(place),
        Value::String(text) if place.is_secret => {
            if text != REDACTED {
                REDACTED.clone_into(text);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) if place.is_secret => {
            *place.value = Value::from(REDACTED);
        }
        Value::String(text) => {
            if let Some(redacted) = redactor.find_and_replace(text) {
                *text = redacted;
            }
        }
        Value::Number(number) => {
            if !redactor.registered.is_empty() && redactor.find_and_replace(&number_text(*number)).is_some() {
                *place.value = Value::from(REDACTED);
            }
        }
        Value::Null | Value::Bool(_) => {}
    }
}

/// Drops a value level by level; dropping it as it is would recurse as deep as it nests.
fn dismantle(value: Value) {
    let mut values = Vec::from([value]);
    while let Some(value) = values.pop() {
        match value {
            Value::Array(items) => values.extend(items),
            Value::Object(object) => values.extend(object.into_iter().map(|(_, value)| value)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
}

/// Which names of an object speak of a secret.
enum Telling {
    None,
    /// Perhaps some: their own looks say.
    Some,
    /// For each member, whether its old name did: the new one may not say so.
    Listed(Vec<bool>),
}

/// Takes secrets out of the names of `object`, and says which ones spoke of a secret.
fn look_at_names(redactor: &Redactor, object: &mut Object) -> Telling {
    let mut may_speak = false;
    let has_one = |name: &str| {
        let glance = Glance::at(name.as_bytes());
        may_speak |= glance.may_speak();
        redactor.may_find(glance, name.len()) && redactor.find_and_replace(name).is_some()
    };
    let first = object.keys().position(has_one);
    match first {
        Some(first) => Telling::Listed(rename(redactor, object, first)),
        None if may_speak => Telling::Some,
        None => Telling::None,
    }
}

/// Takes secrets out of the names of `object` from the `first` one that has any. Returns of each member whether its
/// old name spoke of a secret.
#[cold]
fn rename(redactor: &Redactor, object: &mut Object, first: usize) -> Vec<bool> {
    let later = object.keys().skip(first).map(|name| redactor.find_and_replace(name));
    let renamed: Vec<Option<String>> = core::iter::repeat_with(|| None).take(first).chain(later).collect();
    // An exception for a name that does not stay would be gone the next time, so it does not count now either.
    let speaks = |(name, new): (&str, &Option<String>)| match new {
        Some(_) => is_secret_key(name),
        None => redactor.is_secret_key(name),
    };
    let secret = object.keys().zip(&renamed).map(speaks).collect();
    let mut names =
        Names::new(object.keys().zip(&renamed).filter(|(_, new)| new.is_none()).map(|(name, _)| name));
    let mut members = Object::new();
    for ((name, value), renamed) in core::mem::take(object).into_iter().zip(renamed) {
        members.push_unique(renamed.map_or(name, |renamed| names.claim(&renamed)), value);
    }
    *object = members;
    secret
}

/// The names of an object that are taken.
struct Names {
    taken: BTreeSet<String>,
    next: usize,
}

impl Names {
    fn new<'a>(taken: impl Iterator<Item = &'a str>) -> Self {
        Self { taken: taken.map(ToOwned::to_owned).collect(), next: 2 }
    }

    /// `name` if it is free, else `name` with a number that makes it so.
    fn claim(&mut self, name: &str) -> String {
        let mut free = name.to_owned();
        while self.taken.contains(&free) {
            free = format!("{name}#{}", self.next);
            self.next += 1;
        }
        self.taken.insert(free.clone());
        free
    }
}

/// The scalars in `values` that stand under names which speak of secrets, at any depth.
pub(super) fn secrets_in<'a>(redactor: &Redactor, values: impl IntoIterator<Item = &'a Value>) -> Found {
    let mut search = Search { found: Found::new(), pending: Vec::new() };
    for value in values {
        search.visit(value, false);
    }
    search.finish(redactor)
}

/// As [`secrets_in`], in objects.
pub(super) fn secrets_in_objects<'a>(
    redactor: &Redactor,
    objects: impl IntoIterator<Item = &'a Object>,
) -> Found {
    let mut search = Search { found: Found::new(), pending: Vec::new() };
    for object in objects {
        search.members(redactor, object, false);
    }
    search.finish(redactor)
}

struct Search<'a> {
    found: Found,
    pending: Vec<(&'a Value, bool)>,
}

impl<'a> Search<'a> {
    fn visit(&mut self, value: &'a Value, is_secret: bool) {
        match value {
            Value::Array(_) | Value::Object(_) => self.pending.push((value, is_secret)),
            Value::String(text) if is_secret => self.found.push(text.clone()),
            Value::Number(number) if is_secret => {
                let text = number_text(*number);
                if has_enough_digits(&text) {
                    self.found.push(text);
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }

    fn members(&mut self, redactor: &Redactor, object: &'a Object, is_secret: bool) {
        for (name, value) in object.iter() {
            self.visit(value, is_secret || redactor.is_secret_key(name));
        }
    }

    fn finish(mut self, redactor: &Redactor) -> Found {
        while let Some((value, is_secret)) = self.pending.pop() {
            match value {
                Value::Array(items) => items.iter().for_each(|item| self.visit(item, is_secret)),
                Value::Object(object) => self.members(redactor, object, is_secret),
                Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
            }
        }
        self.found
    }
}
