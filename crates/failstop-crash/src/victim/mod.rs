//! The victim: a process that executes decisions on a ledger until it is killed or done.
//!
//! What it reports stands in a file as soon as it is known, what it does stands at the [`crate::target`]. Everything of
//! one round lies in one directory; see [`Place`].

mod executors;
mod life;
mod place;
mod program;

pub use executors::entered;
pub(crate) use executors::status_of;
pub use life::{DONE, Ending, Life, MAX_RETRIES, NOT_OPENED, TURNED_VARIABLE, live};
pub use place::Place;
pub use program::{DELAY_VARIABLE, act_as_told};
