//! The way through a log. It runs code of others (keys and containers may be of any class), so nothing here relies on
//! objects staying as they were: dicts and lists are copied at once and looked at in the copy.

use std::mem;

use failstop::core::redaction::REDACTED;
use pyo3::{
    intern,
    prelude::*,
    types::{PyDict, PyList, PyString},
};

use super::{
    kinds::{Container, container, speaks_of_a_secret},
    met::{AllMet, Id, Met},
};

/// What lies deeper is redacted whole, as in the engine.
const MAX_DEPTH: usize = 256;

/// A redacted copy of `log`, if it is a dict.
///
/// # Errors
/// What objects in `log` raise when they are read.
pub fn redacted(log: Bound<'_, PyAny>) -> PyResult<Bound<'_, PyAny>> {
    match container(&log)? {
        Some(Container::Dict) => Walk::new(log.py()).through(&log),
        Some(Container::List) | None => Ok(log),
    }
}

type Member<'py> = (Bound<'py, PyAny>, Bound<'py, PyAny>);

/// A walk in progress. What is still to do waits in a list, so that nesting does not grow the stack.
struct Walk<'py> {
    marker: Bound<'py, PyString>,
    steps: Vec<Step<'py>>,
    met: AllMet<'py>,
    /// Room for the members of one dict at a time.
    members: Vec<Member<'py>>,
}

enum Step<'py> {
    Enter(Pending<'py>, Place<'py>),
    Leave(Id),
}

/// A container that is still to be copied.
struct Pending<'py> {
    original: Bound<'py, PyAny>,
    kind: Container,
    is_secret: bool,
    depth: usize,
}

/// Where its copy goes.
enum Place<'py> {
    Member(Bound<'py, PyDict>, Bound<'py, PyAny>),
    Item(Bound<'py, PyList>, usize),
}

impl<'py> Place<'py> {
    fn fill(self, with: Bound<'py, PyAny>) -> PyResult<()> {
        match self {
            Self::Member(dict, key) => dict.set_item(key, with),
            Self::Item(list, index) => list.set_item(index, with),
        }
    }
}

impl<'py> Walk<'py> {
    fn new(py: Python<'py>) -> Self {
        let marker = intern!(py, REDACTED).clone();
        Self { marker, steps: Vec::new(), met: AllMet::default(), members: Vec::new() }
    }

    fn through(mut self, log: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let log = Pending { original: log.clone(), kind: Container::Dict, is_secret: false, depth: 0 };
        let copy = self.enter(log)?;
        while let Some(step) = self.steps.pop() {
            match step {
                Step::Enter(pending, place) => place.fill(self.enter(pending)?)?,
                Step::Leave(id) => self.leave(id),
            }
        }
        Ok(copy)
    }

    /// The copy of a container, in which the containers are still to be filled in; of one that was met before, the same
    /// one. So no web of containers takes longer than it is large.
    fn enter(
        &mut self,
        Pending { original, kind, is_secret, depth }: Pending<'py>,
    ) -> PyResult<Bound<'py, PyAny>> {
        // The names in a dict decide, not the name it stands under.
        let is_secret = is_secret && kind == Container::List;
        let id = Id::new(&original, is_secret);
        if let Some(met) = self.met.get(&id) {
            return Ok(if met.is_open { self.marker.clone().into_any() } else { met.copy.clone() });
        }
        let waiting = self.steps.len();
        self.steps.push(Step::Leave(id));
        let copy = match kind {
            Container::Dict => self.dict(&original, depth)?.into_any(),
            Container::List => self.list(&original, is_secret, depth)?.into_any(),
        };
        let is_open = self.steps.len() > waiting + 1;
        if is_open {
            // The first is next, as if this were recursion.
            self.steps[waiting + 1..].reverse();
        } else {
            self.steps.truncate(waiting);
        }
        if is_open || depth > 0 {
            self.met.insert(id, Met { _original: original, copy: copy.clone(), is_open });
        }
        Ok(copy)
    }

    fn leave(&mut self, id: Id) {
        if let Some(met) = self.met.get_mut(&id) {
            met.is_open = false;
        }
    }

    fn dict(&mut self, original: &Bound<'py, PyAny>, depth: usize) -> PyResult<Bound<'py, PyDict>> {
        let mut members = mem::take(&mut self.members);
        let (copy, is_complete) = match original.cast_exact::<PyDict>() {
            Ok(dict) => copy_of(dict, &mut members)?,
            Err(_) => (as_listed_by(original, &mut members)?, false),
        };
        for (key, value) in members.drain(..) {
            self.member(&copy, is_complete, key, value, depth)?;
        }
        self.members = members;
        Ok(copy)
    }

    /// Redacts one member of `copy`, in which it stands already if that is complete.
    fn member(
        &mut self,
        copy: &Bound<'py, PyDict>,
        is_complete: bool,
        key: Bound<'py, PyAny>,
        value: Bound<'py, PyAny>,
        depth: usize,
    ) -> PyResult<()> {
        let kind = container(&value)?;
        let is_secret = speaks_of_a_secret(&key);
        let Some(kind) = kind.filter(|_| depth < MAX_DEPTH) else {
            return if is_secret || kind.is_some() {
                copy.set_item(key, &self.marker)
            } else if is_complete {
                Ok(())
            } else {
                copy.set_item(key, value)
            };
        };
        if !is_complete {
            // Keeps its place in the order.
            copy.set_item(&key, &self.marker)?;
        }
        let pending = Pending { original: value, kind, is_secret, depth: depth + 1 };
        self.steps.push(Step::Enter(pending, Place::Member(copy.clone(), key)));
        Ok(())
    }

    fn list(
        &mut self,
        original: &Bound<'py, PyAny>,
        is_secret: bool,
        depth: usize,
    ) -> PyResult<Bound<'py, PyList>> {
        let copy = match original.cast_exact::<PyList>() {
            Ok(list) => copy_of_list(list)?,
            Err(_) => PyList::new(original.py(), original.try_iter()?.collect::<PyResult<Vec<_>>>()?)?,
        };
        for (index, item) in copy.iter().enumerate() {
            match container(&item)? {
                Some(kind) if depth < MAX_DEPTH => {
                    let pending = Pending { original: item, kind, is_secret, depth: depth + 1 };
                    self.steps.push(Step::Enter(pending, Place::Item(copy.clone(), index)));
                }
                None if !is_secret => {}
                Some(_) | None => copy.set_item(index, &self.marker)?,
            }
        }
        Ok(copy)
    }
}

/// A copy of `dict`, with its members listed in `members`, and whether they may be replaced where they stand in it.
/// Keys with an equality of their own would make that miss: then the copy is empty.
fn copy_of<'py>(
    dict: &Bound<'py, PyDict>,
    members: &mut Vec<Member<'py>>,
) -> PyResult<(Bound<'py, PyDict>, bool)> {
    // `PyDict::copy` allocates in the middle, where Python 3.11 may collect, and so run code that changes `dict`.
    let copy = PyDict::new(dict.py());
    copy.update(dict.as_mapping())?;
    members.extend(copy.iter());
    let are_plain = members.iter().all(|(key, _)| key.is_exact_instance_of::<PyString>());
    Ok((if are_plain { copy } else { PyDict::new(dict.py()) }, are_plain))
}

/// A copy of `list`, made in one step for the same reason.
fn copy_of_list<'py>(list: &Bound<'py, PyList>) -> PyResult<Bound<'py, PyList>> {
    let copy = PyList::empty(list.py());
    copy.set_slice(0, 0, list)?;
    Ok(copy)
}

/// An empty dict, with the members listed in `members` that a dict of another class says it has.
#[cold]
fn as_listed_by<'py>(
    dict: &Bound<'py, PyAny>,
    members: &mut Vec<Member<'py>>,
) -> PyResult<Bound<'py, PyDict>> {
    let py = dict.py();
    for member in dict.call_method0(intern!(py, "items"))?.try_iter()? {
        members.push(member?.extract()?);
    }
    Ok(PyDict::new(py))
}
