//! The containers that the walk met already.

use std::{
    collections::HashMap,
    hash::{BuildHasherDefault, Hasher},
};

use pyo3::prelude::*;

/// A container, and whether it stands under the name of a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Id(usize);

impl Id {
    pub fn new(container: &Bound<'_, PyAny>, is_secret: bool) -> Self {
        // Objects are aligned, so that the lowest bit of an address is free.
        Self(container.as_ptr().addr() | usize::from(is_secret))
    }
}

/// A container that was met, and its copy.
pub struct Met<'py> {
    /// Kept, so that no other object gets its address.
    pub _original: Bound<'py, PyAny>,
    pub copy: Bound<'py, PyAny>,
    /// Whether the walk is inside of it.
    pub is_open: bool,
}

/// Every container that was met.
pub type AllMet<'py> = HashMap<Id, Met<'py>, BuildHasherDefault<Spread>>;

/// Spreads addresses, which nobody outside chooses.
#[derive(Default)]
pub struct Spread(u64);

impl Hasher for Spread {
    fn finish(&self) -> u64 {
        self.0 ^ (self.0 >> 32)
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_usize(usize::from(*byte));
        }
    }

    fn write_usize(&mut self, address: usize) {
        self.0 = (self.0 ^ address as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
}
