//! The one runtime of a command.

use tokio::runtime::{Builder, Runtime};

use crate::exit::Failure;

/// A runtime on this thread.
///
/// # Errors
/// Where the machine refuses.
pub fn current_thread() -> Result<Runtime, Failure> {
    Builder::new_current_thread().enable_all().build().map_err(|_| Failure::Machine("no runtime to be had"))
}
