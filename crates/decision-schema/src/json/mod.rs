//! JSON as this project carries it: strict on the way in (I-JSON, RFC 7493), order-keeping, integers digit for digit.

mod value;

pub use value::{Number, Object, Value};
