//! JSON as this project carries it: strict on the way in (I-JSON, RFC 7493), order-keeping, integers digit for digit.

mod fault;
mod locate;
mod number;
mod parse;
mod scan;
mod value;
mod write;

pub use fault::{JsonFault, JsonFaultKind, PathStep};
pub use locate::{Place, locate};
pub use parse::{MAX_DEPTH, MAX_LINE_BYTES, parse, parse_canonical};
pub use value::{Number, Object, Value};
pub use write::write_string;
